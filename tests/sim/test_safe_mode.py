"""Crash loops of the real firmware in real processes: less and less of it runs, until what is left does not crash."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from firmware import last_resort
from firmware.drivers.flash import Flash
from firmware.ledger.pair import Pair
from firmware.ledger.store import Store
from firmware.meter.register import decode_journal
from shared import kinds, starts
from shared.entries import Entry
from shared.sts.time_id import tid_at
from tests.fakes.auditor import audit_ledger, entries_of
from tests.fakes.house import GATEWAY, START_S, UTILITY, bundle, enrolled_flash, identity, vended
from tools.sim.process import GatewayProcess
from tools.sim.world import World

_MAIN = "from firmware import main\nmain.run()\n"
# Each is put in front of the firmware: a fault that comes again with every start.
_SETTINGS_UNREADABLE_ON_TRIAL = """
from firmware import epoch
from firmware.drivers import hardware
from shared.errors import WireError
class Slots:
    running = 1
    capacity_bytes = 4096
    def on_trial(self):
        return True
    def give_up(self):
        print("given up")
hardware._slots = lambda board: Slots()
def start(flash):
    raise WireError("a field is missing")
epoch.start = start
"""
_STATUS_FAILS = """
from firmware import status
def view(self, channel, number, now_ms):
    raise ValueError("no such page")
status.Status.view = view
"""
_DISPLAY_AND_LINK_FAIL = """
from firmware import app
async def fails(self):
    raise OSError(5)
app.Tasks.display = app.Tasks.sync = fails
"""
_GATEWAY_FAILS = """
from firmware import gateway
def fails(self, *parts, **more):
    raise MemoryError("no room")
gateway.Gateway.__init__ = fails
"""
_HANGS = """
import board
from firmware import app
board.WATCHDOG_MS = 1500
async def hangs(self):
    while self._uptime_ms() < 700:
        self._report("sync")
        await app.asyncio.sleep_ms(100)
    while True:
        pass
app.Tasks.sync = hangs
"""
_WAITS = """
from firmware import app, supervise
supervise.SILENT_MS = 1000
async def waits(self):
    await app.asyncio.sleep(1000)
app.Tasks.sync = waits
"""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.stop()


class Board:
    """An enrolled gateway of one meter whose firmware can be given a fault."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._world = world
        self.flash = folder / "flash"
        self.log = folder / "log"
        flash = Flash(str(self.flash))
        for name, data in enrolled_flash(bundle(1)).files.items():
            flash.append(name, data)
        self.process: GatewayProcess | None = None

    async def start(self, fault: str = "") -> GatewayProcess:
        program = self._folder / "program.py"
        program.write_text(fault + _MAIN)
        self.process = GatewayProcess(self.flash, self._world.port, self.log, program=str(program))
        await self.process.start()
        return self.process

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.kill()
            self.process = None

    def ledger(self) -> Store:
        return Store(Flash(str(self.flash)), UTILITY, GATEWAY, 1, identity().device_public)

    def starts(self) -> list[tuple[int, Entry | None]]:
        """(detail of BOOT, the EVENT behind it) of each start."""
        entries = list(entries_of(self.ledger()))
        found: list[tuple[int, Entry | None]] = []
        for entry in entries:
            if entry.kind == kinds.BOOT:
                found.append((entry.detail, None))
            elif entry.kind == kinds.EVENT and entry.detail == kinds.EVENT_OWN_RESET:
                found[-1] = (found[-1][0], entry)
        return found


@pytest.fixture
async def board(tmp_path: Path, world: World) -> AsyncIterator[Board]:
    board = Board(tmp_path, world)
    yield board
    await board.stop()


async def test_a_display_that_crashes_at_every_start_leads_to_safe_mode_which_takes_tokens(
    board: Board, world: World
) -> None:
    process = await board.start(_STATUS_FAILS)

    await world.wait_for_text("SAFE MODE", 30)
    await world.press(vended(25, tid_at(START_S, 2014) + 1))
    await world.wait_for_text("ACCEPTED")
    await world.wait_for(lambda: world.valve(0).opened, "open valve", 15)
    await board.stop()

    assert process.resets == 3
    details = [detail for detail, _event in board.starts()]
    assert details == [kinds.RESET_POWER, kinds.RESET_OWN, kinds.RESET_OWN, kinds.RESET_OWN | kinds.BOOT_SAFE_MODE]
    event = board.starts()[-1][1]
    assert event is not None and event.reference_a.to_bytes(4, "big") == b"disp"
    assert starts.ERROR_NAMES[event.reference_b >> 16] == "ValueError"
    assert "display: ValueError" in board.log.read_text() and "safe mode" in board.log.read_text()
    audit_ledger(board.ledger())


