"""`make bench-board`: measures an image on the emulated chip, by its own clock; writes build/bench-board-BOARD.json.

Words on the command line choose among its parts: signing, hand, stalls, day, aged. Ends with 1 when a bar is not held.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from tests.bench.__main__ import table_of
from tests.bench.rows import Row
from tests.board.aged import aged
from tests.board.at_keypad import channels, choice, hand, longest_gap_ms, meters_of, put_boot
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
_ALIASES = [{"code": code, "typed": f"{code}0990099#"} for code in range(1, 10)]
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


async def _signing(online: Online) -> list[Row]:
    await online.board.cycle_power()
    total_us, longest_us = map(int, (await execute(online.board, _SIGN)).split())
    return [
        Row("Ed25519 signature of a batch", total_us / 1000, "ms", None, "lower"),
        Row("longest slice of it, in which every other task waits", longest_us / 1000, "ms", 130, "lower"),
    ]


async def _stalls(online: Online) -> list[Row]:
    """A life on line: how long the keypad's task was kept waiting, in the handshake and after it."""
    board = online.board
    digits = await sold(online.enrolled)
    await put_boot(board, 1)
    await online.start()
    await online.logged("link up", timeout_s=300)
    before = sum(entry["kind"] == "token" for entry in await online.entries())
    await board.press(choice(online) + digits)
    await board.do("pulses", channel=channels(online), count=_PULSES)
    await _send_policy(online)
    await online.sell()
    await online.true(lambda: online.token_taken(before + 2), "the entries are not acknowledged", timeout_s=300)
    lines = online.console.lines
    up = next(i for i, line in enumerate(lines) if "link up" in line)
    await online.stop()
    meanwhile_ms, after_ms = longest_gap_ms(lines[:up]), longest_gap_ms(lines[up:])
    return [
        Row("longest gap between two looks at the keypad, TLS handshake", meanwhile_ms, "ms", None, "lower"),
        Row("longest gap between two looks at the keypad, after it", after_ms, "ms", 130, "lower"),
    ]


async def _send_policy(online: Online) -> None:
    """A policy that fills a block, to meters that all have something to charge."""
    utility = (await online.api.items("/utilities"))[0]["id"]
    holidays = [f"2027-{month:02d}-{day:02d}" for month in range(1, 13) for day in (1, 8, 15, 22, 26)]
    policy = {"utility_id": utility, "meter_group": 0, "fields": {}, "holidays": holidays, "aliases": _ALIASES}
    version = (await online.api.post("/policies", policy))["version"]
    gateway = online.meter["gateway_id"]
    await online.api.post(f"/gateways/{gateway}/documents", {"kind": "policy", "version": version})
    await online.logged("command of kind 2: result 1")


async def _day(online: Online) -> list[Row]:
    """A day of the gateway's clock, on line: hourly readings, tokens, water; what it needs of heap and flash."""
    board = online.board
    await put_boot(board, 86400 // _DAY_S)
    await online.start()
    await online.logged("link up", timeout_s=300)
    begin = await board.do("state")
    meters = meters_of(online)
    for i in range(max(_EVENTS, len(meters))):
        await online.sell(meters[i % len(meters)])
        await board.do("pulses", channel=channels(online), count=_PULSES, closed_ms=_PULSE_MS, open_ms=_PULSE_MS)
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


PARTS = {"signing": _signing, "hand": hand, "stalls": _stalls, "day": _day, "aged": aged}
_BOARDS = (("signing", "hand", "stalls", "day"), ("aged",))  # each a new one: a day leaves credit, and an open valve


async def measure(parts: list[str]) -> list[Row]:
    """These parts; each says when it is done."""
    rows: list[Row] = []
    for names in ([name for name in board if name in parts] for board in _BOARDS):
        if names:
            rows += await _of_a_new_board(names)
    return rows


async def _of_a_new_board(parts: list[str]) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        async with _enrolled(Path(folder)) as online:
            for part in parts:
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
