"""The two code slots of a board whose image runs in place: writes the one that does not run, and says which one starts.

Power may go at any byte: the slot record has two copies, the older one is written, and what is not whole counts for
nothing. The loader (firmware/image/loader) reads the same record, counts the starts of a trial, and checks its image.
"""

import errno
import struct
from binascii import crc32

from shared.compat import const

_RECORD = const(0)  # the places of the module _slots
_OTHER = const(1)
_SECTOR_BYTES = const(4096)
_PAGE_BYTES = const(256)
_MAGIC = b"PSLR"
_FORMAT = "<4sIBBH"  # magic, sequence, good slot, whether the other one is on trial, zero; CRC-32 follows
_FORMAT_BYTES = const(12)
_MARKS_BYTES = const(12)  # in the page after the record: a word for each start of a trial, cleared when it was used


class Slots:
    """The slots of the image that runs, 0 or 1; `flash` is the module _slots. Offsets are those in the other slot."""

    def __init__(self, flash, capacity_bytes: int) -> None:
        self._flash = flash
        self.capacity_bytes = capacity_bytes
        self.running: int = flash.running()

    def write(self, offset: int, data: bytes) -> None:
        """Replace one block of the other slot, offset a multiple of 4096, with 1..4096 bytes; takes some 50 ms.

        Raises OSError: EPERM during a trial, when the other slot is the way back; EIO if the flash does not hold it.
        """
        assert offset % _SECTOR_BYTES == 0 and 0 < len(data) <= _SECTOR_BYTES, "one block"
        if self.on_trial():
            raise OSError(errno.EPERM, "no writing during a trial")
        self._flash.erase(_OTHER, offset)
        self._program(_OTHER, offset, data)

    def read(self, offset: int, size: int) -> bytes:
        """What the other slot holds."""
        return bytes(self._flash.view(_OTHER)[offset : offset + size])

    def start_trial(self) -> None:
        """Have the next start run the other slot, on trial; raises OSError EPERM while the running one is on trial."""
        if self.on_trial():
            raise OSError(errno.EPERM, "keep or give up first")
        self._record(True)

    def on_trial(self) -> bool:
        """Whether the running slot is on trial."""
        newest = self._newest()
        return newest is not None and newest[3] == 1 and newest[2] != self.running

    def keep(self) -> None:
        """Make the running slot the good one; nothing if it is."""
        if self.on_trial():
            self._record(False)

    def give_up(self) -> None:
        """End the trial: the next start runs the other slot. Nothing if the running one is not on trial."""
        newest = self._newest()
        if newest is not None and self.on_trial():
            self._program(_RECORD, newest[0] + _PAGE_BYTES, bytes(_MARKS_BYTES))

    def _record(self, trial: bool) -> None:
        """Write that the running slot is good, and whether the other one is on trial, over the older copy."""
        newest = self._newest()
        offset = _SECTOR_BYTES - newest[0] if newest else 0
        record = struct.pack(_FORMAT, _MAGIC, newest[1] + 1 if newest else 1, self.running, int(trial), 0)
        self._flash.erase(_RECORD, offset)
        self._program(_RECORD, offset, record + struct.pack("<I", crc32(record)))

    def _newest(self) -> tuple[int, int, int, int] | None:
        """Offset, sequence, good slot and trial of the newest copy that is whole."""
        newest = None
        view = self._flash.view(_RECORD)
        for offset in (0, _SECTOR_BYTES):
            record = bytes(view[offset : offset + _FORMAT_BYTES])
            check = bytes(view[offset + _FORMAT_BYTES : offset + _FORMAT_BYTES + 4])
            magic, sequence, slot, trial, _ = struct.unpack(_FORMAT, record)
            valid = magic == _MAGIC and slot < 2 and trial < 2 and check == struct.pack("<I", crc32(record))
            if valid and (newest is None or sequence > newest[1]):
                newest = (offset, sequence, slot, trial)
        return newest

    def _program(self, place: int, offset: int, data: bytes) -> None:
        """Program whole pages, what data leaves of the last one as it was, and read them back."""
        self._flash.program(place, offset, bytes(data) + b"\xff" * (-len(data) % _PAGE_BYTES))
        if self._flash.view(place)[offset : offset + len(data)] != data:
            raise OSError(errno.EIO, "the flash does not hold what was written")
