"""Two code slots on the emulated chip: what the real loader starts, and what a power cut in any flash command leaves.

PENSTOCK_LONG=1 cuts every command, and writes a whole image; otherwise some, and what differs between two.
"""

import os
from binascii import b2a_base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.board.emulated import EmulatedBoard
from tests.board.raw_repl import PowerWasCut, execute
from tests.board.two_slots import FIRST, LAYOUT, SECOND, flash_with, hanging, image_of, put, seed_that_leaves, torn
from tools.slot_image import RECORD_OFFSET, SECTOR_BYTES

LONG = bool(os.environ.get("PENSTOCK_LONG"))
SLOTS = """
import _slots, board
from binascii import a2b_base64
from firmware.drivers.image_slots import Slots
slots = Slots(_slots, board.SLOT_BYTES)
"""
BLOCK_CUTS = range(1, 18) if LONG else (1, 17)  # an erase and sixteen pages
RECORD_PARTS = (*range(18), 100) if LONG else (6, 100)  # bytes of its page that a cut leaves; the record has 16


class SlotBoard(EmulatedBoard):
    """A board without a file system, so nothing but the slots is written."""

    async def start_with(self, flash: bytes, cut: int = 0, part: int = 128) -> None:
        """Start anew with this flash; power is lost in its flash command number `cut`, after `part` bytes of a page."""
        await self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flash.write_bytes(flash)
        await self.start(cut, seed_that_leaves(part))

    async def running(self) -> int:
        """The slot that runs."""
        return int(await execute(self, "import _slots\nprint(_slots.running())\n"))

    async def again(self) -> int:
        """Switch it off and on; the slot that runs then."""
        await self.cycle_power()
        return await self.running()

    async def slots(self, step: str) -> str:
        """Do something with the slots, and return its repr."""
        return await execute(self, f"{SLOTS}print(repr(({step})))\n")

    async def cut_in(self, step: str) -> None:
        """Do something during which power is lost, and switch it on again."""
        with pytest.raises(PowerWasCut):
            await self.slots(step)
        await self.do("power", on=True)


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[SlotBoard]:
    made = SlotBoard(tmp_path / "board")
    try:
        yield made
    finally:
        await made.stop()


async def test_an_image_that_was_written_runs_on_trial_and_for_good_once_it_is_kept(board: SlotBoard) -> None:
    image = image_of(SECOND)
    blocks = range(0, len(image), SECTOR_BYTES)
    missing = list(blocks if LONG else (*blocks[:2], *blocks[50:52], *blocks[-2:]))
    flash = bytearray(flash_with(image))
    for offset in missing:
        put(flash, LAYOUT.slot_offset(SECOND) + offset, bytes(SECTOR_BYTES))
    await board.start_with(bytes(flash))

    for offset in missing:
        block = b2a_base64(image[offset : offset + SECTOR_BYTES])
        assert await board.slots(f"slots.write({offset}, a2b_base64({block!r}))") == "None"
    assert await board.slots("slots.running, slots.on_trial(), slots.start_trial()") == "(0, False, None)"
    assert await board.again() == SECOND
    assert await board.slots("slots.on_trial(), slots.keep(), slots.on_trial()") == "(True, None, False)"

    assert [await board.again() for _ in range(4)] == [SECOND] * 4


async def test_a_trial_that_is_not_kept_has_three_starts(board: SlotBoard) -> None:
    await board.start_with(flash_with(image_of(SECOND), trial=True))

    ran = [await board.running()] + [await board.again() for _ in range(4)]

    assert ran == [SECOND, SECOND, SECOND, FIRST, FIRST]


async def test_a_trial_that_is_given_up_ends_at_the_next_start(board: SlotBoard) -> None:
    await board.start_with(flash_with(image_of(SECOND), trial=True))

    assert await board.slots("slots.on_trial(), slots.give_up()") == "(True, None)"

    assert await board.again() == FIRST


async def test_an_image_that_hangs_on_trial_is_left_by_the_watchdog(board: SlotBoard) -> None:
    await board.start_with(flash_with(hanging(image_of(SECOND)), trial=True))
    await board.do("speed", times=100)

    for _ in range(60):
        if (await board.do("wait", ms=500))["resets"] == 3:
            break

    assert await board.running() == FIRST


