"""The power goes (SIGKILL) while the real firmware runs under MicroPython with its real drivers and file system.

The cuts after every single byte are in tests/firmware/pure/test_power_cuts.py; here they fall at random moments.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from firmware import settings
from firmware.ledger.store import Store
from firmware.meter.register import JOURNAL_EVERY_ML
from shared.sts.time_id import tid_at
from tests.fakes import house
from tests.fakes.auditor import audit_ledger
from tests.fakes.flash import Flash
from tools.sim.process import GatewayProcess
from tools.sim.world import World, WorldError

CUTS = 12
PULSE_ML = 1000
IN_FLIGHT_ML = 5 * PULSE_ML  # pulses on the wire to the board, or counted and not yet picked up


class Home:
    """One enrolled board in its world."""

    def __init__(self, world: World, board: GatewayProcess) -> None:
        self.world = world
        self.board = board
        self.sold = 0

    def token(self, units: int) -> str:
        self.sold += 1
        return house.vended(units, tid_at(house.START_S, 2014) + self.sold)

    async def cut(self) -> None:
        """The power goes, and comes back."""
        await self.board.kill()
        await self.start()

    async def start(self) -> None:
        """The power comes back; the display still shows what it showed, so wait for the board itself."""
        boots = self.world.boots
        await self.board.start()
        await self.world.wait_for(lambda: self.world.boots > boots, "board")
        await self.world.wait_for_text("Left")

    def ledger(self) -> Store:
        """What is on the board's flash, read on this side."""
        flash = Flash()
        for file in self.board.flash.rglob("*"):
            if file.is_file() and file.suffix != ".new":
                flash.files[str(file.relative_to(self.board.flash))] = file.read_bytes()
        config, own = settings.load(flash), settings.load_identity(flash)
        assert config is not None
        assert own is not None
        return Store(flash, config.utility, config.gateway, config.epoch, own.device_public)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    world = World(PULSE_ML)
    await world.start()
    board = GatewayProcess(tmp_path / "flash", world.port, tmp_path / "log")
    told = await board.run("from firmware.enrol import on_board\non_board().identity()\n")
    box = house.sealed(house.bundle(pulse_volume_ml=PULSE_ML), bytes.fromhex(told.split()[2]))
    await board.run(f"from firmware.enrol import on_board\non_board().install('{box.hex()}')\n")
    await board.start()
    await world.wait_for_text("Left")
    yield Home(world, board)
    await board.kill()
    await world.stop()


async def test_a_token_that_was_shown_as_accepted_survives_a_cut_and_is_used(home: Home) -> None:
    token = home.token(25)
    await home.world.press(token)
    await home.world.wait_for_text("ACCEPTED")

    await home.cut()
    await home.world.wait_for_text("2.500 m3")
    await home.world.press(token)

    await home.world.wait_for_text("USED")
    await home.world.wait_for(lambda: home.world.valve(0).opened, "open valve")
    audit_ledger(home.ledger())


async def test_wrong_tokens_stay_counted_and_the_lock_starts_again(home: Home) -> None:
    for _ in range(3):
        await home.world.press("0" * 19 + "1")
        await home.world.wait_for_text("REJECTED")

    await home.cut()

    await home.world.wait_for_text("LOCKED")


async def test_cuts_at_random_moments_keep_every_invariant(home: Home, chance: random.Random) -> None:
    await home.world.press(home.token(9999))
    await home.world.wait_for(lambda: home.world.valve(0).opened, "open valve")
    credited = 0
    for _ in range(CUTS):
        work = asyncio.create_task(_use(home, chance))
        await asyncio.sleep(chance.uniform(0, 5))  # a token takes 2.4
        work.cancel()
        with suppress(WorldError, asyncio.CancelledError):
            await work
        await home.board.kill()
        home.world.tap(0, 0)
        ledger = home.ledger()
        audit_ledger(ledger)
        assert ledger.state.meters[0].credited >= credited
        credited = ledger.state.meters[0].credited
        await home.start()

    pipe = home.world.pipes[0]
    heard_ml = pipe.delivered_ml - pipe.unheard_ml
    await home.world.press("#10#")
    shown = (await home.world.wait_for_text("Register"))[1]
    register_ml = int(shown.split()[0].replace(".", "")) * 1000
    assert heard_ml - CUTS * (JOURNAL_EVERY_ML + IN_FLIGHT_ML) <= register_ml <= heard_ml


async def _use(home: Home, chance: random.Random) -> None:
    """Water runs, and now and then somebody types a token, right or wrong."""
    while True:
        home.world.tap(0, chance.choice((0, 5000, 20000)))
        if chance.random() < 0.5:
            await home.world.press(home.token(1) if chance.random() < 0.6 else "0" * 20)
        await asyncio.sleep(chance.uniform(0, 0.5))
