"""Valves on expanders: the drivers of the image of eight meters on the emulated chip."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.board.eight import METERS
from tests.board.emulated import EIGHT_IMAGE, EmulatedBoard

_TRAVEL_MS = 2000

_START = """
import time
import board
from firmware.drivers.hardware import Hardware
hardware = Hardware(board)
"""
_OPEN_ALL = """
for valve in hardware.valves:
    valve.drive(True)
    outcome = None
    while outcome is None:
        time.sleep_ms(20)
        outcome = valve.poll(time.ticks_ms())
    print(outcome, valve.is_open(), valve.is_closed())
print([pulses.count() for pulses in hardware.pulses])
"""
_RESET_WHILE_CLOSING = """
import machine
hardware.valves[5].drive(False)
hardware.valves[5].poll(0)
hardware.valves[5].poll(1000)
time.sleep_ms(500)
machine.Timer(period=10, mode=machine.Timer.ONE_SHOT, callback=lambda _: machine.reset())
"""

_WAIT_FOR_POWER_TO_FAIL = """
import asyncio
async def main():
    hardware.lcd.show(("waiting",))
    await hardware.power_fail.wait()
    print(hardware.power_fail.failing())
asyncio.run(main())
"""


class Bench:
    """A board of eight meters, and what its drivers are told to do."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board

    async def run(self, source: str) -> list[str]:
        """Make all drivers anew, do something with them, and return the lines that it printed."""
        return (await self.board.run(_START + source)).splitlines()

    async def position(self, valve: int, after_ms: int) -> float:
        return float((await self.board.do("wait", ms=after_ms))["valves"][valve])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    board = EmulatedBoard(tmp_path / "board", EIGHT_IMAGE, speed=50)
    try:
        await board.start()
        await board.make_file_system()
        yield Bench(board)
    finally:
        await board.stop()


async def test_eight_valves_on_two_expanders_open_one_after_another(bench: Bench) -> None:
    *outcomes, counts = await bench.run(_OPEN_ALL)

    assert outcomes == ["opened True False"] * METERS
    assert (await bench.board.do("state"))["valves"] == [1] * METERS
    assert counts == str([0] * METERS)


async def test_a_motor_that_an_expander_keeps_running_over_a_reset_stops_with_the_next_start(bench: Bench) -> None:
    await bench.run(_OPEN_ALL)

    await bench.run(_RESET_WHILE_CLOSING)
    running = await bench.position(5, after_ms=200)
    assert running < 1, "the expander knows nothing of the reset"
    await bench.run("")
    stopped = await bench.position(5, after_ms=0)

    assert await bench.position(5, after_ms=_TRAVEL_MS) == stopped


async def test_a_supply_that_fails_wakes_who_waits_for_it(bench: Bench) -> None:
    waiting = asyncio.create_task(bench.run(_WAIT_FOR_POWER_TO_FAIL))
    await bench.board.until("waiting", timeout_ms=600000)

    await bench.board.do("supply", failing=True)

    assert await waiting == ["True"]
