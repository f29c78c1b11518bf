"""Makes what an RP2040 board is given of a linked image: one file for each code slot, and one for a new board.

`python tools/slot_image.py layout MAP` prints the sizes that a board's map asks for; `pack MAP LOADER FIRST SECOND
VERSION TARGET` writes TARGET.a.bin, TARGET.b.bin and TARGET.bin (loader, slot record and first slot).
firmware/image/slots/layout.h has the same figures.
"""

import runpy
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

FLASH_START = 0x10000000  # as the chip sees it
SECTOR_BYTES = 4096
PAGE_BYTES = 256
RECORD_OFFSET = 0x1000
SLOTS_OFFSET = 0x3000
RECORD_MAGIC = b"PSLR"
IMAGE_MAGIC = b"PSIM"
RECORD = struct.Struct("<4sIBBH")  # magic, sequence, good slot, whether the other is on trial; CRC-32 follows
HEADER = struct.Struct("<4sIIII")  # magic, size, address, version, CRC-32 of the rest of the image; its own follows
_ERASED = b"\xff"


@dataclass(frozen=True)
class Layout:
    """Where slots and file system lie in the flash of a board, in bytes from its start."""

    flash_bytes: int
    slot_bytes: int

    @classmethod
    def of(cls, board_map: Path) -> "Layout":
        """The layout that a map asks for; ValueError if it cannot be."""
        names = runpy.run_path(str(board_map))
        layout = cls(names["FLASH_CHIP_BYTES"], names["SLOT_BYTES"])
        if not layout.slot_bytes or layout.slot_bytes % SECTOR_BYTES or layout.file_system_bytes < SECTOR_BYTES:
            raise ValueError(f"{board_map}: two slots of {layout.slot_bytes} bytes do not fit into its flash")
        return layout

    def slot_offset(self, slot: int) -> int:
        """Where a slot, 0 or 1, begins."""
        return SLOTS_OFFSET + slot * self.slot_bytes

    @property
    def file_system_bytes(self) -> int:
        """What the slots leave at the end."""
        return self.flash_bytes - self.slot_offset(2)


def slot_image(linked: bytes, address: int, version: int) -> bytes:
    """An image with its header in place of its first page: a second stage, of which only the loader's is ever run."""
    body = linked[PAGE_BYTES:]
    body += _ERASED * (-len(body) % PAGE_BYTES)
    header = HEADER.pack(IMAGE_MAGIC, PAGE_BYTES + len(body), address, version, crc32(body))
    return (header + struct.pack("<I", crc32(header))).ljust(PAGE_BYTES, _ERASED) + body


def slot_record(sequence: int, slot: int, trial: bool) -> bytes:
    """A slot record, without the marks of trial starts."""
    record = RECORD.pack(RECORD_MAGIC, sequence, slot, trial, 0)
    return record + struct.pack("<I", crc32(record))


def factory_image(loader: bytes, first: bytes) -> bytes:
    """What a new board gets: the loader, a record that the first slot is good, and that slot's image."""
    if len(loader) > RECORD_OFFSET:
        raise ValueError(f"the loader has {len(loader)} bytes, its sector {RECORD_OFFSET}")
    start = loader.ljust(RECORD_OFFSET, _ERASED) + slot_record(1, 0, trial=False)
    return start.ljust(SLOTS_OFFSET, _ERASED) + first


def _pack(board_map: Path, loader: Path, linked: list[Path], version: int, target: str) -> None:
    layout = Layout.of(board_map)
    images = [
        slot_image(path.read_bytes(), FLASH_START + layout.slot_offset(slot), version)
        for slot, path in enumerate(linked)
    ]
    for letter, image in zip("ab", images, strict=True):
        if len(image) > layout.slot_bytes:
            raise ValueError(
                f"the image has {len(image)} bytes, a slot {layout.slot_bytes}; see SLOT_BYTES of {board_map}"
            )
        Path(f"{target}.{letter}.bin").write_bytes(image)
    Path(f"{target}.bin").write_bytes(factory_image(loader.read_bytes(), images[0]))


def _print_layout(board_map: Path) -> None:
    layout = Layout.of(board_map)
    print(
        f"flash_bytes={layout.flash_bytes} slot_bytes={layout.slot_bytes} file_system_bytes={layout.file_system_bytes}"
    )
    print(f"first_address={FLASH_START + layout.slot_offset(0)} second_address={FLASH_START + layout.slot_offset(1)}")


def _main(command: str, board_map: str, *rest: str) -> None:
    if command == "layout":
        return _print_layout(Path(board_map))
    loader, first, second, version, target = rest
    return _pack(Path(board_map), Path(loader), [Path(first), Path(second)], int(version, 0), target)


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
