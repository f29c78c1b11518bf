"""Power that is lost in the middle of a flash command of the real file system, while a token is taken in."""

import os

import pytest

from tests.board.conftest import Enrolled
from tests.board.emulated import EmulatedBoard
from tests.board.sales import sold

_LONG = bool(os.environ.get("PENSTOCK_LONG"))
_POINTS = range(1, 61) if _LONG else range(1, 61, 3)


@pytest.mark.timeout(3600 if _LONG else 900)
async def test_a_cut_at_any_flash_command_neither_loses_nor_doubles_a_token(enrolled: Enrolled) -> None:
    board = enrolled.board
    digits = await sold(enrolled)
    await board.stop()
    before = board.flash.read_bytes()
    taken = refused = cuts = 0
    for point in _POINTS:
        board.flash.write_bytes(before)
        await board.start(cut=point)
        try:
            cuts += await typed_until_dark(board, digits)
            await board.do("power", on=False)
            await board.do("power", on=True)
            state = await board.until("Left")
            had_it = "5.000 m3" in "\n".join(state["rows"])
            if not had_it:  # then it must still be good, and add just once
                await board.press(digits)
                await board.until("ACCEPTED")
                await board.until("Balance")
                state = await board.do("state")
            assert "5.000 m3" in "\n".join(state["rows"]), f"cut {point}: {state['rows']}"
            taken, refused = taken + had_it, refused + (not had_it)
        finally:
            await board.stop()

    print(
        f"{cuts} cuts in {len(_POINTS)} runs: {taken} after the token was in, {refused} before; nothing lost or doubled"
    )
    assert cuts >= len(_POINTS) // 2
    assert taken
    assert refused


async def typed_until_dark(board: EmulatedBoard, digits: str) -> bool:
    """Type the token and wait for what comes of it; tells whether power was lost meanwhile."""
    state = await board.do("wait", ms=1500)
    for key in digits:
        if state["on"]:
            state = await board.do("key", key=key)
    if state["on"]:
        state = await board.do("wait", ms=3500)
    return bool(state["lost"])
