"""The flash of a board with two code slots, as tests lay it out before its power is switched on."""

from tests.board.emulated import IMAGE, ROOT
from tools.slot_image import FLASH_START, PAGE_BYTES, RECORD_OFFSET, SECTOR_BYTES, Layout, slot_image, slot_record

LAYOUT = Layout.of(ROOT / "boards" / f"{IMAGE.stem}.py")
FIRST, SECOND = 0, 1
TRIAL_RECORD = RECORD_OFFSET + SECTOR_BYTES  # the second copy, which no factory image has
MARKS = TRIAL_RECORD + PAGE_BYTES
_WAIT_FOR_EVENT_AND_AGAIN = bytes.fromhex("20bffde7")  # wfe; b to it


def image_of(slot: int) -> bytes:
    """The image that was built for a slot."""
    return IMAGE.with_suffix(f".{'ab'[slot]}.bin").read_bytes()


def flash_with(second: bytes, trial: bool = False, marks: bytes = b"") -> bytes:
    """The flash of a new board with an image in its second slot too, on trial or not."""
    flash = bytearray(b"\xff" * LAYOUT.flash_bytes)
    put(flash, 0, IMAGE.read_bytes())
    put_second(flash, second, trial)
    put(flash, MARKS, marks)
    return bytes(flash)


def put_second(flash: bytearray, second: bytes, trial: bool) -> None:
    """An image in the second slot of a board that never had one, and a newer record in the second copy."""
    put(flash, LAYOUT.slot_offset(SECOND), second)
    put(flash, TRIAL_RECORD, slot_record(2, FIRST, trial))


def put(flash: bytearray, offset: int, data: bytes) -> None:
    flash[offset : offset + len(data)] = data


def torn(image: bytes) -> bytes:
    """An image of which one page was never written."""
    return image[:8192] + b"\xff" * PAGE_BYTES + image[8192 + PAGE_BYTES :]


def hanging(image: bytes) -> bytes:
    """A whole image that does nothing at all when it is started."""
    address = FLASH_START + LAYOUT.slot_offset(SECOND)
    at = (int.from_bytes(image[PAGE_BYTES + 4 : PAGE_BYTES + 8], "little") & ~1) - address
    return slot_image(image[:at] + _WAIT_FOR_EVENT_AND_AGAIN + image[at + 4 :], address, 0x0BAD0000)


def seed_that_leaves(part: int) -> int:
    """A seed with which the emulated flash (emulator/flash.mjs) does `part` bytes of a page before power is gone."""
    seed = 0
    while _first_noise(seed) % PAGE_BYTES != part:
        seed += 1
    return seed


def _first_noise(seed: int) -> int:
    x = (seed + 1) * 0x9E3779B1 & 0xFFFFFFFF
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)
