"""Pulses and keys that come while the flash of the emulated chip is erased without a pause: interrupts are off then."""

import asyncio

import pytest

from tests.board.emulated import EmulatedBoard

# The whole hardware of the board, and one erase after another until somebody types #.
_ERASE_AND_COUNT = """
import board
import rp2
from firmware.drivers.hardware import Hardware
board.PULSE_BACKEND = "{backend}"
hardware = Hardware(board)
flash = rp2.Flash()
last = flash.ioctl(4, 0) - 1
keys = ""
while "#" not in keys:
    flash.ioctl(6, last)
    hardware.keypad.look()
    keys += hardware.keypad.take() or ""
print(hardware.pulses[0].count(), hardware.pulses[1].count(), keys)
"""
_ERASES = 10


class Counting:
    """A board that counts and erases until it is asked what it has seen."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board

    async def start(self, backend: str) -> None:
        done = (await self.board.do("state"))["flash"]["commands"]
        self._run = asyncio.create_task(self.board.run(_ERASE_AND_COUNT.format(backend=backend)))
        while (await self.board.do("wait", ms=100))["flash"]["commands"] < done + _ERASES:
            assert not self._run.done(), self._run.result()

    async def pulses(self, channel: int, count: int, closed_ms: float, open_ms: float) -> None:
        await self.board.do("pulses", channel=channel, count=count, closed_ms=closed_ms, open_ms=open_ms)

    async def seen(self) -> tuple[int, int, str]:
        """Pulses of the two channels, and the keys."""
        await self.board.press("#")
        first, second, keys = (await self._run).split()
        return int(first), int(second), keys


@pytest.fixture
async def counting(board: EmulatedBoard) -> Counting:
    await board.make_file_system()
    return Counting(board)


async def test_state_machines_count_while_the_flash_is_erased(counting: Counting) -> None:
    await counting.start("pio")

    await counting.pulses(0, 40, closed_ms=10.5, open_ms=10.5)
    await counting.pulses(1, 3, closed_ms=40, open_ms=300)
    await counting.pulses(1, 40, closed_ms=9.5, open_ms=20)  # too short to be more than bounce
    await counting.pulses(1, 2, closed_ms=200, open_ms=9.5)  # one that opens for a moment
    await counting.board.press("57")

    assert await counting.seen() == (40, 4, "57#")


async def test_interrupts_miss_pulses_that_an_erase_hides(counting: Counting) -> None:
    await counting.start("hard_irq")

    await counting.pulses(0, 40, closed_ms=10.5, open_ms=10.5)
    await counting.pulses(1, 10, closed_ms=110, open_ms=110)

    first, second, _ = await counting.seen()
    assert first < 20
    assert second == 10
