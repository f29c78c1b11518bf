"""Records of hourly readings on flash, until the cloud has them. They are what is given up first when space is short.

`rseg-eeee-nnnnnnnn` (epoch, number) holds records end to end, each with the front of its SHA-256 behind it; a torn end
does not count.
"""

import hashlib

from shared import readings
from shared.compat import const
from shared.errors import WireError

SEGMENT_MAX = const(4000)  # bytes: with head and code of a message at most 4066; one block of flash
FREE_MIN_BYTES = const(98304)  # below this much free flash no reading is written, and the oldest are dropped
_CHECK_SIZE = const(4)
_PREFIX = "rseg-"


class ReadingStore:
    """The segments of one epoch; those of an earlier one are removed, for its link key is gone.

    `last` is the last record of each channel that the two newest segments held at start, packed, until it is used.
    """

    def __init__(self, flash, epoch: int) -> None:
        self._flash = flash
        self._prefix = "{}{:04x}-".format(_PREFIX, epoch)
        self._numbers = self._segments()
        self._size = 0
        self._torn = False
        self.last = {}
        for number in self._numbers[-2:]:
            data = self._read(number)
            self._size = len(data)
            good = 0
            for packed in _good_records(data):
                self.last[packed[0]] = packed
                good += len(packed) + _CHECK_SIZE
            self._torn = self._size != good

    def waiting(self) -> int:
        """How many segments wait for the cloud."""
        return len(self._numbers)

    def append(self, packed: bytes) -> bool:
        """Make a record durable; False: flash has no room for readings, and it is not kept."""
        data = packed + _check(packed)
        if not self.make_room(len(data)):
            return False
        if self._torn or not self._numbers or self._size + len(data) > SEGMENT_MAX:
            self._numbers.append(self._numbers[-1] + 1 if self._numbers else 1)
            self._size = 0
        try:
            self._flash.append(self._name(self._numbers[-1]), data)
        except OSError:
            self._torn = True  # go on in a new segment
            return False
        self._torn = False
        self._size += len(data)
        return True

    def oldest(self) -> "tuple[int, int, bytes] | None":
        """(number, size of the file, good records end to end) of the oldest segment that holds any."""
        while self._numbers:
            number = self._numbers[0]
            data = bytearray(self._read(number))
            size = 0
            for packed in _good_records(data):  # moved together where they are: pieces would scatter the free heap
                data[size : size + len(packed)] = packed
                size += len(packed)
            if size:
                return number, len(data), bytes(memoryview(data)[:size])
            self._drop(number)
        return None

    def forget(self, number: int, size: int) -> bool:
        """The cloud has a segment as it was at that size; False: it is gone, or has grown since."""
        if number not in self._numbers:
            return False
        may_grow = number == self._numbers[-1] and not self._torn
        if may_grow and self._size != size:
            return False
        self._drop(number)
        return True

    def make_room(self, wanted_bytes: int = 0) -> bool:
        """Drop the oldest segments until there is as much room as readings may take; tells whether there is."""
        while self._flash.free() < FREE_MIN_BYTES + wanted_bytes:
            if not self._numbers:
                return False
            self._drop(self._numbers[0])
        return True

    def _drop(self, number):
        """Remove a segment; one that flash does not let go of is not asked for again before a start."""
        self._numbers.remove(number)
        self._remove(self._name(number))

    def _remove(self, name):
        try:
            self._flash.remove(name)
        except OSError:
            pass

    def _segments(self):
        """The numbers of this epoch's segments, rising."""
        numbers = []
        for name in self._flash.names(_PREFIX):
            if name.startswith(self._prefix):
                numbers.append(int(name[len(self._prefix) :], 16))
            else:
                self._remove(name)
        numbers.sort()
        return numbers

    def _read(self, number):
        """A segment's bytes; none where flash does not give them."""
        try:
            return self._flash.read(self._name(number))
        except OSError:
            return b""

    def _name(self, number):
        return "{}{:08x}".format(self._prefix, number)


def _good_records(data):
    """The good records, packed, one by one; up to the end of the one given last the bytes may be written over."""
    at = 0
    try:
        while at < len(data):
            end = readings.end_of(data, at)
            packed = bytes(data[at:end])
            if data[end : end + _CHECK_SIZE] != _check(packed):
                return
            yield packed
            at = end + _CHECK_SIZE
    except WireError:
        pass  # the end of the last append was torn, or it rotted: what stands before it is good


def _check(packed):
    return hashlib.sha256(packed).digest()[:_CHECK_SIZE]
