"""The application's time task, under real MicroPython on the simulated board, with a time server on the loopback."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.time_server import HOST, TimeServer
from tools.sim.process import GatewayProcess

SIGNED_S = 1_700_000_000
PROGRAM = """
import asyncio
import time
import board
from firmware import app
from firmware.clock import Clock
from firmware.net import network_time

class Gateway:
    class core:
        clock = Clock(time.ticks_ms, {signed_s})

class ToTheTest(network_time.NetworkTime):
    def __init__(self, *arguments):
        super().__init__(*arguments, port={port})

network_time.NetworkTime = ToTheTest
board.NTP_HOST = "{host}"
said = []
reported = []
clock = Gateway.core.clock
clock.set_signed({signed_s})

async def main():
    uptime_ms = app.Uptime(time.ticks_ms)
    tasks = app.Tasks(None, Gateway, None, uptime_ms, reported.append, said.append, False)
    task = asyncio.create_task(tasks.network_time())
    while not said and uptime_ms() < 5000:
        await asyncio.sleep_ms(20)
    print(said[0] if said else "nothing was said", reported[0])

asyncio.run(main())
"""


@pytest.fixture
def board(tmp_path: Path) -> GatewayProcess:
    return GatewayProcess(tmp_path / "flash", 0, tmp_path / "log")


async def test_the_clock_follows_the_server_of_the_map(board: GatewayProcess) -> None:
    server = TimeServer(SIGNED_S + 2)
    program = PROGRAM.format(host=HOST, port=server.port, signed_s=SIGNED_S)

    said, _ = await asyncio.gather(board.run(program), asyncio.to_thread(server.serve, 20_000))

    server.close()
    assert said in ("network time: the clock was off by 2 s time\n", "network time: the clock was off by 1 s time\n")
