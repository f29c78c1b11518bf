"""Runs a measuring script under MicroPython and reads its `name value` lines."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MICROPYTHON = ROOT / "build" / "micropython" / "micropython"
MICROPYTHON32 = ROOT / "build" / "micropython32" / "micropython"
FROZEN = ROOT / "build" / "micropython32" / "penstock"  # with shared/, firmware/ and the scripts frozen into it
WORK = ROOT / "build" / "bench"
_BOARD_HEAP = "192K"
_WIDE_HEAP = "2M"  # of 64-bit words, and the code is in it


def run(module: str, *options: str, program: Path = MICROPYTHON) -> dict[str, float]:
    """What the script printed, by name; CalledProcessError with its traceback on the terminal when it fails."""
    return _run([str(program), *options, "-m", module], ROOT, {})


def is_frozen() -> bool:
    """Whether run_as_board() measures what a board has; else it measures source text on 64 bits."""
    return FROZEN.exists()


def run_as_board(module: str, *arguments: str, heap: str = _BOARD_HEAP) -> dict[str, float]:
    """The same for a script that is frozen into the 32-bit program, by default with the heap of a small board.

    It works in build/bench/, where no source text could be imported instead of what is frozen.
    """
    program, path = FROZEN, ".frozen"
    if not is_frozen():
        program, heap, path = MICROPYTHON, _WIDE_HEAP, f".frozen:{ROOT}:{ROOT}/build/micropython/lib"
    WORK.mkdir(parents=True, exist_ok=True)
    return _run([str(program), "-X", f"heapsize={heap}", "-m", module, *arguments], WORK, {"MICROPYPATH": path})


def _run(command: list[str], folder: Path, settings: dict[str, str]) -> dict[str, float]:
    environment = {**os.environ, **settings}
    printed = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in printed.splitlines())}
