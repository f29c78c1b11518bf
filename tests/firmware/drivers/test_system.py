"""The chip's services, under real MicroPython on the simulated board."""

from pathlib import Path

import pytest

from tools.sim.process import GatewayProcess


@pytest.fixture
def board(tmp_path: Path) -> GatewayProcess:
    return GatewayProcess(tmp_path / "flash", 0, tmp_path / "log")


async def test_a_watchdog_that_is_fed_lets_the_firmware_run(board: GatewayProcess) -> None:
    source = """
import time
from firmware.drivers import system
watchdog = system.Watchdog(1000)
for _ in range(30):
    time.sleep_ms(50)
    watchdog.feed()
print("alive")
"""

    assert await board.run(source) == "alive\n"


async def test_a_hung_firmware_is_ended_by_its_watchdog(board: GatewayProcess) -> None:
    source = """
from firmware.drivers import system
system.Watchdog(100)
while True:
    pass
"""

    with pytest.raises(RuntimeError):
        await board.run(source)


async def test_a_reset_ends_everything_at_once(board: GatewayProcess) -> None:
    source = """
from firmware.drivers import system
try:
    system.reset()
finally:
    print("a chip that resets runs nothing more")
"""

    with pytest.raises(RuntimeError, match=r"error: $"):
        await board.run(source)


async def test_two_boards_have_two_numbers_and_keep_them(board: GatewayProcess, tmp_path: Path) -> None:
    other = GatewayProcess(tmp_path / "other", 0, tmp_path / "log")
    source = "from firmware.drivers import system; print(system.unique_id().hex())"

    numbers = [await board.run(source), await board.run(source), await other.run(source)]

    assert numbers[0] == numbers[1] != numbers[2]


async def test_the_start_after_power_up_is_not_the_watchdogs(board: GatewayProcess) -> None:
    assert await board.run("from firmware.drivers import system; print(system.start_cause())") == "(0, False)\n"


async def test_the_chips_clock_can_be_set(board: GatewayProcess) -> None:
    source = "from firmware.drivers import system; system.set_rtc(1800000000); print('set')"

    assert await board.run(source) == "set\n"


async def test_a_board_whose_flash_cannot_be_read_stands_still_and_leaves_a_tool_the_time_to_stop_it(
    board: GatewayProcess,
) -> None:
    source = """
from firmware import main
from firmware.drivers import flash, hardware, system

class Lcd:
    def show(self, lines):
        print(lines[0])

class Time:
    def sleep_ms(self, duration_ms):
        print("waits", duration_ms)

def damaged(self, directory, capacity_bytes):
    raise OSError(84)

main.time = Time()
hardware.counting_parts = lambda board: (print("motors off"), Lcd())
flash.Flash.__init__ = damaged
system.reset = lambda: print("resets")
main.run()
"""

    said = ["motors off", "SERVICE NEEDED", "waits 10000", "resets"]
    assert (await board.run(source)).splitlines()[-4:] == said
