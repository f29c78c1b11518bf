"""Eight meters at 20 pulses a second each, with a key pressed every 100 ms that types tokens: what of it gets lost.

The firmware's own tasks and drivers run on the simulated board, frozen into a 32-bit MicroPython with the heap of a
small board, or from source text where that cannot be built.
"""

from tests.bench import device, household
from tests.bench.rows import Row

_SCRIPT = "tests.bench.burst_device"
_SECONDS = 35
_TICK_MS = 100
# An RP2040 takes 45 ms for a block of SHA-512 in Python, a core of a PC about a hundredth of it.
_BOARD_SLOWER = 100
_BOARD_FLASH_MS = 60  # a sector is erased (45 ms, W25Q16JV, typical) and its old contents are written again


def measure() -> list[Row]:
    """The burst by a clock of its own: at the speed of this machine, and at that of a board."""
    here = _run("1", "0")
    board = _run(str(_BOARD_SLOWER), str(_BOARD_FLASH_MS))
    return [
        *_rows("burst", here),
        Row("burst: longest tick, of its 100 ms", here["tick_ms"] / _TICK_MS, "ratio", 0.5, "lower"),
        Row("burst: free heap, with all tasks, drivers and the world", here["free"], "bytes", None, "higher"),
        Row(f"burst, {_BOARD_SLOWER} times slower: pulses lost", board["pulses_lost"], "pulses", 0, "lower"),
        Row(f"burst, {_BOARD_SLOWER} times slower: keys lost", board["keys_lost"], "keys", None, "lower"),
    ]


def real_time() -> list[Row]:
    """The same by the wall clock."""
    told = _run()
    return [
        *_rows("burst by the wall clock", told),
        Row("burst by the wall clock: longest tick", told["tick_ms"], "ms", None, "lower"),
        Row("burst by the wall clock: longest tick, of its 100 ms", told["tick_ms"] / _TICK_MS, "ratio", None, "lower"),
    ]


def _run(*slowness: str) -> dict[str, float]:
    return device.run_as_board(_SCRIPT, *household.fresh("flash-burst"), str(_SECONDS), *slowness)


def _rows(name: str, told: dict[str, float]) -> list[Row]:
    sent = f"{told['pulses']:.0f} pulses, {told['keys']:.0f} keys, {told['charges']:.0f} charges"
    assert told["charges"] and told["checkpoints"], "the burst holds a charge and a checkpoint"
    return [
        Row(f"{name}: pulses lost ({sent})", told["pulses_lost"], "pulses", 0, "lower"),
        Row(f"{name}: keys lost", told["keys_lost"], "keys", 0, "lower"),
        Row(f"{name}: tokens not accepted of {told['tokens']:.0f}", told["tokens"] - told["accepted"], "", 0, "lower"),
    ]
