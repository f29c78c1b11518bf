"""Power that is lost in the middle of flash commands of the real file system, all through a customer's life.

PENSTOCK_LONG=1 cuts ten times as often.
"""

import os
import random
from typing import Any

import pytest

from tests.board.conftest import Enrolled
from tests.board.life import Life
from tests.board.sales import sold

_LONG = bool(os.environ.get("PENSTOCK_LONG"))
_CUTS = 200 if _LONG else 20
_SEED = int(os.environ.get("PENSTOCK_SEED", "6"))
_COMMANDS = 36  # of the flash, about as many as one start, one token and what flows after it need
_ERASE_EVERY = 5  # cuts, of which one is in an erase for certain; few commands are erases
_ERASES = 2  # that a life has, more or less
_TOKENS = 2 * _CUTS + 1  # one for each life in which no cut came, and for the last
_VOLUME_ML = 100_000  # soon gone: the valve moves for most tokens


@pytest.mark.timeout(7200 if _LONG else 900)
async def test_a_cut_at_any_flash_command_loses_and_doubles_nothing(enrolled: Enrolled) -> None:
    print(f"seed {_SEED}")
    chance = random.Random(_SEED)
    board = enrolled.board
    life = Life(board, _VOLUME_ML)
    tokens = [await sold(enrolled, _VOLUME_ML) for _ in range(_TOKENS)]
    before = await board.do("power", on=False)
    torn: list[str] = []
    while len(torn) < _CUTS:
        assert len(tokens) > 1, f"{_TOKENS} tokens are used up after {len(torn)} of {_CUTS} cuts: {torn}"
        await board.do("cut", **_cut(len(torn), chance))
        await board.do("power", on=True)
        used = await life.live(tokens[0])
        state = await board.do("power", on=False)
        torn += [state["lost"].split()[-1]] if state["lost"] else []
        if used:
            tokens.pop(0)
            life.taken = False

    await board.do("power", on=True)
    await life.live(tokens[0])
    state = await board.do("power", on=False)
    print(f"{_CUTS} cuts ({torn.count('erase')} in an erase, {torn.count('program')} in a program): 0 losses")
    print(
        f"{_TOKENS - len(tokens)} tokens, each taken once and then refused; {state['flash']['commands']} flash commands"
    )
    assert set(torn[_ERASE_EVERY - 1 :: _ERASE_EVERY]) == {"erase"}
    assert "program" in torn
    assert state["resets"] == before["resets"]


def _cut(number: int, chance: random.Random) -> dict[str, Any]:
    """Where cut `number`, from 0, is to come in a life; one that has not come is armed again for the next."""
    torn = {"seed": chance.getrandbits(30)}
    if number % _ERASE_EVERY == _ERASE_EVERY - 1:
        return torn | {"kind": "erase", "commands": chance.randint(1, _ERASES)}
    return torn | {"commands": chance.randint(1, _COMMANDS)}
