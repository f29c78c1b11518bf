"""Runs a measuring script under MicroPython and reads its `name value` lines."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MICROPYTHON = ROOT / "build" / "micropython" / "micropython"
MICROPYTHON32 = ROOT / "build" / "micropython32" / "micropython"


def run(module: str, *options: str, program: Path = MICROPYTHON) -> dict[str, float]:
    """What the script printed, by name; CalledProcessError with its traceback on the terminal when it fails."""
    command = [str(program), *options, "-m", module]
    printed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in printed.splitlines())}
