"""The append-only ledger on flash. A group of entries is durable when append() returns, and kept or dropped whole.

The high-water mark follows when mark() is called, before a motor moves, and what it covers is never lost unnoticed. It
is apart because either may take an erase of the flash, and keys wait as long.
"""

from firmware.ledger import segments
from firmware.ledger.checkpoints import Checkpoints, digest_of
from firmware.ledger.files import SegmentFiles
from firmware.ledger.pair import Pair
from firmware.ledger.recovery import DamageError, Recovery
from shared import chain, checks, entries, kinds
from shared.compat import const
from shared.errors import SharedError
from shared.state import GatewayState
from shared.wire import Layout

MARK = Layout(b"PSmark01", (("epoch", "u2"), ("sequence", "u4"), ("head", "b32")))
CHECKPOINT_EVERY = const(96)  # entries: 0.3 s of replay at start on an RP2040
KEPT_SEGMENTS = const(128)  # for a cloud that is restored; with more a start and all of littlefs are slower
RESERVE_BYTES = const(131072)  # below this much free flash old segments are pruned, before readings are given up
SPACE_FOR_TOKENS = const(32768)  # bytes kept for tokens and valve motions when flash runs full
_TOKEN_ENTRIES = const(5)  # its attempt, what it repays, itself, the valve
_SPARE_BYTES = const(512)  # a segment's head, and the copies that are replaced while the old ones still stand
_KIND_AT = const(8)
_MARK_FILES = "mark"
_GROUP_LEFT_AT = const(11)


class FlashFull(Exception):
    """There is no room for the entry, or flash refused it; nothing was written that counts."""


def marked_in(flash, epoch: int) -> "tuple[int, bytes] | None":
    """(sequence, head) of the high-water mark of an epoch."""
    data = Pair(flash, _MARK_FILES).load()
    if data is None:
        return None
    fields = MARK.decode(data)
    return (fields["sequence"], fields["head"]) if fields["epoch"] == epoch else None


def _no_documents():
    return None


