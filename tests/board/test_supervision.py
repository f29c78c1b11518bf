"""An image that hangs or crashes on the emulated chip: watchdog, cause in the ledger, safe mode, last resort."""

from shared import kinds
from tests.board.conftest import Enrolled
from tests.board.ledger import starts
from tests.board.sales import sold

_HANG = """
import machine
def hang(_timer):
    while True:
        pass
machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=2000, callback=hang)
"""
_CRASHED = """
import board
from firmware.core import FIRMWARE_VERSION
from firmware.drivers.flash import Flash
from firmware.resets import Resets
for _ in range(3):
    print(Resets(Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES), (1, True), FIRMWARE_VERSION).level)
"""
_COUNTED = """
import board
from firmware import last_resort
from firmware.drivers.flash import Flash
print(last_resort.kept(Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES)))
"""


async def test_an_image_that_hangs_is_reset_by_its_watchdog_and_the_ledger_says_so(enrolled: Enrolled) -> None:
    board = enrolled.board
    await board.cycle_power()
    await board.until("NO CREDIT")
    before = await starts(board)
    await board.cycle_power()
    resets = (await board.until("NO CREDIT"))["resets"]

    await board.run(_HANG)
    state = await board.do("wait", ms=12000)
    await board.until("NO CREDIT")

    assert state["resets"] == resets + 1
    assert (await starts(board))[len(before) :] == [kinds.RESET_POWER, kinds.RESET_WATCHDOG]


async def test_an_image_that_crashed_too_often_takes_tokens_in_safe_mode_and_counts_in_the_last_resort(
    enrolled: Enrolled,
) -> None:
    board = enrolled.board
    digits = await sold(enrolled)
    await board.run(_CRASHED)

    on = await board.cycle_power()
    shown = await board.until("SAFE MODE")
    await board.press(digits)
    await board.until("ACCEPTED")
    safe = (await starts(board))[-1]
    await board.run(_CRASHED)
    await board.cycle_power()
    await board.until("SERVICE NEEDED")
    await board.do("pulses", channel=0, count=7)
    await board.do("wait", ms=12000)

    assert shown["now_ms"] - on["now_ms"] < 2000
    assert safe == kinds.RESET_POWER | kinds.BOOT_SAFE_MODE
    assert (await board.run(_COUNTED)).strip().startswith("[7")


async def test_a_working_board_can_be_stopped_at_any_moment(enrolled: Enrolled) -> None:
    board = enrolled.board
    resets = (await board.do("state"))["resets"]
    for later_ms in range(0, 40, 5):  # another phase of the keypad's interrupt each time
        await board.cycle_power()
        await board.until("NO CREDIT")
        await board.do("wait", ms=later_ms)

        assert await board.run("print('stopped')") == "stopped\r\n"

    assert (await board.do("state"))["resets"] == resets
