"""The two halves of a ROMFS partition as code slots: one runs in place, the other takes the next version.

`firmware/image/rom_start.py`, which stands on the board's file system, chooses between them at each start.
"""

import errno

from shared.compat import const

_BLOCK = const(4096)
_PAGE = const(256)  # of the RP2040's flash: less is not programmed
_ERASE = const(6)  # the ioctl of a block device, as vfs.AbstractBlockDev has it


class RomSlots:
    """`partition` is a block device of 4096-byte blocks; `start` the module that started this one, with its record."""

    def __init__(self, partition, partition_bytes: int, start, path: str) -> None:
        self._partition = partition
        self._start = start
        self._path = path
        self.running = start.running
        self.capacity_bytes = start.half_bytes(partition_bytes)

    def write(self, offset: int, data: bytes) -> None:
        """Write up to a block into the half that does not run, a multiple of 4096. OSError: not now, or not at all."""
        assert offset % _BLOCK == 0 and 0 < len(data) <= _BLOCK, "one block at a time"
        assert offset + len(data) <= self.capacity_bytes, "it fits the slot"
        if self._start.read(self._path)[1] >= 0:
            raise OSError(errno.EPERM)  # on trial: the other half is the way back; due for one: it stays as it is
        block = self._first() + offset // _BLOCK
        self._partition.ioctl(_ERASE, block)
        short = -len(data) % _PAGE
        self._partition.writeblocks(block, bytes(data) + b"\xff" * short if short else data, 0)

    def read(self, offset: int, size: int) -> bytes:
        """What stands in the half that does not run."""
        data = bytearray(size)
        self._partition.readblocks(self._first() + offset // _BLOCK, data, offset % _BLOCK)
        return bytes(data)

    def start_trial(self) -> None:
        """Let the next start run the other half, on trial."""
        if self.on_trial():
            raise OSError(errno.EPERM)
        self._start.write(self._path, self.running, 0)

    def on_trial(self) -> bool:
        """Whether what runs is on trial."""
        good, starts = self._start.read(self._path)
        return starts > 0 and good != self.running

    def keep(self) -> None:
        """What runs is good from now on."""
        if self.on_trial():
            self._start.write(self._path, self.running, -1)

    def give_up(self) -> None:
        """End the trial: the next start runs the other half."""
        if self.on_trial():
            self._start.write(self._path, 1 - self.running, -1)

    def _first(self):
        return (1 - self.running) * (self.capacity_bytes // _BLOCK)


def of_board() -> "RomSlots | None":
    """The slots of this board; None where it was not started from one of them."""
    try:
        import rom_start  # pyright: ignore[reportMissingImports]  on the board's file system
    except ImportError:
        return None
    import vfs

    segment = vfs.rom_ioctl(2, 0)  # pyright: ignore[reportAttributeAccessIssue]  newer than its stubs
    partition = segment if hasattr(segment, "writeblocks") else _partition()
    return RomSlots(partition, len(memoryview(segment)), rom_start, rom_start.RECORD)


def _partition():
    """On the ESP32 the segment is memory that can be read, and the partition what can be written."""
    import esp32  # pyright: ignore[reportMissingImports]  of that port

    return esp32.Partition.find(esp32.Partition.TYPE_DATA, label="romfs")[0]
