"""Why the board starts, how often it crashed in a row, and how much of the gateway runs therefore."""

from firmware.resets import CLEAN_MS, LAST_RESORT, LIVED_MS, RETRY_MS, SAFE, Resets, codes
from shared import kinds, starts
from tests.fakes.flash import Flash, PowerCut

POWER = (kinds.RESET_POWER, False)
WATCHDOG = (kinds.RESET_WATCHDOG, True)
TOOL = (kinds.RESET_TOOL, False)
VERSION = 0x00010000


def start(flash, chip=POWER, version=VERSION):
    return Resets(flash, chip, version)


def crashed(times, flash=None):
    """The start behind so many crashes in a row."""
    flash = flash or Flash()
    resets = start(flash)
    for _ in range(times):
        resets.leave(kinds.RESET_OWN, "sync: OSError(5,)", True)
        resets = start(flash, TOOL)
    return resets


def test_a_plain_start_writes_nothing():
    flash = Flash()

    resets = start(flash)
    resets.lived(LIVED_MS)

    assert (resets.cause, resets.reason, resets.level, flash.written) == (kinds.RESET_POWER, "", 0, 0)


def test_an_own_reset_is_told_once():
    flash = Flash()
    start(flash).leave(kinds.RESET_OWN, "display: MemoryError('no memory')", True)

    first, second = start(flash, TOOL), start(flash)

    assert (first.cause, first.reason) == (kinds.RESET_OWN, "display: MemoryError('no memory')")
    assert (second.cause, second.reason) == (kinds.RESET_POWER, "")
    assert "display" in first.text() and "power" in second.text()


def test_a_reset_that_did_not_come_is_taken_back():
    flash = Flash()
    resets = start(flash)
    resets.leave(kinds.RESET_BROWN_OUT, "")
    resets.take_back()

    assert start(flash).cause == kinds.RESET_POWER


def test_three_crashes_in_a_row_are_safe_mode_and_six_the_last_resort():
    levels = [crashed(times).level for times in range(8)]

    assert levels == [0, 0, 0, SAFE, SAFE, SAFE, LAST_RESORT, LAST_RESORT]
    assert crashed(3).detail() == kinds.RESET_OWN | kinds.BOOT_SAFE_MODE


def test_safe_mode_takes_updates_unless_it_crashes_too():
    assert [crashed(times).may_update for times in range(6)] == [True, True, True, True, False, False]


def test_power_that_comes_and_goes_is_no_crash_and_clears_none():
    flash = Flash()
    crashed(2, flash)
    for _ in range(9):
        start(flash)

    assert start(flash).level == 0 and start(flash, WATCHDOG).level == SAFE


def test_a_start_that_lived_was_not_in_vain():
    resets = crashed(2)

    early = resets.lived(LIVED_MS - 1)
    late = resets.lived(LIVED_MS)

    assert early == late == "" and start(resets.flash, WATCHDOG).level == 0


def test_a_clean_day_ends_safe_mode():
    resets = crashed(3)

    assert resets.lived(CLEAN_MS - 1) == "" and start(resets.flash).level == SAFE
    assert "safe mode" in resets.lived(CLEAN_MS) and start(resets.flash).level == 0


def test_crashes_of_safe_mode_that_lie_far_apart_do_not_add_up():
    flash = crashed(4).flash
    for _ in range(5):
        start(flash, WATCHDOG).lived(LIVED_MS)

    assert start(flash).level == SAFE


def test_the_last_resort_tries_safe_mode_again():
    resets = crashed(6)

    assert resets.lived(RETRY_MS - 1) == "" and "again" in resets.lived(RETRY_MS)
    again = start(resets.flash)
    assert again.level == SAFE
    for _ in range(3):
        again = start(resets.flash, WATCHDOG)
    assert again.level == LAST_RESORT


def test_another_firmware_begins_anew():
    flash = crashed(5).flash

    assert start(flash, POWER, VERSION + 1).level == 0
    assert start(flash, WATCHDOG, VERSION + 1).level == 0


def test_the_power_may_go_while_a_reason_is_left_or_a_crash_is_counted():
    for cut in range(140):
        flash = Flash()
        crashed(2, flash)
        flash.cut_after = flash.written + cut
        try:
            start(flash).leave(kinds.RESET_OWN, "sync: returned", True)
            start(flash, TOOL)
        except PowerCut:
            pass

        after = start(flash.after_reboot(), WATCHDOG)

        assert after.level in (0, SAFE) and after.cause in (kinds.RESET_OWN, kinds.RESET_WATCHDOG)


def test_a_flash_that_refuses_still_says_what_the_chip_knows():
    flash = Flash()
    flash.refuse_after = 0
    resets = start(flash, WATCHDOG)
    resets.leave(kinds.RESET_OWN, "x: y", True)

    assert (resets.cause, resets.level) == (kinds.RESET_WATCHDOG, 0)


def test_a_reason_fits_two_numbers():
    sync = int.from_bytes(b"sync", "big")
    assert codes("sync: OSError(110,)") == (sync, starts.ERROR_NAMES.index("OSError") << 16 | 110)
    assert codes("display: is silent") == (int.from_bytes(b"disp", "big"), starts.ERROR_NAMES.index("is silent") << 16)
    assert codes("main: MemoryError('no', 3)")[1] == starts.ERROR_NAMES.index("MemoryError") << 16
    assert codes("update") == (int.from_bytes(b"upda", "big"), 0)
    assert codes("") == (0, 0)
