"""The flash under the code slots as the module _slots of an image gives it: the slot record, and the other slot.

Power can be cut in the middle of a command; boot() chooses a slot as the loader does (firmware/image/loader/loader.c).
"""

import struct
from binascii import crc32

from tests.fakes.flash import PowerCut

SECTOR_BYTES = 4096
PAGE_BYTES = 256
_MARKS = 3


class SlotFlash:
    """Places 0 (record, two sectors) and 1 (the other slot); power is lost in the command of number `cut_at`."""

    def __init__(self, slot_bytes: int = 4 * SECTOR_BYTES) -> None:
        self.places = [bytearray(b"\xff" * (2 * SECTOR_BYTES)), bytearray(b"\xff" * slot_bytes)]
        self.commands = 0
        self.cut_at = 0
        self.cut_part = 0.5  # of that command that is done
        self.worn = False  # programs without effect
        self.now = 0
        self.whole = [True, True]

    def running(self) -> int:
        return self.now

    def view(self, place: int) -> memoryview:
        return memoryview(self.places[place])

    def erase(self, place: int, offset: int) -> None:
        assert offset % SECTOR_BYTES == 0
        done = self._begin(SECTOR_BYTES)
        self.places[place][offset : offset + done] = b"\xff" * done
        self._end(done, SECTOR_BYTES)

    def program(self, place: int, offset: int, data: bytes) -> None:
        assert offset % PAGE_BYTES == 0 and len(data) % PAGE_BYTES == 0
        for start in range(0, len(data), PAGE_BYTES):
            done = self._begin(PAGE_BYTES)
            for i in range(0 if self.worn else done):
                self.places[place][offset + start + i] &= data[start + i]
            self._end(done, PAGE_BYTES)

    def boot(self) -> int:
        """Start: the slot that runs from now on."""
        newest = self._newest()
        offset, _, good, trial = newest or (0, 0, 0, 0)
        self.now = good
        for mark in range(_MARKS if trial else 0):
            at = offset + PAGE_BYTES + 4 * mark
            if self.places[0][at : at + 4] == b"\xff" * 4:
                self.places[0][at : at + 4] = bytes(4)
                if self.whole[1 - good]:
                    self.now = 1 - good
                break
        return self.now

    def _newest(self) -> tuple[int, int, int, int] | None:
        newest = None
        for offset in (0, SECTOR_BYTES):
            record = bytes(self.places[0][offset : offset + 16])
            magic, sequence, slot, trial, _, check = struct.unpack("<4sIBBHI", record)
            if magic == b"PSLR" and check == crc32(record[:12]) and (newest is None or sequence > newest[1]):
                newest = (offset, sequence, slot, trial)
        return newest

    def _begin(self, length: int) -> int:
        self.commands += 1
        return int(length * self.cut_part) if self.commands == self.cut_at else length

    def _end(self, done: int, length: int) -> None:
        if done < length:
            raise PowerCut
