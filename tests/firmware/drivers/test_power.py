"""The input of a failing supply and what waits for it, under real MicroPython on the simulated board."""

from pathlib import Path

import pytest

from tools.sim.process import GatewayProcess

_WATCH = """
import asyncio
import machine
from firmware import power
from firmware.drivers.power_fail import PowerFail

PIN = 90
uptime_ms = 0
said = []

class Gateway:
    def power_fails(self, durable):
        said.append("durable" if durable else "stop")
    def power_is_back(self):
        said.append("go on")

class Resets:
    def leave(self, cause, reason):
        said.append("cause {}".format(cause))
    def take_back(self):
        said.append("no reset")

async def dip(ms):
    machine.contact(PIN)
    await asyncio.sleep_ms(ms)
    machine.contact(PIN, closed=False)

async def gone_on(times):
    while said.count("go on") < times:
        await asyncio.sleep_ms(20)

async def main(story):
    reports = []
    power_fail = PowerFail(machine.Pin(PIN, machine.Pin.IN, machine.Pin.PULL_UP))
    counted = lambda: said.append("pulses")
    parts = (Gateway(), Resets(), counted, lambda: uptime_ms, lambda: reports.append(1), said.append)
    watch = power.PowerWatch(power_fail, *parts)
    task = asyncio.create_task(watch.run())
    await story()
    print(said, not task.done() and len(reports) > 1)
"""


@pytest.fixture
def board(tmp_path: Path) -> GatewayProcess:
    return GatewayProcess(tmp_path / "flash", 0, tmp_path / "log")


async def told(board: GatewayProcess, story: str) -> str:
    lines = "".join(f"    {line}\n" for line in story.strip().splitlines())
    return await board.run(f"{_WATCH}\nasync def story():\n    global uptime_ms\n{lines}\nasyncio.run(main(story))\n")


async def test_a_dip_is_saved_with_what_has_flowed_by_then_and_taken_back(board: GatewayProcess) -> None:
    story = "await asyncio.sleep_ms(10)\nawait dip(1)\nawait gone_on(1)"

    assert await told(board, story) == "['pulses', 'durable', 'cause 3', 'power fails', 'no reset', 'go on'] True\n"


async def test_a_supply_that_flutters_is_saved_once_a_while_and_stops_motors_each_time(board: GatewayProcess) -> None:
    story = """
await asyncio.sleep_ms(10)
for times in (1, 2):
    await dip(1)
    await gone_on(times)
uptime_ms = 60000
await dip(1)
await asyncio.sleep_ms(10)
"""

    said = await told(board, story)

    assert said.count("durable") == 2
    assert said.count("stop") == 1
    assert said.endswith("'durable', 'cause 3', 'power fails'] True\n")


async def test_dips_before_power_is_good_for_long_are_one_failure_however_short(board: GatewayProcess) -> None:
    story = """
await asyncio.sleep_ms(10)
for _ in range(5):
    await dip(1)
    await asyncio.sleep_ms(250)
await gone_on(1)
await asyncio.sleep_ms(500)
"""

    assert await told(board, story) == "['pulses', 'durable', 'cause 3', 'power fails', 'no reset', 'go on'] True\n"


async def test_a_failure_that_began_before_it_is_waited_for_is_told_once(board: GatewayProcess) -> None:
    source = """
import asyncio
import machine
from firmware.drivers.power_fail import PowerFail
async def main():
    power_fail = PowerFail(machine.Pin(90, machine.Pin.IN, machine.Pin.PULL_UP))
    machine.contact(90)
    await power_fail.wait()
    machine.contact(90, closed=False)
    try:
        await asyncio.wait_for_ms(power_fail.wait(), 50)
        print("told twice")
    except asyncio.TimeoutError:
        print("told once")
asyncio.run(main())
"""

    assert await board.run(source) == "told once\n"


async def test_nothing_goes_on_while_power_stays_low(board: GatewayProcess) -> None:
    assert "go on" not in await told(board, "await asyncio.sleep_ms(10)\nawait dip(2300)")


async def test_a_handler_that_the_port_took_off_is_back_before_long(board: GatewayProcess) -> None:
    source = """
import asyncio
import machine
from firmware.drivers.power_fail import PowerFail
pin = machine.Pin(90, machine.Pin.IN, machine.Pin.PULL_UP)
async def told():
    try:
        await asyncio.wait_for_ms(power_fail.wait(), 50)
        return True
    except asyncio.TimeoutError:
        return False
async def main():
    pin.irq(None)
    before = await told()
    machine.contact(90)
    machine.contact(90, closed=False)
    print(before, await told(), await told())
power_fail = PowerFail(pin)
asyncio.run(main())
"""

    assert await board.run(source) == "False True False\n"


async def test_power_that_fails_already_is_told_at_once(board: GatewayProcess) -> None:
    source = """
import asyncio
import machine
from firmware.drivers.power_fail import PowerFail
machine.contact(90)
power_fail = PowerFail(machine.Pin(90, machine.Pin.IN, machine.Pin.PULL_UP))
asyncio.run(asyncio.wait_for_ms(power_fail.wait(), 50))
print("told")
"""

    assert await board.run(source) == "told\n"


async def test_the_interrupt_needs_no_heap(board: GatewayProcess) -> None:
    source = """
import machine
import micropython
from firmware.drivers.power_fail import PowerFail
power_fail = PowerFail(machine.Pin(90, machine.Pin.IN, machine.Pin.PULL_UP))
micropython.heap_lock()
for _ in range(20):
    power_fail._fell(None)
micropython.heap_unlock()
print("done")
"""

    assert await board.run(source) == "done\n"
