"""What an installer reads when something is wrong at the board, and that nothing is then half done."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import house
from tests.fakes.raw_repl import RawRepl
from tools.provision import ProvisionError, provision
from tools.serial_board import BoardError, SerialBoard
from tools.sim.process import GatewayProcess

_TRACE = 'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\n'


class Office:
    """The cloud's side of an enrolment: it seals a bundle of the next epoch for whoever proves a key."""

    def __init__(self) -> None:
        self.epoch = 1
        self.claims: list[dict[str, Any]] = []

    async def get(self, path: str, **query: Any) -> Any:
        return {"utility_id": 1}

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        if path.endswith("/proof"):
            seal_public = bytes.fromhex(self.claims[-1]["seal_public"])
            box = house.sealed(house.bundle(epoch=self.epoch), seal_public, epoch=self.epoch)
            self.epoch += 1
            return {"bundle": box.hex()}
        self.claims.append(body)
        return {"challenge": "5a" * 32}


@pytest.fixture
def board(tmp_path: Path) -> GatewayProcess:
    """A simulated board that was never used."""
    return GatewayProcess(tmp_path / "flash", 0, tmp_path / "log")


async def test_a_board_says_what_kind_it_is(board: GatewayProcess) -> None:
    office: Any = Office()

    assert await provision(office, board, 7) == 1
    assert office.claims[0]["board"] == "sim"


async def test_a_board_that_is_enrolled_is_not_touched_and_neither_is_the_cloud(board: GatewayProcess) -> None:
    office: Any = Office()
    await provision(office, board, 7)

    with pytest.raises(ProvisionError, match=r"^the board is enrolled, in epoch 1; --renew gives it new keys"):
        await provision(office, board, 7)

    assert len(office.claims) == 1


async def test_a_board_gets_new_keys_and_a_new_epoch_when_that_is_asked_for(board: GatewayProcess) -> None:
    office: Any = Office()
    await provision(office, board, 7)

    assert await provision(office, board, 7, renew=True) == 2
    assert office.claims[0]["device_public"] != office.claims[1]["device_public"]


async def said(board: SerialBoard) -> str:
    """The error of a step."""
    with pytest.raises(BoardError) as caught:
        await board.run("print(1)")
    return str(caught.value)


async def test_a_port_that_is_not_there_is_said_in_a_line() -> None:
    words = "cannot be opened: is the board plugged in, the port right, and no other program at it?"

    assert await said(SerialBoard("/dev/no-such-port")) == f"/dev/no-such-port {words}"


async def test_a_board_without_penstock_is_said_in_a_line() -> None:
    async with RawRepl(fails=f"{_TRACE}ImportError: no module named 'firmware'\r\n").plugged_in() as repl:
        told = await said(SerialBoard(repl.url))

    assert told == f"{repl.url} has a board without Penstock: copy its image onto it first (boards/README.md)"


async def test_a_board_that_is_unplugged_midway_is_said_in_a_line() -> None:
    async with RawRepl(goes_away=True).plugged_in() as repl:
        told = await said(SerialBoard(repl.url))

    assert told == f"{repl.url} was lost midway: plug the board in and run the same command again"


async def test_what_the_board_refuses_is_said_in_its_words() -> None:
    async with RawRepl(fails=f"{_TRACE}EnrolError: the keys are lost\r\n").plugged_in() as repl:
        assert await said(SerialBoard(repl.url)) == "the keys are lost"


async def test_a_network_that_takes_no_settings_is_said() -> None:
    async with RawRepl(answer="entered None\r\n").plugged_in() as repl:
        with pytest.raises(BoardError, match="needs no settings"):
            await SerialBoard(repl.url).enter_network(["name", "password"])


async def test_a_board_that_was_stopped_is_started_again() -> None:
    async with RawRepl(answer="none\r\n").plugged_in() as repl:
        board = SerialBoard(repl.url)
        await board.has_file_system()
        await board.leave()

    assert "machine.reset()" in repl.programs[-1]
