"""Writes an image as UF2: `python tools/uf2.py IMAGE.bin IMAGE.uf2`, the form that a Pico takes as a file on its disk.

A block of 512 bytes carries 256 of the image (UF2 specification, https://github.com/microsoft/uf2).
"""

import struct
import sys
from pathlib import Path

_START = 0x10000000  # of the flash, as the chip sees it
_FAMILY_RP2040 = 0xE48BFF56
_FIRST, _SECOND, _LAST = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_FAMILY_PRESENT = 0x00002000
_PAYLOAD = 256
_HEADER = struct.Struct("<8I")


def uf2(image: bytes) -> bytes:
    """Return the blocks of an image; the last one is filled up with zeros."""
    pages = [image[at : at + _PAYLOAD] for at in range(0, len(image), _PAYLOAD)]
    return b"".join(_block(number, len(pages), page) for number, page in enumerate(pages))


def _block(number: int, count: int, page: bytes) -> bytes:
    address = _START + number * _PAYLOAD
    header = _HEADER.pack(_FIRST, _SECOND, _FAMILY_PRESENT, address, _PAYLOAD, number, count, _FAMILY_RP2040)
    return header + page.ljust(476, b"\0") + struct.pack("<I", _LAST)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(uf2(Path(sys.argv[1]).read_bytes()))