async def test_an_image_that_is_not_whole_or_not_made_for_its_slot_is_never_started(board: SlotBoard) -> None:
    for second in (torn(image_of(SECOND)), image_of(FIRST), b""):
        await board.start_with(flash_with(second, trial=True))

        assert [await board.running(), await board.again()] == [FIRST, FIRST]


async def test_without_a_record_the_slot_with_a_whole_image_runs(board: SlotBoard) -> None:
    flash = bytearray(flash_with(image_of(SECOND)))
    put(flash, RECORD_OFFSET, b"\x00" * 2 * SECTOR_BYTES)
    await board.start_with(bytes(flash))
    assert await board.running() == FIRST

    put(flash, LAYOUT.slot_offset(FIRST) + SECTOR_BYTES, b"\xff" * SECTOR_BYTES)
    await board.start_with(bytes(flash))
    assert await board.running() == SECOND


async def test_a_cut_while_a_block_is_written_leaves_the_old_image_and_nothing_that_could_be_started(
    board: SlotBoard,
) -> None:
    for cut in BLOCK_CUTS:
        await board.start_with(flash_with(image_of(SECOND)), cut)
        await board.cut_in("slots.write(8192, bytes(4096))")

        assert await board.running() == FIRST
        assert await board.slots("slots.start_trial()") == "None"
        assert await board.again() == FIRST


async def test_a_cut_while_a_trial_is_started_leaves_the_old_image_or_the_trial(board: SlotBoard) -> None:
    for cut, part in [(1, 128)] + [(2, part) for part in RECORD_PARTS]:
        await board.start_with(flash_with(image_of(SECOND)), cut, part)
        await board.cut_in("slots.start_trial()")

        ran = [await board.running()] + [await board.again() for _ in range(3)]

        whole = cut == 2 and part >= 16
        torn_in_its_last_byte = cut == 2 and part == 15  # whose bits may hold or not
        allowed = ([FIRST] * 4, [SECOND] * 3 + [FIRST])
        assert ran in allowed if torn_in_its_last_byte else ran == allowed[whole], f"cut {cut}, {part}: {ran}"


async def test_a_cut_while_the_loader_counts_a_start_ends_in_the_old_image_all_the_same(board: SlotBoard) -> None:
    for used in range(3) if LONG else (0, 2):
        for part in range(4 * used, 4 * used + 5) if LONG else (4 * used + 2,):
            flash = flash_with(image_of(SECOND), trial=True, marks=bytes(4 * used))
            await board.start_with(flash, 1, part)
            await _dark(board)

            ran = [await board.again() for _ in range(4)]

            assert ran == sorted(ran, reverse=True)
            assert ran.count(SECOND) in (2 - used, 3 - used)


async def test_a_cut_while_the_loader_refuses_a_torn_image_leaves_the_old_one(board: SlotBoard) -> None:
    for cut in (1, 2):
        await board.start_with(flash_with(torn(image_of(SECOND)), trial=True), cut, 6)
        await _dark(board)

        assert [await board.again(), await board.again()] == [FIRST, FIRST]


async def test_a_cut_while_a_trial_is_kept_leaves_the_trial_or_the_new_image(board: SlotBoard) -> None:
    for cut, part in [(2, 128)] + [(3, part) for part in RECORD_PARTS]:  # the loader's mark is the first
        await board.start_with(flash_with(image_of(SECOND), trial=True), cut, part)
        await board.cut_in("slots.keep()")

        assert await board.running() == SECOND
        assert await board.slots("slots.keep()") == "None"
        assert [await board.again() for _ in range(3)] == [SECOND] * 3


async def test_a_cut_while_a_trial_is_given_up_ends_in_the_old_image_all_the_same(board: SlotBoard) -> None:
    for part in range(14) if LONG else (6,):
        await board.start_with(flash_with(image_of(SECOND), trial=True), 2, part)
        await board.cut_in("slots.give_up()")

        ran = [await board.running()] + [await board.again() for _ in range(2)]

        assert ran == sorted(ran, reverse=True)
        assert ran[-1] == FIRST


async def _dark(board: SlotBoard) -> None:
    """Wait until power is lost."""
    while (await board.do("wait", ms=20))["on"]:
        pass
