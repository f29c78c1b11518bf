"""The segments of the ledger on flash: which there are, and where what is new goes.

What is new goes into a short segment, the tail, and from there into the body before it: littlefs copies the last block
of a file for each append, but not what is as short as a tail.
"""

from firmware.ledger import segments
from shared import entries
from shared.compat import const
from shared.errors import SharedError
from shared.slices import finish

_GROUP_LEFT_AT = const(11)


class SegmentFiles:
    """`firsts` are the first sequences of all segments, rising; the last of them may be the tail."""

    def __init__(self, flash, epoch: int, firsts: "list[int]") -> None:
        self._flash = flash
        self._epoch = epoch
        self.firsts = firsts
        self._tail = 0  # entries in the last segment while it is a tail: few, to be moved into the body before it
        self._body = segments.ENTRIES_MAX  # entries in the body; ENTRIES_MAX: it takes no more
        self._moving = 0  # the number of the emptying under way; 0: there is none
        self._emptied = 0  # how many there were
        self._ready = ""  # the folder that is known to be there

    def find_tail(self, records: int) -> None:
        """What of the last two segments takes more, after a start that found so many good records in the last."""
        if records > segments.TAIL_MAX:
            self._body = records
            return
        self._tail = records
        if len(self.firsts) > 1:
            count = self.firsts[-1] - self.firsts[-2]
            whole = segments.HEADER_SIZE + count * entries.RECORD_SIZE
            if self._flash.size(segments.name_of(self.firsts[-2])) == whole:
                self._body = count

    def append(self, first: int, head: bytes, records: bytes) -> None:
        """Make records durable, of which the first has that sequence and stands behind `head`.

        OSError: flash refuses; nothing was written that counts, and what comes begins a new segment.
        """
        count = len(records) // entries.RECORD_SIZE
        try:
            if 0 < self._tail <= segments.TAIL_MAX - count and not self._moving:
                self._flash.append(segments.name_of(self.firsts[-1]), records)
            else:
                self._close_tail()
                self._start(first, head, records)
            self._tail += count
        except OSError:
            self._tail, self._body, self._moving = 0, segments.ENTRIES_MAX, 0
            raise

    def has_room(self, count: int) -> bool:
        """Whether so many entries go into the tail as it is, or begin one."""
        return self._tail + count <= segments.TAIL_MAX or not self._tail

    def empty_steps(self):
        """Move the tail's entries behind those of the body, as an iterator: each step takes an erase, or two.

        What does not fit there is the next body. An append between two steps takes the tail for a body as it is.
        """
        if not self._tail or self._moving:
            return
        self._emptied += 1
        turn = self._moving = self._emptied
        try:
            segment = segments.read_segment(self._flash, self.firsts[-1], self._epoch)
            moved = self._movable(segment)
            if moved:
                yield from self._flash.append_steps(segments.name_of(self.firsts[-2]), segment.records(0, moved))
                yield
            if self._moving == turn:
                self._drop_tail(segment, moved)
        except (OSError, SharedError):
            if self._moving == turn:  # while the tail is there it is what counts, and what comes begins a new segment
                self._tail, self._body = 0, segments.ENTRIES_MAX
        if self._moving == turn:
            self._moving = 0

    def make_ready(self, first: int) -> bool:
        """Make the folder of a segment that begins soon; tells whether there was something to do.

        The first time it takes away what a cut may have left in the midst of prune().
        """
        folder = segments.folder_of(first)
        if folder == self._ready:
            return False
        if not self._ready and self.firsts and self.firsts[0] >= segments.FOLDER_ENTRIES:
            self._flash.remove_folder(segments.folder_of(self.firsts[0] - segments.FOLDER_ENTRIES))
        self._ready = folder
        if self._flash.has(folder):
            return False
        try:
            self._flash.make_folder(folder)
        except OSError:
            pass  # the segment itself will find out
        return True

    def prune(self, last_removable: int) -> bool:
        """Remove the oldest segment if no later entry is in it, and then its folder; tells whether it did."""
        if len(self.firsts) <= 2 or self.firsts[1] - 1 > last_removable:
            return False
        first = self.firsts[0]
        if self._flash.has(segments.name_of(first)):  # removed, though flash said that it was not
            self._flash.remove(segments.name_of(first))
        self.firsts.pop(0)
        if segments.folder_of(self.firsts[0]) != segments.folder_of(first):
            self._flash.remove_folder(segments.folder_of(first))
        return True

    def read(self, sequence: int, end: int) -> "tuple[segments.Segment, int]":
        """The segment that holds an entry, and how many of its entries count when the ledger ends at `end`.

        ChainError: it was pruned, is missing, or is not what its name says.
        """
        first = segments.holding(self.firsts, sequence)
        at = self.firsts.index(first) + 1
        behind = self.firsts[at] if at < len(self.firsts) else end + 1
        return segments.read_segment(self._flash, first, self._epoch), behind - first

    def _close_tail(self):
        """Before a new segment begins: what is being moved stays where it is, for the tail is read already."""
        if self._moving:
            self._body, self._tail, self._moving = self._tail, 0, 0
        finish(self.empty_steps())
        self._tail = 0

    def _start(self, first, head, records):
        name = segments.name_of(first)
        if self.firsts and self.firsts[-1] == first:
            self.firsts.pop()
        if self._flash.has(name):
            self._flash.remove(name)  # torn before its first entry was whole, or refused
        self._flash.append(name, self._header(first, head) + records)
        self.firsts.append(first)

    def _movable(self, segment):
        """As many of the tail's whole groups as there is room for."""
        moved = min(segments.ENTRIES_MAX - self._body, self._tail)
        while moved and segment.body(moved - 1)[_GROUP_LEFT_AT]:
            moved -= 1
        return moved

    def _drop_tail(self, segment, moved):
        """What was moved counts where it is now; what was not is a segment of its own before the tail goes."""
        left = self._tail - moved
        if not moved:
            self._body = left
        else:
            if left:
                self._put_rest(segment, moved)
            self._flash.remove(segments.name_of(segment.first))
            self.firsts.pop()
            self._body = left or self._body + moved
            if left:
                self.firsts.append(segment.first + moved)
        self._tail = 0

    def _put_rest(self, segment, moved):
        """What did not fit, whole or not at all: as long as it is not there, the tail counts to its end."""
        head = segment.head
        for index in range(moved):
            head = segment.follow(head, index)
        first = segment.first + moved
        self._flash.replace(segments.name_of(first), self._header(first, head) + segment.records(moved, self._tail))

    def _header(self, first, head):
        return segments.SEGMENT.encode(epoch=self._epoch, first=first, head=head)
