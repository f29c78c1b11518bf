"""The append-only ledger on flash. A group of entries is durable when append() returns, and kept or dropped whole.

The high-water mark follows when mark() is called, before a motor moves, and what it covers is never lost unnoticed. It
is apart because either may take an erase of the flash, and keys wait as long.

What is new goes into a short segment, the tail, and from there into the body before it: littlefs copies the last block
of a file for each append, but not what is as short as a tail.
"""

from firmware.ledger import segments
from firmware.ledger.checkpoints import Checkpoints
from firmware.ledger.pair import Pair
from firmware.ledger.recovery import DamageError, Recovery
from shared import chain, checks, entries, kinds
from shared.compat import const
from shared.errors import SharedError
from shared.state import GatewayState
from shared.wire import Layout

MARK = Layout(b"PSmark01", ("epoch", "u2"), ("sequence", "u4"), ("head", "b32"))
CHECKPOINT_EVERY = const(256)  # entries: about a second of replay at start on an RP2040
RESERVE_BYTES = const(131072)  # below this much free flash old segments are pruned, before readings are given up
_SPARE_BYTES = const(512)  # a segment's head, and the copies that are replaced while the old ones still stand
_TAIL_FULL = const(4)  # as much is left for a token: its attempt, what it repays, itself, the valve
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
        self._firsts = found.firsts
        self._tail = 0  # entries in the last segment while it is a tail: few, to be moved into the body before it
        self._body = segments.ENTRIES_MAX  # entries in the body; ENTRIES_MAX: it takes no more
        self._copied = -1  # so many of the tail's entries are in the body, too; -1: it is not being emptied
        self._rested = 0
        if found.firsts and not found.torn:
            self._find_tail(found.records)
        self._free_bytes = flash.free()
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

        FlashFull: no room, or flash refuses to write; nothing changed, and it can be tried again.
        """
        assert not self.damage, "a damaged ledger is not written"
        assert 0 < len(group) <= segments.ENTRIES_MAX, "a group fits a segment"
        if self._free_bytes < _SPARE_BYTES + len(group) * entries.RECORD_SIZE:
            raise FlashFull
        records, head = self._records_of(group)
        try:
            self._write(records, len(group))
        except OSError:
            self._tail = 0
            self._body = segments.ENTRIES_MAX  # what was torn does not count: go on in a new segment
            self._free_bytes = self._flash.free()
            raise FlashFull
        for entry in group:
            self.state.apply(entry)
        self.head = head

    def checkpoint(self, time_s: int, quality: int, every: int = CHECKPOINT_EVERY) -> bool:
        """Write a checkpoint when `every` entries have passed since the last; tells whether it did."""
        if self.damage or self.state.sequence - self._checkpoints.newest < every:
            return False
        sequence = self.state.sequence
        slot = self._checkpoints.save(self.state, self.head)
        digest = self.state.digest()
        self.append([entries.Entry(0, time_s, kinds.CHECKPOINT, quality=quality, digest=digest)])
        self._checkpoints.covered(slot, sequence)
        return True

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

    def prune(self, acknowledged: int, wanted_bytes: int = RESERVE_BYTES) -> int:
        """Remove the oldest segments, while space is short, that are acknowledged and older than both checkpoints."""
        last_removable = min(acknowledged, self._checkpoints.older)
        removed = 0
        while len(self._firsts) > 2 and self._firsts[1] - 1 <= last_removable and self._free_bytes < wanted_bytes:
            self._flash.remove(segments.name_of(self._firsts[0]))
            self._firsts.pop(0)
            self._free_bytes = self._flash.free()
            removed += 1
        return removed

    def rest(self) -> None:
        """Called now and then: when nothing was written since the last time, the tail is emptied for what comes.

        It takes two calls, for each half may take an erase.
        """
        if self.damage:
            return
        if self._copied >= 0:
            self._remove_tail()
        elif self._rested == self.state.sequence and self._tail >= _TAIL_FULL:
            self._copy_tail()
            if self._copied == 0:
                self._remove_tail()  # it is the next body as it is
        self._rested = self.state.sequence

    def first_kept(self) -> int:
        """The sequence of the oldest entry on flash."""
        return self._firsts[0] if self._firsts else 1

    def free(self) -> int:
        """Bytes that can still be stored; counted along, since asking the file system takes long."""
        return self._free_bytes

    def _records_of(self, group):
        """(a group as it stands on flash, the head after it), checked entry by entry; the state stays as it is."""
        head = self.head
        records = []
        known = self.known()
        state = self.state if len(group) == 1 else self.state.copy([entry.meter for entry in group])
        for at, entry in enumerate(group):
            entry.sequence = self.state.sequence + 1 + at
            entry.group_left = len(group) - 1 - at
            wrong = checks.contradiction(state, entry, known)
            assert not wrong, wrong
            record, head = segments.record(head, entries.encode(entry))
            records.append(record)
            if state is not self.state:
                state.apply(entry)
        return b"".join(records), head

    def _write(self, records, count):
        if 0 < self._tail <= segments.TAIL_MAX - count and self._copied < 0:
            self._flash.append(segments.name_of(self._firsts[-1]), records)
            self._free_bytes -= len(records)
        else:
            self._fold_tail()
            self._start_segment(self.state.sequence + 1, records)
            self._tail = 0
        self._tail += count

    def _start_segment(self, first, records):
        name = segments.name_of(first)
        if self._firsts and self._firsts[-1] == first:
            self._firsts.pop()
        self._remove_torn(name)
        header = segments.SEGMENT.encode(epoch=self._epoch, first=first, head=self.head)
        self._flash.append(name, header + records)
        self._firsts.append(first)
        self._free_bytes -= len(header) + len(records)

    def _remove_torn(self, name):
        """A segment that was torn before its first entry was whole, or refused."""
        if self._flash.has(name):
            self._flash.remove(name)

    def _fold_tail(self):
        """Move the tail's entries behind those of the body; what does not fit there is the next body."""
        if self._tail and self._copied < 0:
            self._copy_tail()
        if self._copied >= 0:
            self._remove_tail()

    def _copy_tail(self):
        """The first half: as many whole groups as there is room for, and what is left as a segment of its own."""
        try:
            self._copied = self._copy(segments.ENTRIES_MAX - self._body)
        except (OSError, SharedError):
            self._keep_tail()

    def _copy(self, room):
        first = self._firsts[-1]
        segment = segments.read_segment(self._flash, first, self._epoch)
        moved = min(room, self._tail)
        while moved and segment.body(moved - 1)[_GROUP_LEFT_AT]:
            moved -= 1
        if moved:
            self._flash.append(segments.name_of(self._firsts[-2]), segment.records(0, moved))
            if moved < self._tail:
                self._put_rest(segment, moved)
        return moved

    def _remove_tail(self):
        """The second half: what was copied counts where it is now."""
        moved, self._copied = self._copied, -1
        first = self._firsts[-1]
        if moved:
            try:
                self._flash.remove(segments.name_of(first))
            except OSError:
                self._keep_tail()
                return
            self._firsts.pop()
        if moved == self._tail:
            self._body += moved
        else:
            self._body = self._tail - moved
            if moved:
                self._firsts.append(first + moved)
            self._free_bytes = self._flash.free()
        self._tail = 0

    def _keep_tail(self):
        """Flash refused: until the tail is removed, it is what counts, and what comes begins a new segment."""
        self._body, self._tail = segments.ENTRIES_MAX, 0

    def _put_rest(self, segment, moved):
        """What did not fit, whole or not at all: as long as it is not there, the tail counts to its end."""
        head = segment.head
        for index in range(moved):
            head = segment.follow(head, index)
        header = segments.SEGMENT.encode(epoch=self._epoch, first=segment.first + moved, head=head)
        self._flash.replace(segments.name_of(segment.first + moved), header + segment.records(moved, self._tail))

    def _find_tail(self, records):
        """What of the last two segments takes more, after a start."""
        if records > segments.TAIL_MAX:
            self._body = records
            return
        self._tail = records
        if len(self._firsts) > 1:
            count = self._firsts[-1] - self._firsts[-2]
            whole = segments.HEADER_SIZE + count * entries.RECORD_SIZE
            if self._flash.size(segments.name_of(self._firsts[-2])) == whole:
                self._body = count

    def _run(self, first, limit, whole_groups):
        at = segments.holding(self._firsts, first)
        segment = segments.read_segment(self._flash, at, self._epoch)
        previous = segment.head
        for index in range(first - at):
            previous = segment.follow(previous, index)
        bodies = []
        head = previous
        kept, kept_head = 0, previous
        while len(bodies) < limit:
            sequence = first + len(bodies)
            if sequence - segment.first >= self._length(segment.first):
                segment = segments.read_segment(self._flash, sequence, self._epoch)
                if segment.head != head:
                    raise DamageError("segment {} does not continue the chain".format(sequence))
            index = sequence - segment.first
            if index >= segment.count:
                raise DamageError("entry {} is missing".format(sequence))
            head = segment.follow(head, index)
            bodies.append(segment.body(index))
            if not whole_groups or bodies[-1][_GROUP_LEFT_AT] == 0:
                kept, kept_head = len(bodies), head
        return previous, b"".join(bodies[:kept]), kept_head

    def _length(self, first):
        """How many entries of a segment count."""
        at = self._firsts.index(first) + 1
        end = self._firsts[at] if at < len(self._firsts) else self.state.sequence + 1
        return end - first
