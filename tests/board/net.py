"""A board that reaches a real cloud by its modem, for the tests: what it logs, and what the cloud has of it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.board.conftest import Cloud, Enrolled
from tests.board.emulated import EmulatedBoard
from tests.board.modem.internet import Internet
from tests.board.modem.modem import Modem
from tools.authority import Paths
from tools.provision import provision
from tools.stack.stack import Ports

BROKER_HOST = "localhost"  # the name in the broker's certificate
BROKER_ADDRESS = "10.9.9.9"
VOLUME_ML = 5_000_000
_PRICE_MINOR = 1250
_LOOK_S = 0.2
_PATIENCE_S = 120


class NamedCloud(Cloud):
    """A cloud whose gateways look the broker up by its name."""

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"PENSTOCK_MQTT_HOST": BROKER_HOST}

    @property
    def authority(self) -> Paths:
        """The files of its authority."""
        return self._tls

    def first_meter(self) -> dict[str, Any]:
        """The one that a board gets: of a gateway that has no other, so that its keypad asks for none."""
        gateways = [meter["gateway_id"] for meter in self.meters]
        return next(meter for meter in self.meters if gateways.count(meter["gateway_id"]) == 1)


class Console:
    """What the board writes to its log, line by line, over USB."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def attach(self, board: EmulatedBoard) -> None:
        """Listen from now on; who attaches later has the line."""
        self._port = int(board.repl.rsplit(":", maxsplit=1)[1])
        self._task = asyncio.create_task(self._listen())

    async def detach(self) -> None:
        """Let somebody else have it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def count(self, text: str) -> int:
        """How many lines have a text."""
        return sum(text in line for line in self.lines)

    async def _listen(self) -> None:
        """For ever: a reset ends the connection."""
        rest = ""
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                while data := await reader.read(4096):
                    *lines, rest = (rest + data.decode(errors="replace")).split("\n")
                    self.lines += [line.strip() for line in lines]
            finally:
                writer.transport.abort()


class Online:
    """An enrolled board with a modem that leads to the broker."""

    def __init__(self, enrolled: Enrolled, cloud: Cloud, modem: Modem) -> None:
        self.board = enrolled.board
        self.api = enrolled.api
        self.meter = enrolled.meter
        self.enrolled = enrolled
        self.cloud = cloud
        self.modem = modem
        self.console = Console()

    @classmethod
    def of(cls, enrolled: Enrolled, cloud: Cloud, **modem: Any) -> "Online":
        """With a modem whose Internet has nothing but the broker."""
        port = cloud.ports.mqtt
        internet = Internet({BROKER_HOST: BROKER_ADDRESS}, {(BROKER_ADDRESS, port): port})
        return cls(enrolled, cloud, Modem(internet, **modem))

    async def start(self) -> None:
        """Switch the board on, with its modem plugged in, and let its time be that of the wall."""
        self._resets_before = (await self.board.do("power", on=False))["resets"]
        await self.board.do("speed", times=1)
        await self.modem.plug_in(self.board.uarts[0])
        await self.board.do("power", on=True)
        await self.console.attach(self.board)

    async def resets(self) -> int:
        """How often the chip has been reset since start()."""
        resets: int = (await self.board.do("state"))["resets"]
        return resets - self._resets_before

    async def stop(self) -> None:
        """Unplug it."""
        await self.console.detach()
        await self.modem.unplug()

    async def entries(self) -> list[dict[str, Any]]:
        """What the cloud has of the gateway's ledger."""
        return await self.api.items(f"/gateways/{self.meter['gateway_id']}/entries")

    async def sell(self, meter: dict[str, Any] | None = None) -> None:
        """Sell a token that the link delivers, to this meter or to the first."""
        tender = {"kind": "cash", "amount_minor": _PRICE_MINOR, "currency": "GHS"}
        drn = (meter or self.meter)["drn"]
        order = {"purchase_id": str(uuid.uuid4()), "drn": drn, "volume_ml": VOLUME_ML, "tender": tender}
        await self.api.post("/vends", order | {"delivery": "remote"})

    async def token_taken(self, count: int) -> bool:
        """Whether the cloud has so many token entries, and the gateway knows that it has."""
        entries = await self.entries()
        last = max(entry["sequence"] for entry in entries)
        tokens = sum(entry["kind"] == "token" for entry in entries)
        return tokens == count and self.console.count(f"acknowledged up to {last}") > 0

    async def logged(self, text: str, more_than: int = 0, timeout_s: int = _PATIENCE_S) -> None:
        """Wait for a line of the log."""
        await self.true(lambda: self._said(text, more_than), f"{text!r} is not in the log", timeout_s)

    async def true(
        self, condition: Callable[[], Awaitable[bool]], otherwise: str, timeout_s: int = _PATIENCE_S
    ) -> None:
        """Wait until something holds; AssertionError with the log when it does not in so much of the board's time."""
        end_ms = (await self.board.do("state"))["now_ms"] + timeout_s * 1000
        while not await condition():
            heard = f"{self.console.lines[-20:]}; modem: {self.modem.commands[-8:]}"
            assert (await self.board.do("state"))["now_ms"] < end_ms, f"{otherwise}: {heard}"
            assert not await self.resets(), f"the chip has reset: {heard}"
            await asyncio.sleep(_LOOK_S)

    async def _said(self, text: str, more_than: int) -> bool:
        return self.console.count(text) > more_than


@asynccontextmanager
async def at_a_cloud(board: EmulatedBoard, folder: Path, kind: type[NamedCloud] = NamedCloud) -> AsyncIterator[Online]:
    """A new board, enrolled at a cloud of its own whose files are in the folder; not started yet."""
    cloud = kind(folder, Ports.free())
    try:
        await cloud.open()
        async with cloud.api() as api:
            meter = cloud.first_meter()
            await board.make_file_system()
            await provision(api, board, meter["gateway_id"])
            online = Online.of(Enrolled(board, api, meter), cloud)
            yield online
            await online.stop()
    finally:
        await cloud.close()
