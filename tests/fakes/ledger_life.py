"""A ledger that lives by chance: groups, housekeeping in steps, pruning and cuts, beside a plain list of what it holds.

What append() returned for is in the list; a group under way, or one that flash refused, may be there after a start or
not at all. Anything else fails.
"""

from firmware.ledger.segments import ENTRIES_MAX
from firmware.ledger.store import FlashFull, Store
from shared import chain, entries, kinds
from shared.slices import finish

DEVICE = bytes(range(32))
_KIND_AT = 8
_NOTHING = ()


class Lcg:
    """Random numbers that every interpreter agrees on."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 7919 + 17

    def below(self, limit: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % limit


def open_on(flash) -> Store:
    return Store(flash, 7, 9, 1, DEVICE)


class Life:
    """One ledger and its model: the `bodies` of the entries behind `base`, and their `heads`, with the one before them.

    Between two steps of its housekeeping anything else may come, as on a board.
    """

    def __init__(self, flash, random: Lcg, begin: int = 0) -> None:
        """`begin`: so many entries in full segments are there from the start, and not in the model."""
        self.flash = flash
        self.random = random
        self.steps = None  # of the housekeeping under way
        self.flight = _NOTHING  # the group that append() has, or had when flash refused it
        self.store = open_on(flash)
        self.store.mark()
        for _ in range(begin // ENTRIES_MAX):
            self.store.append([entries.Entry(0, 1000, kinds.BOOT) for _ in range(ENTRIES_MAX)])
        self.base = self.store.state.sequence
        self.heads = [self.store.head]
        self.bodies = []
        self.acknowledged = self.base
        self.refused = 0  # groups
        self.stuck = 0  # files that were not let go of
        self.doubtful = False  # flash refused the entry of a checkpoint, or may have

    def turn(self) -> None:
        """Something happens."""
        works = (self.append, self.append, self.append, self.keep_house, self.go_on, self.go_on, self.go_on)
        works += (self.go_on, self.finish_house, self.make_way, self.prune, self.mark, self.look, self.look_at_end)
        works[self.random.below(len(works))]()

    def append(self) -> None:
        draw = self.random.below(20)
        count = 1 + self.random.below(3) if draw < 13 else 1 + self.random.below(9 if draw < 19 else 69)
        self._append([entries.Entry(0, 1000 + draw, kinds.BOOT) for _ in range(count)])

    def keep_house(self) -> None:
        """Begin with one of the things that the gateway does in steps, unless it is at one."""
        if self.steps is not None:
            return
        draw = self.random.below(4)
        if draw == 0:
            self.steps = self.store.checkpoint_steps(1000, 0, 1 + self.random.below(30))
        elif draw == 1:
            self.steps = self.store.make_way_steps(1 + self.random.below(8))
        else:
            self.steps = self.store.rest_steps()

    def go_on(self) -> None:
        """A step of it."""
        if self.steps is None:
            self.keep_house()
        try:
            next(self.steps)
        except StopIteration:
            self.steps = None
        except (FlashFull, OSError):
            self.steps = None  # the gateway asks for it anew
            self.doubtful = True
        self._learn()

    def finish_house(self) -> None:
        while self.steps is not None:
            self.go_on()

    def make_way(self) -> None:
        """A token of safe mode: all of its steps in one go, whatever is under way."""
        finish(self.store.make_way_steps(1 + self.random.below(5)))

    def prune(self) -> None:
        """The cloud has something, and the room or the number of segments asks for it."""
        self.acknowledged += self.random.below(self.end() + 1 - self.acknowledged)
        wanted = (0, 1 << 30)[self.random.below(2)]
        try:
            self.store.prune(self.acknowledged, wanted, 2 + self.random.below(6))
        except OSError:
            self.stuck += 1
        first = self.store.first_kept()
        assert first <= self.acknowledged + 1, "what the cloud lacks was removed"
        gone = first - 1 - self.base
        if gone > 0:
            self.base += gone
            self.heads = self.heads[gone:]
            self.bodies = self.bodies[gone:]

    def mark(self) -> None:
        self.store.mark()

    def look(self) -> None:
        """Some entries, and a head, are what was written."""
        if self.bodies:
            self._compare(self.random.below(len(self.bodies)), 1 + self.random.below(80))

    def look_at_end(self) -> None:
        assert (self.store.state.sequence, self.store.head) == (self.end(), self.heads[-1])
        assert self.store.damage == "" and self.store.first_kept() <= self.base + 1
        if self.bodies:
            self._compare(len(self.bodies) - 1, 1)

    def end(self) -> int:
        """The sequence of the last entry in the model."""
        return self.base + len(self.bodies)

    def start_on(self, flash) -> None:
        """Power is back, on what is left; then all that is kept is read."""
        self.flash = flash
        self.steps = None
        self.store = open_on(flash)
        self.judge(self.store)
        self._learn(self.flight)
        self.flight = _NOTHING
        self.doubtful = False
        self.look_at_end()
        first = self.store.first_kept()
        while first <= self.base:  # not in the model, but said to be there
            count = min(ENTRIES_MAX, self.base + 1 - first)
            assert len(self.store.run(first, count, False)[1]) == count * entries.BODY_SIZE
            first += count
        at = 0
        while at < len(self.bodies):
            at += self._compare(at, ENTRIES_MAX)

    def judge(self, store) -> None:
        """A ledger after a start holds what the model does, and of what was under way all or nothing."""
        assert store.damage == "", store.damage
        more = store.state.sequence - self.end()
        if not more:
            assert store.head == self.heads[-1]
        elif more != len(self.flight) or store.head != self._after(self.flight):
            assert more == 1 and (self.steps is not None or self.doubtful), (more, len(self.flight))
            assert store.last_kinds(1)[0] == kinds.CHECKPOINT, "an entry of nobody"

    def judge_again(self, store, again) -> None:
        """What a start finds after that store is what the store knew."""
        assert again.damage == "", again.damage
        assert (again.state.sequence, again.head) == (store.state.sequence, store.head)

    def _compare(self, at, limit):
        """What the ledger gives from that place of the model on is what stands there; returns how many."""
        before, bodies, after = self.store.run(self.base + at + 1, limit, False)
        count = len(bodies) // entries.BODY_SIZE
        assert count and before == self.heads[at] and after == self.heads[at + count], at
        assert bodies == b"".join(self.bodies[at : at + count])
        return count

    def _append(self, group):
        self.flight = group
        try:
            self.store.append(group)
        except FlashFull:
            self.refused += 1
            assert self.store.state.sequence == self.end() and self.store.head == self.heads[-1]
            return
        self._take(group)

    def _take(self, group):
        for entry in group:
            self.bodies.append(entries.encode(entry))
            self.heads.append(chain.link(self.heads[-1], self.bodies[-1]))
        self.flight = _NOTHING
        self.doubtful = False

    def _after(self, group):
        """The head behind a group that may be on flash."""
        head = self.heads[-1]
        for at, entry in enumerate(group):
            entry.sequence = self.end() + 1 + at
            entry.group_left = len(group) - 1 - at
            head = chain.link(head, entries.encode(entry))
        return head

    def _learn(self, group=_NOTHING):
        """Take over what came by itself: the entry of a checkpoint, or a group that was durable before a start."""
        more = self.store.state.sequence - self.end()
        if more and more == len(group) and self.store.head == self._after(group):
            self._take(group)
            return
        assert more in (0, 1), more
        if more:
            body = self.store.run(self.end() + 1, 1, False)[1]
            assert body[_KIND_AT] == kinds.CHECKPOINT
            self.bodies.append(bytes(body))
            self.heads.append(chain.link(self.heads[-1], self.bodies[-1]))
            self.flight = _NOTHING
