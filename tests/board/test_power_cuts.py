"""Power that is lost in the middle of a flash command of the real file system, while the gateway starts."""

from tests.board.conftest import Enrolled

_POINTS = (1, 4)  # flash commands after power-on


async def test_a_gateway_starts_again_after_a_cut_in_the_middle_of_a_flash_command(enrolled: Enrolled) -> None:
    board = enrolled.board
    for point in _POINTS:
        await board.stop()
        await board.start(cut=point)
        dark = await board.do("wait", ms=3000)
        await board.do("power", on=False)
        await board.do("power", on=True)

        shown = await board.until("NO CREDIT")

        assert "power was cut" in dark["lost"]
        assert shown["resets"] == 0
