"""A board at a serial port, reached by mpremote as an installer does. What is sent stands in no process list."""

import asyncio
import sys
import tempfile

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
name = {{"wifi": "wifi", "ppp": "modem"}}[board.NETWORK]
Flash(board.FLASH_DIRECTORY, board.FLASH_CAPACITY_BYTES).replace(name, {content!r})
"""


class SerialBoard:
    """`port` as mpremote takes it: /dev/ttyACM0, COM3, socket://host:port."""

    def __init__(self, port: str) -> None:
        self._port = port

    async def run(self, source: str) -> str:
        """Run Python on the board, and return what it printed. RuntimeError if it failed or is not there."""
        with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
            script.write(source)
            script.flush()
            return await self._mpremote("run", script.name)

    async def has_file_system(self) -> bool:
        """Whether files can be kept on the board."""
        return "file system" in await self.run(_HAS_FILE_SYSTEM)

    async def make_file_system(self) -> None:
        """Make a new file system, on an image of ours that never does so by itself; what was there is gone."""
        await self.run(_MAKE_FILE_SYSTEM)
        await self.reset()

    async def enter_network(self, lines: list[str]) -> None:
        """Keep what the board's network needs: WiFi's name and password, or a modem's APN, user, password and PIN."""
        await self.run(_ENTER_NETWORK.format(content="\n".join(lines).encode()))

    async def reset(self) -> None:
        """Start the board afresh."""
        await self._mpremote("reset")

    async def _mpremote(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mpremote", "connect", self._port, *command,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(out.decode(errors="replace").strip())
        return out.decode()