class Store:
    """The ledger of one epoch: `state` and `head` after its last entry, and `damage` when it is in RECOVERY."""

    def __init__(self, flash, utility: int, gateway: int, epoch: int, device_public: bytes) -> None:
        self._flash = flash
        self._epoch = epoch
        self._mark = Pair(flash, _MARK_FILES)
        self.genesis = chain.genesis(utility, gateway, epoch, device_public)
        self._checkpoints = Checkpoints(flash, epoch)
        marked = self.marked()
        self._marked = -1 if marked is None else marked[0]
        fresh = GatewayState(utility, gateway, epoch)
        found = Recovery(flash, self.genesis, fresh, self._checkpoints, marked)
        self.state = found.state
        self.head = found.head
        self.damage = found.damage
        self.dropped = found.torn
        self._files = SegmentFiles(flash, epoch, found.firsts)
        if found.firsts and not found.torn:
            self._files.find_tail(found.records)
        self.known = _no_documents  # gives the InForce that what is written is checked against

    def judge_by(self, known) -> None:
        """known() gives the documents (InForce) in force; before, entries are checked without any."""
        self.known = known

    def marked(self) -> "tuple[int, bytes] | None":
        """(sequence, head) of the high-water mark of this epoch."""
        return marked_in(self._flash, self._epoch)

    def mark(self) -> None:
        """Raise the high-water mark to the present head; where flash refuses, the next time covers it."""
        if self.damage or self._marked >= self.state.sequence:
            return
        self._marked = self.state.sequence
        try:
            self._mark.save(MARK.encode(epoch=self._epoch, sequence=self.state.sequence, head=self.head))
        except OSError:
            pass

    def append(self, group: "list[entries.Entry]") -> None:
        """Make a group durable, then fold it in: sequences and group_left are filled in here.

        FlashFull: no room, or flash refuses to write, or damage was found between two steps; nothing changed.
        """
        assert 0 < len(group) <= segments.ENTRIES_MAX, "a group fits a segment"
        if self.damage or self.free() < _SPARE_BYTES + len(group) * entries.RECORD_SIZE:
            raise FlashFull
        records, head = self._records_of(group)
        try:
            self._files.append(self.state.sequence + 1, self.head, records)
        except OSError:
            raise FlashFull
        for entry in group:
            self.state.apply(entry)
        self.head = head

    def checkpoint_steps(self, time_s: int, quality: int, every: int = CHECKPOINT_EVERY):
        """Write a checkpoint when `every` entries have passed since the last, as an iterator of steps.

        One between which an entry came does not count, and is written anew the next time.
        """
        sequence = self.state.sequence
        if self.damage or sequence - self._checkpoints.newest < every:
            return
        parts = yield from self.state.parts_steps()
        yield
        if self.state.sequence != sequence:
            return
        digest = digest_of(parts)
        slot = yield from self._checkpoints.save_steps(self.head, parts)
        yield from self.make_way_steps(1)
        yield
        if self.state.sequence != sequence or self.damage:
            return
        self.append([entries.Entry(0, time_s, kinds.CHECKPOINT, quality=quality, digest=digest)])
        self._checkpoints.covered(slot, sequence)

    def head_at(self, sequence: int) -> bytes:
        """The head (32 bytes) after an entry. DamageError: it is above the ledger's end, pruned, or unreadable."""
        if sequence == self.state.sequence:
            return self.head
        if sequence == 0:
            return self.genesis
        return self.run(sequence, 1, False)[2]

    def run(self, first: int, limit: int, whole_groups: bool = True) -> "tuple[bytes, bytes, bytes]":
        """(head before, bodies, head after) of up to `limit` entries from `first`, ending where a group ends.

        DamageError: what is on flash is not what was written; the ledger is in RECOVERY from now on.
        """
        if not 0 < first <= self.state.sequence:
            raise DamageError("entry {} is not in the ledger".format(first))
        try:
            return self._run(first, min(limit, self.state.sequence + 1 - first), whole_groups)
        except SharedError as error:
            self.damage = str(error)
            raise DamageError(self.damage)

    def last_kinds(self, count: int) -> bytes:
        """The kinds of the last entries, a byte each, fewer when there are fewer. DamageError as run()."""
        first = max(1, self.state.sequence + 1 - count)
        bodies = self.run(first, count, False)[1]
        return bytes([bodies[at + _KIND_AT] for at in range(0, len(bodies), entries.BODY_SIZE)])

    def prune(self, acknowledged: int, wanted_bytes: int = RESERVE_BYTES, kept: int = KEPT_SEGMENTS) -> bool:
        """Where space is short or segments are many, remove the oldest if the cloud has it and no checkpoint needs it.

        Tells whether it did. OSError: flash refuses.
        """
        if self.free() >= wanted_bytes and len(self._files.firsts) <= kept:
            return False
        covered = self._checkpoints.older
        if not covered and self.free() <= SPACE_FOR_TOKENS:  # no second checkpoint is written any more
            covered = self._checkpoints.newest
        return self._files.prune(min(acknowledged, covered))

    def rest_steps(self):
        """Called now and then, as an iterator of steps: prepares for what comes.

        The tail is emptied where a token may find too little room, and the folder of the next segment made.
        """
        if self.damage:
            return
        yield from self.make_way_steps(_TOKEN_ENTRIES)
        if self._files.make_ready(self.state.sequence + segments.ENTRIES_MAX):
            yield

    def make_way_steps(self, count: int):
        """Empty the tail if an append of so many entries would have to do it, as an iterator of steps."""
        if not self.damage and not self._files.has_room(count):
            yield from self._files.empty_steps()

    def first_kept(self) -> int:
        """The sequence of the oldest entry on flash."""
        return self._files.firsts[0] if self._files.firsts else 1

    def free(self) -> int:
        """Bytes that can still be stored."""
        return self._flash.free()

    def _records_of(self, group):
        """(a group as it stands on flash, the head after it), checked entry by entry; the state stays as it is."""
        head = self.head
        records = []
        known = self.known()
        state = self.state if len(group) == 1 else self.state.copy([entry.meter for entry in group])
        for at, entry in enumerate(group):
            entry.sequence = self.state.sequence + 1 + at
            entry.group_left = len(group) - 1 - at
            if entry.kind != kinds.CHECKPOINT:  # whose hash was made of the state just now, and takes 0.1 s
                wrong = checks.contradiction(state, entry, known)
                assert not wrong, wrong
            record, head = segments.record(head, entries.encode(entry))
            records.append(record)
            if state is not self.state:
                state.apply(entry)
        return b"".join(records), head

    def _run(self, first, limit, whole_groups):
        bodies = bytearray(limit * entries.BODY_SIZE)  # in one piece: kept one by one they would scatter the free heap
        segment, counted = self._files.read(first, self.state.sequence)
        previous = segment.head
        for index in range(first - segment.first):
            previous = segment.follow(previous, index)
        head = previous
        done = 0
        kept, kept_head = 0, previous
        while done < limit:
            sequence = first + done
            if sequence - segment.first >= counted:
                segment, counted = self._files.read(sequence, self.state.sequence)
                if segment.head != head:
                    raise DamageError("segment {} does not continue the chain".format(sequence))
            index = sequence - segment.first
            if index >= segment.count:
                raise DamageError("entry {} is missing".format(sequence))
            head = segment.follow(head, index)
            body = segment.body(index)
            bodies[done * entries.BODY_SIZE : (done + 1) * entries.BODY_SIZE] = body
            done += 1
            if not whole_groups or body[_GROUP_LEFT_AT] == 0:
                kept, kept_head = done, head
        return previous, bytes(memoryview(bodies)[: kept * entries.BODY_SIZE]), kept_head
