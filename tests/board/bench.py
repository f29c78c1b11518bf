"""`make bench-board`: measures an image on the emulated chip, by its own clock; writes build/bench-board-BOARD.json.

Words on the command line choose among its parts: signing, hand, stalls, day. Ends with 1 when a bar is not held.
"""

import asyncio
import json
import re
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench.__main__ import table_of
from tests.bench.rows import Row
from tests.board.eight import METERS, HouseCloud
from tests.board.emulated import IMAGE, ROOT, EmulatedBoard
from tests.board.net import NamedCloud, Online, at_a_cloud
from tests.board.raw_repl import execute
from tests.board.sales import sold

OUTPUT = ROOT / "build" / f"bench-board-{IMAGE.stem}.json"
_FAST = 50  # times the clock on the wall, while nothing is to be done
_DAY_S = 60  # of the chip, in which the gateway's clock sees a day
_EVENTS = 6  # tokens a day, more than a household has
_PULSES = 40  # between two tokens, of 1 l each
_PULSE_MS = 100
_TOLD_FROM_MS = 60  # by bench_device.py
_GAP = re.compile(r"gap (\d+) ms")
_HEAP = re.compile(r"heap (\d+) bytes")
_SIGN = """
import gc, time
from shared import ed25519
seed = bytes(range(32))
public = ed25519.public_key(seed)
gc.collect()
steps = ed25519.sign_steps(seed, public, bytes(300))
longest = total = 0
going = True
while going:
    start = time.ticks_us()
    try:
        next(steps)
    except StopIteration:
        going = False
    took = time.ticks_diff(time.ticks_us(), start)
    total += took
    longest = max(longest, took)
print(total, longest)
"""


@asynccontextmanager
async def _enrolled(folder: Path) -> AsyncIterator[Online]:
    board = EmulatedBoard(folder / "board", speed=_FAST)
    kind = HouseCloud if board.map["MAX_METERS"] == METERS else NamedCloud
    try:
        await board.start()
        async with at_a_cloud(board, folder / "stack", kind) as online:
            yield online
    finally:
        await board.stop()


def _meters(online: Online) -> list[dict[str, Any]]:
    """All of the board's: eight, or one."""
    return online.cloud.meters if isinstance(online.cloud, HouseCloud) else [online.meter]


def _channels(online: Online) -> list[int]:
    return [meter["channel"] for meter in _meters(online)]


def _choice(online: Online) -> str:
    """The keys that choose the first meter: none where there is no other."""
    return "11" if len(_meters(online)) > 1 else ""


async def _signing(online: Online) -> list[Row]:
    await online.board.cycle_power()
    total_us, longest_us = map(int, (await execute(online.board, _SIGN)).split())
    return [
        Row("Ed25519 signature of a batch", total_us / 1000, "ms", None, "lower"),
        Row("longest slice of it, in which every other task waits", longest_us / 1000, "ms", 130, "lower"),
    ]


async def _hand(online: Online) -> list[Row]:
    """A customer at the keypad, without a network."""
    board = online.board
    digits = await sold(online.enrolled)
    await board.cycle_power()
    await board.until("NO CREDIT")
    await board.press(_choice(online))
    shown_ms = []
    for key in digits:
        seen = (await board.do("key", key=key))["seen_ms"]
        shown_ms.append(seen["display"] - seen["key"])
    state = await board.do("wait", ms=500)
    moved_ms = state["seen_ms"]["valves"][0] - state["seen_ms"]["key"]
    await board.cycle_power()  # the valve stands halfway: enforcing is to drive it on
    state = await board.do("wait", ms=3000)
    return [
        Row("power to the first order at the valve", state["seen_ms"]["valves"][0], "ms", 2000, "lower"),
        Row("key press to display, median of 19", statistics.median(shown_ms[:-1]), "ms", None, "lower"),
        Row("key press to display, longest of 19", max(shown_ms[:-1]), "ms", None, "lower"),
        Row("20th digit to valve", moved_ms, "ms", 300, "lower"),
    ]


