"""The part `aged` of `make bench-board`: a ledger as years leave it on flash, just before it is pruned, and no network.

The cloud has nothing of what is written here; a board is not to be on line behind it.
"""

from pathlib import Path

from tests.bench.rows import Row
from tests.board.at_keypad import channels, choice, hand, longest_gap_ms, put_boot
from tests.board.emulated import EmulatedBoard
from tests.board.net import Online
from tests.board.raw_repl import execute
from tests.board.sales import sold

_OF = "full ledger: "
_WRITING_S = 1800  # on the wall, at the most
_AT_REST_MS = 8_000  # a valve has arrived, and what is new in the ledger lies where it stays
_TOKENS = 4
_PULSES = 40  # behind each


async def aged(online: Online) -> list[Row]:
    """Fill the ledger of a new gateway, and measure what a customer sees of it."""
    filled = await _fill(online.board)
    return filled + await hand(online, _OF) + await _stalls(online)


async def _fill(board: EmulatedBoard) -> list[Row]:
    source = (Path(__file__).parent / "aged_device.py").read_text(encoding="ascii")
    await board.do("speed", times=1)  # from here on: the watchdog runs on while the REPL is talked to
    await board.cycle_power()
    entries, segments = map(int, (await execute(board, source, _WRITING_S)).split())
    return [
        Row(f"{_OF}entries", entries, "", None, "higher"),
        Row(f"{_OF}segments", segments, "", None, "higher"),
    ]


async def _stalls(online: Online) -> list[Row]:
    """Tokens and water: how long the keypad's task was kept waiting."""
    board = online.board
    tokens = [await sold(online.enrolled) for _ in range(_TOKENS)]
    await put_boot(board, 1)
    await board.cycle_power()
    told_before = len(online.console.lines)
    await online.console.attach(board)
    await board.until(" m3")
    for digits in tokens:
        await board.press(choice(online) + digits)
        await board.until("ACCEPTED")
        await board.do("pulses", channel=channels(online), count=_PULSES)
        await board.do("wait", ms=_AT_REST_MS)
    await online.console.detach()
    longest_ms = longest_gap_ms(online.console.lines[told_before:])
    return [Row(f"{_OF}longest gap between two looks at the keypad", longest_ms, "ms", 130, "lower")]
