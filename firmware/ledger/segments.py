"""Segment files: a head, then records of 58 bytes. A segment is one block of flash, and a group never spans two.

`seg-xxxxxx/seg-xxxxxxxx` is named by its first sequence, and its folder by the upper bits of that. What stands behind
the first sequence of the next segment does not count: it was dropped at a recovery, or stands in the next one, too.
"""

from shared.chain import link
from shared.compat import const
from shared.entries import BODY_SIZE, LINK_SIZE, RECORD_SIZE
from shared.errors import ChainError, WireError
from shared.wire import Layout, Reader

SEGMENT = Layout(b"PSsegmt1", (("epoch", "u2"), ("first", "u4"), ("head", "b32")))
HEADER_SIZE = const(46)
ENTRIES_MAX = const(69)  # 46 + 69 * 58 = 4048 bytes: one block of 4096
TAIL_MAX = const(8)  # 46 + 8 * 58 = 510 bytes: up to 512 littlefs keeps a file in its directory, and erases no block
_PREFIX = "seg-"
_DIGITS = const(8)
FOLDER_ENTRIES = const(2048)  # 30 segments and a few short ones


def folder_of(first: int) -> str:
    """The folder of the segment whose first sequence this is."""
    return "{}{:06x}".format(_PREFIX, first // FOLDER_ENTRIES)


def name_of(first: int) -> str:
    """The file of that segment."""
    return "{}/{}{:08x}".format(folder_of(first), _PREFIX, first)


def list_firsts(flash) -> "list[int]":
    """The first sequences of all segments, rising."""
    firsts = [int(name[-_DIGITS:], 16) for name in flash.each(_PREFIX)]
    firsts.sort()
    return firsts


def record(head: bytes, body: bytes) -> "tuple[bytes, bytes]":
    """(the 58 bytes on flash, the head after it) of an entry after a head."""
    after = link(head, body)
    return body + after[:LINK_SIZE], after


class Segment:
    """One segment, read whole: `first`, `epoch`, the `head` before it (32 bytes) and `count` whole records."""

    def __init__(self, data: bytes) -> None:
        """WireError: the head is cut off or wrong."""
        fields = SEGMENT.read(Reader(data))
        self.epoch = fields["epoch"]
        self.first = fields["first"]
        self.head = fields["head"]
        self.count = (len(data) - HEADER_SIZE) // RECORD_SIZE
        self.has_rest = (len(data) - HEADER_SIZE) % RECORD_SIZE != 0
        self._data = data

    def body(self, index: int) -> bytes:
        """The 42 bytes of a record."""
        at = HEADER_SIZE + index * RECORD_SIZE
        return bytes(self._data[at : at + BODY_SIZE])

    def records(self, begin: int, end: int) -> bytes:
        """Records of 58 bytes, end to end."""
        return bytes(self._data[HEADER_SIZE + begin * RECORD_SIZE : HEADER_SIZE + end * RECORD_SIZE])

    def follow(self, head: bytes, index: int) -> bytes:
        """The head after a record that stands behind `head`; ChainError when its link is not that."""
        after = link(head, self.body(index))
        at = HEADER_SIZE + index * RECORD_SIZE + BODY_SIZE
        if bytes(self._data[at : at + LINK_SIZE]) != after[:LINK_SIZE]:
            raise ChainError("entry {} does not follow the one before it".format(self.first + index))
        return after


def read_segment(flash, first: int, epoch: int) -> Segment:
    """A segment by its first sequence; ChainError when it is missing or not what its name says."""
    try:
        segment = Segment(flash.read(name_of(first)))
    except (OSError, WireError):
        raise ChainError("segment {} cannot be read".format(first))
    if segment.first != first or segment.epoch != epoch:
        raise ChainError("segment {} says that it is another".format(first))
    return segment


def holding(firsts: "list[int]", sequence: int) -> int:
    """The first sequence of the segment that holds an entry; ChainError when it was pruned."""
    for first in reversed(firsts):
        if first <= sequence:
            return first
    raise ChainError("entry {} was pruned".format(sequence))
