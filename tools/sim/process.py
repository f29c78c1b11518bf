"""The simulated board's power switch: starts, stops and kills the MicroPython process, and restarts it on a reset."""

import asyncio
import hashlib
import os
import signal
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MICROPYTHON = ROOT / "build" / "micropython" / "micropython"
MAIN = "tools/sim/device/main.py"

_RESET_STATUS = 64  # machine.reset(), see tools/sim/device/machine.py
_POWER_ON, _HARD_RESET, _WATCHDOG_RESET = 1, 2, 3
_RESET_CAUSES = {_RESET_STATUS: _HARD_RESET, -signal.SIGALRM: _WATCHDOG_RESET}
_RESTART_PAUSE_S = 0.2


class GatewayProcess:
    """One board on one flash directory, plugged into the world at a port; its output goes to a log file.

    As on a board, a reset that the firmware or its watchdog asks for starts it again; any other end leaves it off,
    and `status` tells why. program is a Python file to run there instead of the firmware.
    """

    def __init__(self, flash: Path, port: int, log: Path, heap_bytes: int = 16 << 20, program: str = "") -> None:
        self.flash = flash.resolve()
        self.port = port
        self.log = log
        self.status: int | None = None  # of the last end: negative is a signal
        self.resets = 0  # by the firmware or its watchdog
        self._heap_bytes = heap_bytes
        self._program = [program] if program else []
        self._unique_id = hashlib.sha256(str(self.flash).encode()).hexdigest()[:16]
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the board has power and the firmware has not ended."""
        return self._keeper is not None and not self._keeper.done()

    @property
    def pid(self) -> int | None:
        """The process of the moment."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Give the board power."""
        if self.running:
            raise RuntimeError("the board is running already")
        self.flash.mkdir(parents=True, exist_ok=True)
        await self._spawn(_POWER_ON)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ask the process to end (SIGTERM)."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Cut the power (SIGKILL): nothing that is not on flash survives."""
        await self._end(signal.SIGKILL)

    async def run(self, source: str) -> str:
        """Run Python on the board instead of the firmware, with nothing plugged in; return what it printed.

        The source goes through standard input, so a secret in it is in no process list. Raises RuntimeError.
        """
        if self.running:
            raise RuntimeError("stop the board first: two programs cannot share one flash")
        self.flash.mkdir(parents=True, exist_ok=True)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command("exec"), cwd=ROOT, env=self._environment({}), stdin=pipe, stdout=pipe, stderr=pipe
        )
        out, err = await process.communicate(source.encode())
        if process.returncode:
            last = (err.decode() + out.decode()).strip().splitlines()[-1:]
            raise RuntimeError(f"the board answered with an error: {''.join(last)}")
        return out.decode()

    def _command(self, *arguments: str) -> list[str]:
        return [str(MICROPYTHON), "-X", f"heapsize={self._heap_bytes}", MAIN, *arguments]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return {**os.environ, "SIM_FLASH": str(self.flash), "SIM_UNIQUE_ID": self._unique_id, **more}

    async def _spawn(self, cause: int) -> None:
        more = {"SIM_PORT": str(self.port), "SIM_RESET_CAUSE": str(cause)}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(*self._program),
                cwd=ROOT,
                env=self._environment(more),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started us: boards are stopped in order
            )

    async def _keep(self) -> None:
        while self._process is not None:
            self.status = await self._process.wait()
            cause = _RESET_CAUSES.get(self.status)
            if cause is None:
                return
            self.resets += 1
            await asyncio.sleep(_RESTART_PAUSE_S)
            await self._spawn(cause)

    async def _end(self, sign: signal.Signals) -> None:
        if self._keeper is None:
            return
        self._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeper
        self._keeper = None
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(sign)
            self.status = await self._process.wait()
