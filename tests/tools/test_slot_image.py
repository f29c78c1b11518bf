"""Images for code slots: their headers, what a new board gets, and the figures that C and Python share."""

import re
import struct
from pathlib import Path
from zlib import crc32

import pytest

from tests.board.emulated import ROOT
from tools import slot_image
from tools.slot_image import Layout, factory_image, slot_record

LINKED = b"\x11" * 256 + b"\x22" * 300  # a second stage, then an image
ADDRESS = 0x10003000


def test_an_image_has_a_header_in_place_of_its_second_stage() -> None:
    image = slot_image.slot_image(LINKED, ADDRESS, 0x01020003)

    magic, size, address, version, image_crc, header_crc = struct.unpack_from("<4s5I", image)
    assert (magic, size, address, version) == (b"PSIM", 768, ADDRESS, 0x01020003)
    assert len(image) == size
    assert image[256:556] == LINKED[256:]
    assert image_crc == crc32(image[256:])
    assert header_crc == crc32(image[:20])


def test_a_new_board_gets_loader_record_and_first_slot() -> None:
    factory = factory_image(b"loader", b"image")

    assert factory[:6] == b"loader"
    assert factory[0x1000:0x1010] == slot_record(1, 0, trial=False)
    assert factory[0x2000:0x3000] == b"\xff" * 4096  # the other copy goes with the file, or an older one would count
    assert factory[0x3000:] == b"image"


def test_a_loader_that_outgrew_its_sector_is_refused() -> None:
    with pytest.raises(ValueError, match="the loader has 4097 bytes"):
        factory_image(bytes(4097), b"image")


def test_slots_that_leave_no_file_system_are_refused(tmp_path: Path) -> None:
    board = tmp_path / "board.py"
    board.write_text("FLASH_CHIP_BYTES = 2097152\nSLOT_BYTES = 1044480\n")

    with pytest.raises(ValueError, match="do not fit"):
        Layout.of(board)


@pytest.mark.parametrize("name", ["rp2_pico_ppp", "rp2_pico_ppp8"])
def test_the_gateways_files_fit_into_what_the_slots_leave(name: str) -> None:
    board = ROOT / "boards" / f"{name}.py"
    capacity_bytes = int(re.findall(r"^FLASH_CAPACITY_BYTES = (\d+)", board.read_text(), re.M)[0])

    assert capacity_bytes <= Layout.of(board).file_system_bytes * 0.92  # littlefs needs some for itself


def test_c_and_python_have_the_same_figures() -> None:
    header = (ROOT / "firmware" / "image" / "slots" / "layout.h").read_text()
    loader = (ROOT / "firmware" / "image" / "loader" / "loader.c").read_text()

    assert re.findall(r"(\w+_OFFSET) (0x\w+)u", header) == [("RECORD_OFFSET", "0x1000"), ("SLOTS_OFFSET", "0x3000")]
    assert (slot_image.RECORD_OFFSET, slot_image.SLOTS_OFFSET) == (0x1000, 0x3000)
    for name, magic in (("RECORD", slot_image.RECORD_MAGIC), ("HEADER", slot_image.IMAGE_MAGIC)):
        assert f"#define {name}_MAGIC {int.from_bytes(magic, 'little'):#010x}u" in loader
