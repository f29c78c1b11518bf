"""A board at a serial port, reached by mpremote as an installer does. What is sent stands in no process list."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_HAS_FILE_SYSTEM = """
try:
    with open("/.there", "w"):
        pass
    import os
    os.remove("/.there")
    print("file system")
except OSError:
    print("none")
"""
_MAKE_FILE_SYSTEM = "import rp2, vfs\nvfs.VfsLfs2.mkfs(rp2.Flash(), progsize=256)\n"
_ENTER_NETWORK = """
import board
from firmware.drivers.flash import Flash
name = {{"wifi": "wifi", "ppp": "modem"}}.get(board.NETWORK)
if name:
    Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES).replace(name, {content!r})
print("entered", name)
"""
_PATIENCE_S = 600
# What mpremote and pyserial say, and what the person with the board in hand is to do.
_REMEDIES = {
    "failed to access": "cannot be opened: is the board plugged in, the port right, and no other program at it?",
    "could not enter raw repl": "does not answer as a board does: is the port right, our image on it? press its reset",
    "no module named 'firmware'": "has a board without Penstock: copy its image onto it first (boards/README.md)",
    "no module named 'board'": "has a board without Penstock: copy its image onto it first (boards/README.md)",
    "SerialException": "was lost midway: plug the board in and run the same command again",
    "Input/output error": "was lost midway: plug the board in and run the same command again",
}


class BoardError(RuntimeError):
    """The board could not be reached, or refused; one line that says why and what to do."""


class SerialBoard:
    """`port` as mpremote takes it: /dev/ttyACM0, COM3, socket://host:port."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._is_stopped = False

    async def run(self, source: str) -> str:
        """Run Python on the board, and return what it printed. BoardError if it failed or is not there."""
        with tempfile.TemporaryDirectory() as folder:  # a file that is still open cannot be read twice on Windows
            script = Path(folder) / "step.py"
            script.write_text(source, encoding="utf-8")
            out = await self._mpremote("run", str(script))
        self._is_stopped = True
        return out

    async def has_file_system(self) -> bool:
        """Whether files can be kept on the board."""
        return "file system" in await self.run(_HAS_FILE_SYSTEM)

    async def make_file_system(self) -> None:
        """Make a new file system, on an image of ours that never does so by itself; what was there is gone."""
        await self.run(_MAKE_FILE_SYSTEM)
        await self.reset()

    async def enter_network(self, lines: list[str]) -> None:
        """Keep what the board's network needs: WiFi's name and password, or a modem's APN, user, password and PIN."""
        if "entered None" in await self.run(_ENTER_NETWORK.format(content="\n".join(lines).encode())):
            raise BoardError("the network of this board needs no settings: leave --network-file out")

    async def reset(self) -> None:
        """Start the board afresh."""
        await self._mpremote("reset")
        self._is_stopped = False

    async def leave(self) -> None:
        """Start the board again if it was stopped: it may be a gateway that people draw from."""
        if self._is_stopped:
            with suppress(BoardError):
                await self.reset()

    async def _mpremote(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mpremote", "connect", self._port, *command,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_PATIENCE_S):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            raise BoardError(f"{self._port} has been silent for {_PATIENCE_S} s: press the board's reset") from None
        text = out.decode(errors="replace")
        if process.returncode:
            raise BoardError(self._in_a_line(text)) from RuntimeError(text)
        return text

    def _in_a_line(self, out: str) -> str:
        """What went wrong; what stands above the last line is where in somebody's code it was."""
        last = (out.strip().splitlines() or ["no reason given"])[-1]
        for words, remedy in _REMEDIES.items():
            if words in last:
                return f"{self._port} {remedy}"
        return last.split("Error: ")[-1]
