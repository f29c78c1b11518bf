"""Starts the firmware on the simulated board, or what its argument names: a file, or "exec" for standard input.

Environment: SIM_FLASH is the directory that is the board's flash; SIM_PORT the world's port, and without it nothing is
plugged in; SIM_UNIQUE_ID and SIM_RESET_CAUSE as machine.py says. The working directory is the project's root.
"""

import os
import sys

sys.path[:] = ["", ".frozen", "build/micropython/lib", "tools/sim/device"]

import machine  # noqa: E402  the simulated one, by the path above
import vfs  # noqa: E402

from boards import sim  # noqa: E402
from tools.sim.device.disk import Disk  # noqa: E402


def prepare() -> None:
    """Put the board map and the flash where the firmware expects them, and plug the board into the world."""
    sys.modules["board"] = sim
    directory = os.getenv("SIM_FLASH")
    if not directory:
        raise SystemExit("SIM_FLASH is not set: name the directory that is the board's flash")
    vfs.mount(Disk(directory), sim.FLASH_DIRECTORY)
    if os.getenv("SIM_PORT"):
        machine.connect(int(os.getenv("SIM_PORT")))


def run(source: str) -> None:
    """Run Python as the main program of the board."""
    exec(source, {"__name__": "__main__"})


prepare()
if sys.argv[1:] == ["exec"]:
    run(sys.stdin.read())
elif sys.argv[1:]:
    with open(sys.argv[1]) as file:
        run(file.read())
else:
    from firmware import main

    main.run()
