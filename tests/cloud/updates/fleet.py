"""A utility with gateways of one board, a release for them, and devices that carry updates out as they are told."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.commands.dispatcher import Dispatcher
from cloud.db import Database
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.updates import releases, rollouts
from cloud.updates.models import Release, Rollout, RolloutGateway
from cloud.updates.worker import Updates
from shared import command_results as results
from shared import documents, kinds
from tests.fakes.device import Device
from tests.fakes.utility import Town
from tools import release

BOARD = "rp2_pico_ppp"
VERSION = 0x01000000
ASKS = Actor(label="asks", utility_id=None, scopes=SCOPES, person_id=1)
STARTS = Actor(label="starts", utility_id=None, scopes=SCOPES, person_id=2)
TERMS: dict[str, Any] = {
    "waves": [{"gateways": 1}, {"percent": 50}, {"percent": 100}],
    "kept_percent": 90,
    "failure_percent": 10,
    "wave_s": 7200,
    "soak_s": 600,
    "silent_s": 3600,
    "reason": "test",
}
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
IMAGES = (bytes(range(256)) * 40, bytes(range(255, -1, -1)) * 41)


def manifest(key: Ed25519PrivateKey = KEY, version: int = VERSION, **changes: Any) -> bytes:
    """A signed manifest over IMAGES."""
    terms = {"board": BOARD, "minimum": 0x00010000, "images": IMAGES}
    return release.signed(key, version=version, **{**terms, **changes})


@dataclass
class Fleet:
    """`devices` by gateway. `now` is the time of all."""

    town: Town
    devices: dict[int, Device] = field(default_factory=dict)
    sent: list[tuple[int, bytes]] = field(default_factory=list)

    @classmethod
    async def found(cls, database: Database, gateways: int) -> "Fleet":
        """Enrol this many gateways with a meter each."""
        fleet = cls(await Town(database).found())
        for _ in range(gateways):
            device = await fleet.town.device()
            fleet.devices[device.gateway] = device
        fleet.ingest = Ingest(database, fleet.town.key_store)
        fleet.updates = Updates(database, fleet, asyncio.Event())
        fleet.dispatcher = Dispatcher(database, fleet.town.key_store, fleet, fleet._publish, asyncio.Event())
        for device in fleet.devices.values():
            await fleet.hear(device, device.hello(), device.batch())
        return fleet

    ingest: Ingest = field(init=False)
    updates: Updates = field(init=False)
    dispatcher: Dispatcher = field(init=False)

    def now(self) -> int:
        """The time."""
        return self.town.now

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.town.now += seconds
        for device in self.devices.values():
            device.clock_s = self.town.now

    async def _publish(self, gateway: int, data: bytes) -> None:
        self.sent.append((gateway, data))

    async def hear(self, device: Device, *data: bytes) -> list[bytes]:
        """Hand uplinks to the ingest; what it answers."""
        messages = [Message(device.gateway, one, self.town.now) for one in data]
        outcome = await self.ingest.process(messages, self.town.now)
        for reply in outcome.replies:
            if documents.tag_of(reply.data) != b"PSupchk1":
                device.receive(reply.data)
        return [reply.data for reply in outcome.replies]

    async def release(self, **changes: Any) -> Release:
        """A release with its images."""
        database = self.town.database
        async with database.begin() as session:
            made = await releases.add(session, ASKS, PUBLIC, manifest(**changes), "", self.town.now)
            for image in IMAGES:
                await releases.add_image(session, ASKS, made.id, image, self.town.now)
            return made

    async def rollout(self, release_id: int, gateways: list[int] | None = None, **changes: Any) -> int:
        """A rollout that two people want; its id."""
        terms = {**TERMS, **changes, "utility_id": self.town.utility, "release_id": release_id}
        async with self.town.database.begin() as session:
            made = await rollouts.ask(session, ASKS, gateways=gateways, terms=terms, now=self.town.now)
            number = made.id
        async with self.town.database.begin() as session:
            await rollouts.approve(session, STARTS, number, self.town.now)
        return number

    async def look(self, rollout_id: int) -> tuple[Rollout, dict[int, RolloutGateway]]:
        """The rollout, and its gateways."""
        async with self.town.database.read() as session:
            rollout = await rollouts.of_id(session, ASKS, rollout_id)
            rows = await rollouts.members(session, rollout_id, _ALL)
            return rollout, {row.gateway_id: row for row in rows}

    async def step(self) -> list[int]:
        """The worker and the dispatcher look once; the gateways that got an update's command."""
        await self.updates.round()
        self.sent.clear()
        await self.dispatcher.round()
        await self.updates.round()
        told = []
        for gateway, data in self.sent:
            command = self.devices[gateway].receive(data)[1]
            if command["kind"] == documents.COMMAND_UPDATE:
                told.append(gateway)
                self.orders[gateway] = command
        return told

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)

    async def answer(self, gateway: int, result: int = results.DONE) -> None:
        """The device carries the command out, or refuses it."""
        device, command = self.devices[gateway], self.orders[gateway]
        detail = command["kind"] << 8 | result
        device.write(kinds.COMMAND, rule=kinds.RULE_COMMAND, reference_a=command["counter"], detail=detail)
        await self.hear(device, device.batch())

    async def say(
        self, gateway: int, stage: int, reason: int = 0, version: int = VERSION, minimum: int = 0x00010000
    ) -> None:
        """The device writes how far its update is."""
        device = self.devices[gateway]
        values = {"reference_a": version, "reference_b": minimum if stage == kinds.UPDATE_KEPT else 7}
        device.write(kinds.UPDATE, rule=kinds.RULE_UPDATE, detail=reason << 8 | stage, **values)
        await self.hear(device, device.batch())

    async def keep(self, gateway: int) -> None:
        """A device goes through its whole update."""
        await self.answer(gateway)
        await self.say(gateway, kinds.UPDATE_TRIAL)
        await self.say(gateway, kinds.UPDATE_KEPT)
        await self.hear(self.devices[gateway], self.devices[gateway].hello(firmware=VERSION))

    async def roll_back(self, gateway: int) -> None:
        """A device tries the release and goes back."""
        await self.answer(gateway)
        await self.say(gateway, kinds.UPDATE_TRIAL)
        await self.say(gateway, kinds.UPDATE_ROLLED_BACK, kinds.UPDATE_NO_SYNC)


class OfBoard(Device):
    """A device that says another board when it is enrolled, or none."""

    def __init__(self, board: str | None) -> None:
        super().__init__()
        self.board = board


async def enrol(fleet: Fleet, board: str | None) -> int:
    """A further gateway; its number."""
    device = await fleet.town.enrol(await fleet.town.gateway(), OfBoard(board))
    fleet.devices[device.gateway] = device
    await fleet.hear(device, device.hello(), device.batch())
    return device.gateway


async def replace(fleet: Fleet, gateway: int, board: str | None = BOARD) -> None:
    """The gateway gets a new device."""
    fleet.devices[gateway] = device = await fleet.town.enrol(gateway, OfBoard(board))
    await fleet.hear(device, device.hello(), device.batch())


def image_ids() -> list[bytes]:
    """The names of IMAGES in requests."""
    return [hashlib.sha256(image).digest()[:8] for image in IMAGES]


class _All:
    after = 0
    limit = 10_000


_ALL: Any = _All()
