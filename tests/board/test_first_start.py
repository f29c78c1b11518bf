"""The image on the emulated chip: a new board, its enrolment by the installer's tool, and a first token by keypad."""

from tests.board.conftest import Enrolled
from tests.board.emulated import EmulatedBoard
from tests.board.sales import sold

OPEN, CLOSED = 1, 0


async def test_a_new_board_makes_no_file_system_by_itself(board: EmulatedBoard) -> None:
    state = await board.do("wait", ms=2000)

    assert state["flash"]["commands"] == 0
    assert "no file system" in await board.run("from firmware import main\nmain.run()\n")


async def test_a_board_with_a_file_system_says_that_it_is_not_enrolled(board: EmulatedBoard) -> None:
    await board.make_file_system()
    await board.cycle_power()

    await board.until("NOT ENROLLED")


async def test_two_boards_have_two_numbers(board: EmulatedBoard) -> None:
    number = await board.run("import machine\nprint(machine.unique_id().hex())\n")

    assert len(number.strip()) == 16
    assert int(number, 16) != 0


async def test_an_enrolled_board_takes_a_token_by_keypad_and_opens_the_valve_without_a_network(
    enrolled: Enrolled,
) -> None:
    board = enrolled.board
    digits = await sold(enrolled)

    await board.cycle_power()
    shut = await board.until("NO CREDIT")
    await board.press(digits)
    await board.until("ACCEPTED")
    await board.until("Balance")

    assert shut["valves"][0] == CLOSED
    assert (await board.do("state"))["valves"][0] == OPEN
    assert "5.000 m3" in "\n".join((await board.do("state"))["rows"])


async def test_a_used_token_stays_used_when_the_power_was_away(enrolled: Enrolled) -> None:
    board = enrolled.board
    digits = await sold(enrolled)
    await board.cycle_power()
    await board.until("NO CREDIT")
    await board.press(digits)
    await board.until("ACCEPTED")

    await board.cycle_power()
    await board.until("Left        5.000 m3")
    await board.press(digits)

    await board.until("USED")


async def test_the_board_enforces_within_two_seconds_of_power(enrolled: Enrolled) -> None:
    on = await enrolled.board.cycle_power()

    shown = await enrolled.board.until("NO CREDIT")

    assert shown["now_ms"] - on["now_ms"] < 2000