async def _put_boot(board: EmulatedBoard, scale: int) -> None:
    source = (Path(__file__).parent / "bench_device.py").read_text(encoding="ascii")
    source = source.replace("SCALE = 1\n", f"SCALE = {scale}\n")
    await board.cycle_power()
    await execute(board, f"with open('/boot.py', 'w') as file:\n    file.write({source!r})\n")


async def _stalls(online: Online) -> list[Row]:
    """A life on line: how long the keypad's task was kept waiting, in the handshake and after it."""
    board = online.board
    digits = await sold(online.enrolled)
    await _put_boot(board, 1)
    await online.start()
    await online.logged("link up", timeout_s=300)
    before = sum(entry["kind"] == "token" for entry in await online.entries())
    await board.press(_choice(online) + digits)
    await board.do("pulses", channel=_channels(online), count=_PULSES)
    await online.sell()
    await online.true(lambda: online.token_taken(before + 2), "the entries are not acknowledged", timeout_s=300)
    lines = online.console.lines
    up = next(i for i, line in enumerate(lines) if "link up" in line)
    await online.stop()
    return [
        Row("longest gap between two looks at the keypad, TLS handshake", _longest_ms(lines[:up]), "ms", None, "lower"),
        Row("longest gap between two looks at the keypad, after it", _longest_ms(lines[up:]), "ms", 130, "lower"),
    ]


def _longest_ms(lines: list[str]) -> int:
    return max((int(found[1]) for found in map(_GAP.search, lines) if found), default=_TOLD_FROM_MS)


async def _day(online: Online) -> list[Row]:
    """A day of the gateway's clock, on line: hourly readings, tokens, water; what it needs of heap and flash."""
    board = online.board
    await _put_boot(board, 86400 // _DAY_S)
    await online.start()
    await online.logged("link up", timeout_s=300)
    begin = await board.do("state")
    meters = _meters(online)
    for i in range(max(_EVENTS, len(meters))):
        await online.sell(meters[i % len(meters)])
        await board.do("pulses", channel=_channels(online), count=_PULSES, closed_ms=_PULSE_MS, open_ms=_PULSE_MS)
    left_ms = begin["now_ms"] + _DAY_S * 1000 - (await board.do("state"))["now_ms"]
    end = await board.do("wait", ms=max(0, left_ms))
    heap = [int(found[1]) for found in map(_HEAP.search, online.console.lines) if found]
    assert end["resets"] == begin["resets"], "the board was reset meanwhile"
    await online.stop()
    erased, programmed = (end["flash"][name] - begin["flash"][name] for name in ("erased", "programmed"))
    return [
        Row("lowest free heap of a day with TLS connected", min(heap), "bytes", 60 * 1024, "higher"),
        Row("sectors of the flash erased in a day", erased / 4096, "", None, "lower"),
        Row("pages of the flash programmed in a day", programmed / 256, "", None, "lower"),
    ]


PARTS = {"signing": _signing, "hand": _hand, "stalls": _stalls, "day": _day}


async def measure(parts: list[str]) -> list[Row]:
    """These parts, of one board; each says when it is done."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        async with _enrolled(Path(folder)) as online:
            for part in (part for part in PARTS if part in parts):  # in this order: a day leaves credit behind
                measured = await PARTS[part](online)
                for row in measured:
                    print(f"{row.name}: {row.value:.6g} {row.unit}", flush=True)
                rows += measured
    return rows


def main(chosen: list[str]) -> int:
    """Measure what was chosen, or all; print, write; 0 when every bar holds."""
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        print(f"bench-board: no part is called {unknown[0]}; there are {', '.join(PARTS)}")
        return 2
    rows = asyncio.run(measure(chosen or list(PARTS)))
    Console(width=120).print(table_of(rows))
    OUTPUT.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n", encoding="ascii")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
