"""One child process with a port: started, waited for, stopped or killed; what it says goes to a log file."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_READY_S = 30.0
_STOP_S = 15.0
_PROBE_S = 0.05
_FIRST_PORT, _PORTS = 20000, 12000  # below those that systems give to clients
_numbers = itertools.count(os.getpid() * 97)  # processes side by side look in different places


class StackError(Exception):
    """The system cannot run; one line that says what is in the way and what to do."""


def free_port() -> int:
    """A TCP port of loopback that nothing uses now, and that this process was not given before."""
    for number in itertools.islice(_numbers, _PORTS):
        port = _FIRST_PORT + number % _PORTS
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise StackError(f"no port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} is free: stop what uses them")


def require_free(port: int, what: str, setting: str) -> None:
    """Raise StackError when something listens on a port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StackError(
                f"port {port} is in use, and {what} needs it: stop what listens there, or choose another with {setting}"
            ) from None


class Service:
    """`argv` with `environment` over that of this process; ready when something listens on `port`."""

    def __init__(
        self, name: str, argv: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.port = port
        self.log = log
        self._argv = argv
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and wait until it listens; StackError with the last line of its log when it does not."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop our children in order
            )
        try:
            async with asyncio.timeout(_READY_S):
                while not await self._listens():
                    await asyncio.sleep(_PROBE_S)
        except TimeoutError:
            await self.kill()
            raise StackError(f"{self.name} does not listen on port {self.port}: {self._last_words()}") from None

    async def stop(self) -> None:
        """Ask it to end (SIGTERM), and kill it when it does not."""
        if not self.running or self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        if self.running and self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def _listens(self) -> bool:
        if not self.running and self._process is not None:
            raise StackError(f"{self.name} ended with status {self._process.returncode}: {self._last_words()}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'it said nothing'} (all of it: {self.log})"


async def run_once(argv: Sequence[str], environment: Mapping[str, str], told: str = "") -> str:
    """Run a command to its end with `told` on its standard input; what it printed, or StackError with its last line."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env={**os.environ, **environment}, stdin=pipe, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate(told.encode())
    if process.returncode:
        last = (err.decode().strip() or out.decode().strip() or "no message").splitlines()[-1]
        raise StackError(f"{' '.join(argv[1:4])} failed: {last}")
    return out.decode()
