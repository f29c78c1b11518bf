"""The UARTs of the emulated chip: every byte arrives, both ways, whatever the firmware does meanwhile."""

import asyncio
import random

from tests.board.emulated import EmulatedBoard

_SEED = 6
_BYTES = 3000
_ECHO = f"""
import time
from machine import UART
line = UART({{uart}}, 115200, rxbuf=256, txbuf=256)
line.write(b"ready")
left = {_BYTES}
while left:
    got = line.read(100)
    if got:
        left -= len(got)
        line.write(got)
        time.sleep_ms(20)
line.flush()
"""


async def _echoed(board: EmulatedBoard, uart: int, data: bytes) -> bytes:
    """What comes back on a line while the firmware often looks away from it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", board.uarts[uart])
    echo = asyncio.create_task(board.run(_ECHO.format(uart=uart)))
    assert await reader.readexactly(5) == b"ready"
    writer.write(data)
    back = await reader.readexactly(len(data))
    await echo
    writer.close()
    return back


async def test_both_uarts_lose_no_byte_although_the_firmware_looks_away(board: EmulatedBoard) -> None:
    print(f"seed {_SEED}")
    data = random.Random(_SEED).randbytes(_BYTES)

    assert await _echoed(board, 0, data) == data
    assert await _echoed(board, 1, data) == data


async def test_a_uart_takes_the_time_of_its_baud_rate(board: EmulatedBoard) -> None:
    took_us = await board.run(
        "import time\nfrom machine import UART\nline = UART(0, 9600)\nstart = time.ticks_us()\n"
        "line.write(b'x' * 480)\nline.flush()\nprint(time.ticks_diff(time.ticks_us(), start))\n"
    )

    assert 490_000 < int(took_us) < 510_000  # 480 bytes of 10 bits
