"""A flash chip in RAM as an RP2040 board has it: sectors are erased to 0xFF whole, pages only clear bits.

It has the interface of rp2.Flash, counts its work, and can be copied with a command half done: a torn page or sector.
"""

SECTOR_BYTES = 4096
PAGE_BYTES = 256
_ERASED_SECTOR = b"\xff" * SECTOR_BYTES
_ERASED_PAGE = b"\xff" * PAGE_BYTES
_IOCTL_COUNT = 4
_IOCTL_SIZE = 5
_IOCTL_ERASE = 6


class BlockFlash:
    """`before(sector, offset, data)` is called before each command: an erase has no data, a program one page of it."""

    def __init__(self, sectors: int) -> None:
        self._sectors = [_ERASED_SECTOR] * sectors
        self._own = set()  # sectors that no copy shares
        self.before = None
        self.reads = 0
        self.erases = 0
        self.programs = 0
        self.erased = {}  # sector -> how often it was erased

    def copy(self) -> "BlockFlash":
        """Another chip with the same contents and nothing counted."""
        other = BlockFlash(0)
        other._sectors = list(self._sectors)
        self._own = set()
        return other

    def readblocks(self, sector: int, buffer, offset: int = 0) -> None:
        """Fill the buffer from a place in a sector."""
        self.reads += 1
        view = memoryview(self._sectors[sector])
        buffer[:] = view[offset : offset + len(buffer)]

    def writeblocks(self, sector: int, data, offset=None) -> None:
        """Program pages of a sector; without an offset the sector is erased before."""
        if offset is None:
            self.erase(sector)
            offset = 0
        assert offset % PAGE_BYTES == 0 and len(data) % PAGE_BYTES == 0, "only whole pages can be programmed"
        for at in range(0, len(data), PAGE_BYTES):
            self.program(sector, offset + at, data[at : at + PAGE_BYTES])

    def ioctl(self, operation: int, argument: int):
        """The number of sectors, their size, or erase one."""
        if operation == _IOCTL_COUNT:
            return len(self._sectors)
        if operation == _IOCTL_SIZE:
            return SECTOR_BYTES
        if operation == _IOCTL_ERASE:
            self.erase(argument)
        return 0

    def erase(self, sector: int) -> None:
        """Set all bits of a sector."""
        if self.before is not None:
            self.before(sector, 0, b"")
        self.erases += 1
        self.erased[sector] = self.erased.get(sector, 0) + 1
        self._own.discard(sector)
        self._sectors[sector] = _ERASED_SECTOR

    def program(self, sector: int, offset: int, page) -> None:
        """Clear the bits of a page that are 0 in what is given."""
        if self.before is not None:
            self.before(sector, offset, page)
        self.programs += 1
        self._clear(sector, offset, page)

    def tear(self, sector: int, offset: int, data, below) -> None:
        """A command that loses power under way; below(limit) gives random numbers.

        Either the front is done and one byte half done, or bytes here and there are done.
        """
        if data:
            old, new = _ERASED_PAGE, data
        else:
            offset = 0
            old, new = bytes(self._sectors[sector]), _ERASED_SECTOR
            self._own.discard(sector)
            self._sectors[sector] = _ERASED_SECTOR
        torn = bytearray(old)
        if below(3):
            done = below(len(new))
            torn[:done] = new[:done]
            torn[done] = old[done] | below(256) if new is _ERASED_SECTOR else new[done] | below(256)
        else:
            for at in range(len(new)):
                if below(2):
                    torn[at] = new[at]
        self._clear(sector, offset, torn)

    def _clear(self, sector, offset, data):
        if sector not in self._own:
            self._own.add(sector)
            self._sectors[sector] = bytearray(self._sectors[sector])
        held = self._sectors[sector]
        end = offset + len(data)
        if held[offset:end] == _ERASED_SECTOR[: len(data)]:
            held[offset:end] = data
        else:
            for at in range(len(data)):
                held[offset + at] &= data[at]
