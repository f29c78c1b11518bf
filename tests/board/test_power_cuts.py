"""Power that is lost in the middle of flash commands of the real file system, all through a customer's life.

PENSTOCK_LONG=1 cuts ten times as often.
"""

import os
import random

import pytest

from tests.board.conftest import Enrolled
from tests.board.life import Life
from tests.board.sales import sold

_LONG = bool(os.environ.get("PENSTOCK_LONG"))
_CUTS = 200 if _LONG else 20
_SEED = int(os.environ.get("PENSTOCK_SEED", "6"))
_COMMANDS = 36  # of the flash, about as many as one start, one token and what flows after it need
_VOLUME_ML = 100_000  # soon gone: the valve moves for most tokens


@pytest.mark.timeout(7200 if _LONG else 900)
async def test_a_cut_at_any_flash_command_loses_and_doubles_nothing(enrolled: Enrolled) -> None:
    print(f"seed {_SEED}")
    chance = random.Random(_SEED)
    board = enrolled.board
    life = Life(board, _VOLUME_ML)
    tokens = [await sold(enrolled, _VOLUME_ML) for _ in range(_CUTS)]
    before = await board.do("power", on=False)
    torn: list[str] = []
    while len(torn) < _CUTS:
        await board.do("cut", commands=chance.randint(1, _COMMANDS), seed=chance.getrandbits(30))
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
        f"{_CUTS - len(tokens)} tokens, each taken once and then refused; {state['flash']['commands']} flash commands"
    )
    assert {"erase", "program"} == set(torn)
    assert state["resets"] == before["resets"]
