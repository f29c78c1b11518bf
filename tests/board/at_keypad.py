"""What the parts of `make bench-board` share: the meters, a hand at the keypad, and how long it is kept waiting."""

import re
import statistics
from pathlib import Path
from typing import Any

from tests.bench.rows import Row
from tests.board.eight import HouseCloud
from tests.board.emulated import EmulatedBoard
from tests.board.net import Online
from tests.board.raw_repl import execute
from tests.board.sales import sold

_ARRIVED_MS = 3000  # of a valve, from the order on
_PATIENCE_MS = 20_000
_TOLD_FROM_MS = 60  # by bench_device.py
_GAP = re.compile(r"gap (\d+) ms")


def meters_of(online: Online) -> list[dict[str, Any]]:
    """All of the board's: eight, or one."""
    return online.cloud.meters if isinstance(online.cloud, HouseCloud) else [online.meter]


def channels(online: Online) -> list[int]:
    """Those of all its meters."""
    return [meter["channel"] for meter in meters_of(online)]


def choice(online: Online) -> str:
    """The keys that choose the first meter: none where there is no other."""
    return "11" if len(meters_of(online)) > 1 else ""


async def hand(online: Online, of: str = "") -> list[Row]:
    """A customer without credit at the keypad, without a network; `of` begins the name of each row."""
    board = online.board
    digits = await sold(online.enrolled)
    await board.cycle_power()
    await board.until("NO CREDIT")
    await board.press(choice(online))
    shown_ms = []
    for key in digits:
        seen = (await board.do("key", key=key))["seen_ms"]
        shown_ms.append(seen["display"] - seen["key"])
    moved_ms = await _driven_ms(board, seen["key"]) - seen["key"]
    await board.cycle_power()  # the valve stands halfway: enforcing is to drive it on
    started_ms = await _driven_ms(board)
    await board.do("wait", ms=_ARRIVED_MS)
    return [
        Row(f"{of}power to the first order at the valve", started_ms, "ms", 2000, "lower"),
        Row(f"{of}key press to display, median of 19", statistics.median(shown_ms[:-1]), "ms", None, "lower"),
        Row(f"{of}key press to display, longest of 19", max(shown_ms[:-1]), "ms", None, "lower"),
        Row(f"{of}20th digit to valve", moved_ms, "ms", 300, "lower"),
    ]


async def _driven_ms(board: EmulatedBoard, after_ms: float = 0) -> float:
    """When the first valve was driven, counted from power-on, later than after_ms."""
    state = await board.do("state")
    end_ms = state["now_ms"] + _PATIENCE_MS
    while state["seen_ms"]["valves"][0] <= after_ms:
        assert state["now_ms"] < end_ms, f"the valve is not driven in {_PATIENCE_MS} ms: {state['rows']}"
        state = await board.do("wait", ms=50)
    return float(state["seen_ms"]["valves"][0])


async def put_boot(board: EmulatedBoard, scale: int) -> None:
    """Let the board run bench_device.py from its next start on."""
    source = (Path(__file__).parent / "bench_device.py").read_text(encoding="ascii")
    source = source.replace("SCALE = 1\n", f"SCALE = {scale}\n")
    await board.cycle_power()
    await execute(board, f"with open('/boot.py', 'w') as file:\n    file.write({source!r})\n")


def longest_gap_ms(lines: list[str]) -> int:
    """Between two looks at the keypad, as bench_device.py told it."""
    return max((int(found[1]) for found in map(_GAP.search, lines) if found), default=_TOLD_FROM_MS)