async def test_safe_mode_goes_on_without_what_crashes_in_it_too(board: Board, world: World) -> None:
    process = await board.start(_DISPLAY_AND_LINK_FAIL)

    async with asyncio.timeout(30):
        while board.log.read_text().count("goes on without") < 2:
            await asyncio.sleep(0.1)
    await world.press(vended(25, tid_at(START_S, 2014) + 1))
    await world.wait_for(lambda: world.valve(0).opened, "open valve", 15)
    await board.stop()

    assert process.resets == 3
    log = board.log.read_text()
    assert "goes on without display: OSError" in log and "goes on without sync" in log
    audit_ledger(board.ledger())


async def test_a_power_cut_does_not_end_safe_mode_and_another_firmware_does(board: Board, world: World) -> None:
    await board.start(_STATUS_FAILS)
    await world.wait_for_text("SAFE MODE", 30)
    await board.stop()

    await board.start()
    await world.wait_for_text("SAFE MODE")
    await board.stop()
    await board.start("from firmware import core\ncore.FIRMWARE_VERSION = 0x00020000\n")
    await world.wait_for_text("NO CREDIT")


async def test_where_safe_mode_crashes_too_pulses_are_counted_and_none_is_lost_to_the_register(
    board: Board, world: World
) -> None:
    await board.start()
    await world.wait_for_text("NO CREDIT")
    await board.stop()
    world.valve(0).position = 1000

    process = await board.start(_GATEWAY_FAILS)
    await world.wait_for_text("SERVICE NEEDED", 40)
    drawn_ml = await world.flow(0, 30_000)
    async with asyncio.timeout(25):
        while last_resort.kept(Flash(str(board.flash)))[:1] != [30]:
            await asyncio.sleep(0.1)
    await board.stop()
    (board.flash / "crashes").unlink()  # as the installer's tool does
    await board.start()
    await world.wait_for_text("NO CREDIT")
    await board.stop()

    assert process.resets == 6 and drawn_ml == 30_000
    assert last_resort.kept(Flash(str(board.flash))) == []
    data = Pair(Flash(str(board.flash)), "journal").load()
    assert data is not None and decode_journal(1, data) == {0: 30_000}
    audit_ledger(board.ledger())


async def test_a_task_that_hangs_is_reset_by_the_watchdog_and_the_ledger_says_so(board: Board, world: World) -> None:
    process = await board.start(_HANGS)
    await world.wait_for(lambda: process.resets == 1, "reset by the watchdog", 20)
    await world.wait_for_text("NO CREDIT")
    await board.stop()

    first_two = board.starts()[:2]  # it hangs in each
    assert [detail for detail, _event in first_two] == [kinds.RESET_POWER, kinds.RESET_WATCHDOG]
    assert "start: its watchdog" in board.log.read_text()


async def test_a_task_that_waits_for_ever_is_named(board: Board, world: World) -> None:
    process = await board.start(_WAITS)
    await world.wait_for(lambda: process.resets == 1, "reset by the supervisor", 20)
    await world.wait_for_text("NO CREDIT")
    await board.stop()

    detail, event = board.starts()[1]
    assert detail == kinds.RESET_OWN and event is not None
    assert event.reference_a.to_bytes(4, "big") == b"sync"
    assert starts.ERROR_NAMES[event.reference_b >> 16] == "is silent"


async def test_an_image_on_trial_that_cannot_read_the_settings_is_given_back(board: Board, world: World) -> None:
    process = await board.start(_SETTINGS_UNREADABLE_ON_TRIAL)
    await world.wait_for(lambda: process.resets >= 1, "reset by the image itself", 20)
    await board.stop()

    assert "given up" in board.log.read_text()
