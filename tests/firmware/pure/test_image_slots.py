"""The slots of an image that runs in place: what a start runs after each step, and after a cut in any command."""

import errno

from firmware.drivers.image_slots import Slots
from tests.fakes.flash import PowerCut
from tests.fakes.slot_flash import SECTOR_BYTES, SlotFlash
from tests.helpers import raises

CAPACITY_BYTES = 4 * SECTOR_BYTES
PARTS = (0.0, 0.01, 0.03, 0.05, 0.5)  # of a command that a cut leaves: the record is 16 bytes of a page of 256


def slots_of(flash: SlotFlash) -> Slots:
    return Slots(flash, CAPACITY_BYTES)


def on_trial() -> SlotFlash:
    """A flash whose second slot was just started for the first time."""
    flash = SlotFlash()
    slots_of(flash).start_trial()
    flash.boot()
    return flash


def kept() -> SlotFlash:
    """A flash whose second slot is good."""
    flash = on_trial()
    slots_of(flash).keep()
    return flash


def test_a_new_board_runs_the_first_slot_and_is_not_on_trial() -> None:
    flash = SlotFlash()

    assert flash.boot() == 0
    assert not slots_of(flash).on_trial()


def test_a_block_replaces_what_was_there() -> None:
    flash = SlotFlash()
    slots = slots_of(flash)
    slots.write(SECTOR_BYTES, b"\x55" * SECTOR_BYTES)

    slots.write(SECTOR_BYTES, b"\xaa" * 300)

    assert slots.read(SECTOR_BYTES, 301) == b"\xaa" * 300 + b"\xff"
    assert slots.read(0, 1) == b"\xff"


def test_a_block_of_memory_that_is_used_again_can_be_written() -> None:
    slots = slots_of(SlotFlash())

    slots.write(0, memoryview(bytearray(b"abc"))[:2])  # type: ignore[arg-type]

    assert slots.read(0, 2) == b"ab"


def test_a_flash_that_does_not_hold_a_block_is_an_error() -> None:
    flash = SlotFlash()
    flash.worn = True

    assert raises(OSError, slots_of(flash).write, 0, b"abc").args[0] == errno.EIO


def test_a_trial_has_three_starts() -> None:
    flash = SlotFlash()
    slots_of(flash).start_trial()

    assert [flash.boot() for _ in range(5)] == [1, 1, 1, 0, 0]


def test_a_trial_that_is_over_is_no_trial() -> None:
    flash = on_trial()
    for _ in range(3):
        flash.boot()

    assert not slots_of(flash).on_trial()


def test_a_kept_slot_stays() -> None:
    flash = on_trial()
    slots_of(flash).keep()

    assert [flash.boot() for _ in range(5)] == [1] * 5
    assert not slots_of(flash).on_trial()


def test_to_give_up_ends_the_trial_at_the_next_start() -> None:
    flash = on_trial()
    slots_of(flash).give_up()

    assert flash.boot() == 0


def test_to_keep_or_give_up_what_is_not_on_trial_does_nothing() -> None:
    flash = SlotFlash()
    slots_of(flash).keep()
    slots_of(flash).give_up()

    assert flash.commands == 0


def test_during_a_trial_the_way_back_cannot_be_written() -> None:
    slots = slots_of(on_trial())

    assert raises(OSError, slots.write, 0, b"x").args[0] == errno.EPERM
    assert raises(OSError, slots.start_trial).args[0] == errno.EPERM


def test_an_image_that_is_not_whole_is_not_started() -> None:
    flash = SlotFlash()
    flash.whole[1] = False
    slots_of(flash).start_trial()

    assert [flash.boot() for _ in range(4)] == [0] * 4


def test_updates_follow_one_another_from_slot_to_slot() -> None:
    flash = kept()
    ran = []
    for _ in range(5):
        slots = slots_of(flash)
        slots.write(0, b"next")
        slots.start_trial()
        ran.append(flash.boot())
        slots_of(flash).keep()

    assert ran == [0, 1, 0, 1, 0]


def test_a_cut_in_any_command_leaves_a_slot_that_runs_and_a_step_that_can_be_done_again() -> None:
    cuts = 0
    for make in (SlotFlash, kept):
        cuts += _cuts(make, "start_trial", allowed=(0, 1))
    cuts += _cuts(on_trial, "keep", allowed=(0, 1))
    cuts += _cuts(on_trial, "give_up", allowed=(0, 1))

    assert cuts >= 35


def _cuts(make, step: str, allowed: tuple[int, ...]) -> int:  # type: ignore[no-untyped-def]
    """Cut each command of a step at each part; returns how many were cut."""
    cuts = 0
    for part in PARTS:
        command = 1
        while True:
            flash = make()
            running = flash.now
            flash.commands, flash.cut_at, flash.cut_part = 0, command, part
            try:
                getattr(slots_of(flash), step)()
                break
            except PowerCut:
                cuts += 1
            flash.cut_at = 0
            _check_after_cut(flash, running, step, allowed)
            command += 1
    return cuts


def _check_after_cut(flash: SlotFlash, running: int, step: str, allowed: tuple[int, ...]) -> None:
    now = flash.boot()
    assert now in allowed
    if now == running:
        getattr(slots_of(flash), step)()
    assert [flash.boot() for _ in range(5)][3:] in ([0, 0], [1, 1])
