"""A gateway with a new image on trial, on the emulated chip: it serves its customers, and the old image takes over."""

from tests.board.conftest import Enrolled
from tests.board.sales import sold
from tests.board.two_slots import MARKS, SECOND, image_of, put_second

_STARTS = 3


async def test_a_gateway_on_trial_enforces_as_ever_and_after_three_starts_the_old_image_does(
    enrolled: Enrolled,
) -> None:
    board = enrolled.board
    digits = await sold(enrolled)
    await board.stop()
    flash = bytearray(board.flash.read_bytes())
    put_second(flash, image_of(SECOND), trial=True)
    board.flash.write_bytes(flash)

    for start in range(1, _STARTS + 1):
        await board.start()
        shown = await board.until("NO CREDIT")
        await board.stop()
        used = board.flash.read_bytes()[MARKS : MARKS + 4 * _STARTS]
        assert used == bytes(4 * start) + b"\xff" * 4 * (_STARTS - start)
        assert shown["now_ms"] < 2500

    await board.start()
    await board.until("NO CREDIT")
    await board.press(digits)
    await board.until("ACCEPTED")
    await board.until("5.000 m3")
