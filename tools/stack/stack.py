"""Broker, cloud and gateways of one installation in one folder: what `make run`, `make demo` and the system tests use.

All state is in the folder, so a stop and a start go on where it was. Ports are given, or free ones are found once.
"""

import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.api import Api
from tools.authority import ensure
from tools.provision import provision
from tools.sim.process import GatewayProcess
from tools.sim.world import World
from tools.stack.seed import PULSE_VOLUME_ML, seed
from tools.stack.service import ROOT, Service, StackError, free_port, require_free, run_once

_PYTHON = sys.executable
_HEAP_BYTES = 1 << 20


@dataclass(frozen=True)
class Ports:
    """Where things listen on loopback."""

    cloud: int
    mqtt: int
    nats: int

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody uses now."""
        return cls(free_port(), free_port(), free_port())

    def require_free(self) -> None:
        """StackError names the first port that is taken."""
        require_free(self.cloud, "the cloud", "--cloud-port")
        require_free(self.mqtt, "the broker (MQTT)", "--mqtt-port")
        require_free(self.nats, "the broker (NATS)", "--nats-port")


@dataclass
class Site:
    """One gateway: the cloud's number and name for it, its board, and the world around that."""

    gateway_id: int
    name: str
    board: GatewayProcess
    world: World
    drns: dict[int, str]


class Stack:
    """`await open()`, then `broker`, `cloud` and `sites` may be stopped, killed and started as one likes; `close()`."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        self.ports = ports
        self.sink = folder / "messages.jsonl"
        self.sites: list[Site] = []
        self._tls = ensure(folder / "authority")
        self._key_file = folder / "operator.key"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.ports.cloud}"

    @property
    def ca(self) -> Path:
        return self._tls.ca

    @property
    def key(self) -> str:
        """The operator's API key, made at the first start; it stands in a file that only its owner reads."""
        return self._key_file.read_text(encoding="ascii").strip()

    def api(self) -> Api:
        """A client with the operator's key."""
        return Api(self.url, self.key, self.ca)

    async def open(self) -> None:
        """Start broker and cloud, make what is missing, enrol the gateways and give them power."""
        self.ports.require_free()
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._prepare()
        await self.broker.start()
        await self.cloud.start()
        async with self.api() as api:
            await self._make_sites(api)
            for site in self.sites:
                await self._enrol(api, site)
        for site in self.sites:
            await site.board.start()

    async def close(self) -> None:
        """Stop all in order; state stays in the folder."""
        for site in self.sites:
            await site.board.stop()
            await site.world.stop()
        if hasattr(self, "cloud"):
            await self.cloud.stop()
            await self.broker.stop()

    async def _prepare(self) -> None:
        """Configuration, key-encryption key, database and the first API key."""
        broker = self.folder / "broker"
        await run_once([_PYTHON, "-m", "cloud", "broker", "configure", str(broker)], self._environment())
        nats = str(Path(_PYTHON).with_name("nats-server"))
        self.broker = Service(
            "the broker", [nats, "-c", str(broker / "nats.conf")], self.ports.mqtt, self.folder / "broker.log"
        )
        kek = self.folder / "kek.hex"
        if not kek.exists():
            await run_once([_PYTHON, "-m", "cloud", "keystore", "new-kek", str(kek)], self._environment())
        await run_once([_PYTHON, "-m", "cloud", "migrate"], self._environment())
        if not self._key_file.exists():
            key = await run_once(
                [_PYTHON, "-m", "cloud", "api-key", "add", "tools", "--scopes", "administrator"], self._environment()
            )
            write_secret(self._key_file, key)
        self.cloud = Service(
            "the cloud",
            [_PYTHON, "-m", "cloud", "serve"],
            self.ports.cloud,
            self.folder / "cloud.log",
            self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        """The cloud's settings; secrets are in files."""
        return {
            "PENSTOCK_DATABASE_URL": f"sqlite:///{self.folder / 'penstock.db'}",
            "PENSTOCK_HTTP_PORT": str(self.ports.cloud),
            "PENSTOCK_TLS_CERT": str(self._tls.cloud),
            "PENSTOCK_TLS_KEY": str(self._tls.cloud_key),
            "PENSTOCK_KEK_FILE": str(self.folder / "kek.hex"),
            "PENSTOCK_AUDIT_HEADS_FILE": str(self.folder / "audit-heads.jsonl"),
            "PENSTOCK_NATS_URL": f"tls://127.0.0.1:{self.ports.nats}",
            "PENSTOCK_NATS_CA": str(self._tls.ca),
            "PENSTOCK_NATS_CREDENTIALS": str(self.folder / "broker" / "cloud.json"),
            "PENSTOCK_BROKER_CERT": str(self._tls.broker),
            "PENSTOCK_BROKER_KEY": str(self._tls.broker_key),
            "PENSTOCK_MQTT_PORT": str(self.ports.mqtt),
            "PENSTOCK_BROKER_CA": str(self._tls.ca),
            "PENSTOCK_SMS_SINK_FILE": str(self.sink),
            "PENSTOCK_RELEASE_KEY_FILE": str(ROOT / "boards" / "development_release_key.hex"),
        }

    async def _make_sites(self, api: Api) -> None:
        meters = await seed(api)
        for gateway in await api.items("/gateways"):
            drns = {m["channel"]: m["drn"] for m in meters if m["gateway_id"] == gateway["id"]}
            world = World(PULSE_VOLUME_ML)
            await world.start()
            place = self.folder / f"gateway-{gateway['id']}"
            board = GatewayProcess(place / "flash", world.port, place / "console.log", _HEAP_BYTES)
            self.sites.append(Site(gateway["id"], gateway["name"], board, world, drns))

    async def _enrol(self, api: Api, site: Site) -> None:
        """Once: a gateway that has an epoch keeps it."""
        gateway = await api.get(f"/gateways/{site.gateway_id}")
        if gateway["epoch"] == 0:
            await provision(api, site.board, site.gateway_id)


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner may read, there whole or not at all."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    part.replace(path)


@asynccontextmanager
async def running(folder: Path, ports: Ports) -> AsyncIterator[Stack]:
    """A stack for as long as the block lasts, also when it fails to start."""
    stack = Stack(folder, ports)
    try:
        await stack.open()
        yield stack
    finally:
        await stack.close()


__all__ = ["ROOT", "Ports", "Site", "Stack", "StackError", "running"]
