"""A town in a fresh database of each kind, the watchdog over it, an ingest, and a dispatcher."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from cloud.accounts.models import Customer
from cloud.commands.dispatcher import Dispatcher
from cloud.commands.models import Command
from cloud.db import Database
from cloud.ledger.messages import Message as Incoming
from cloud.ledger.models import Case
from cloud.ledger.service import Ingest
from cloud.notify.carriers import Carriers, single
from cloud.notify.delivery import Outbox
from cloud.notify.models import Message
from cloud.notify.provider import DeliveryFailed, Outgoing
from cloud.vending.models import Vend
from cloud.watchdog import stages
from cloud.watchdog.models import WatchedPurchase
from cloud.watchdog.rules import Limits
from cloud.watchdog.stages import Progress
from cloud.watchdog.worker import Watchdog
from tests.fakes.device import Device
from tests.fakes.utility import Town

HOUR_S = 3600


class Carrier:
    """A provider that remembers what it took, or takes nothing from some addresses."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.dead: set[str] = set()

    async def send(self, message: Outgoing) -> None:
        if message.address in self.dead:
            raise DeliveryFailed("no such number")
        self.taken.append(message)

    async def close(self) -> None:
        pass


class Watch:
    """Everything behind a sale, turned by hand."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.carrier = Carrier()
        carriers: Carriers = single(self.carrier)
        self.ingest = Ingest(town.database, town.key_store)
        self.outbox = Outbox(town.database, town.key_store, carriers, self)
        self.dog = Watchdog(town.database, town.key_store, carriers, self, Limits())
        self.dispatcher = Dispatcher(town.database, town.key_store, self, self._publish, asyncio.Event())
        self.published: list[bytes] = []

    def now(self) -> int:
        """The town's time."""
        return self.town.now

    async def _publish(self, _gateway: int, data: bytes) -> None:
        self.published.append(data)

    async def after(self, wait_s: int) -> None:
        """Let time pass, and the watchdog look."""
        self.town.now += wait_s
        await self.dog.find_late()
        await self.dog.heal_due()

    async def hear(self, device: Device, data: bytes) -> None:
        """The gateway sends something."""
        outcome = await self.ingest.process([Incoming(device.gateway, data, self.town.now)], self.town.now)
        for reply in outcome.replies:
            device.receive(reply.data)

    async def online(self) -> Device:
        """An enrolled device whose first entries are taken in."""
        device = await self.town.device()
        await self.hear(device, device.hello())
        await self.hear(device, device.batch())
        return device

    async def carry_out(self, device: Device, vend: Vend) -> None:
        """The device takes the command that was sent, which is the token of a vend."""
        await self.dispatcher.round()
        _, fields = device.receive(self.published[-1])
        device.carry_out(fields, 0, vend.tid, vend.volume_ml)
        await self.hear(device, device.batch())

    async def with_email(self) -> None:
        """The customer has an e-mail address, too."""
        async with self.town.database.begin() as session:
            mine = update(Customer).where(Customer.id == self.town.customer)
            await session.execute(mine.values(email="a@b.example"))

    async def progress(self, sale: Any) -> Progress:
        """How far a sale is."""
        async with self.town.database.read() as session:
            return await stages.of_purchase(session, sale.vend.purchase_id)

    async def watched(self) -> list[WatchedPurchase]:
        """What is watched."""
        return await self._all(WatchedPurchase)

    async def messages(self) -> list[Message]:
        """Messages with tokens."""
        return [one for one in await self._all(Message) if one.kind == "token"]

    async def commands(self) -> list[Command]:
        """Commands."""
        return await self._all(Command)

    async def cases(self) -> list[Case]:
        """Cases of purchases."""
        return [one for one in await self._all(Case) if one.kind == "purchase_stuck"]

    async def _all(self, table: Any) -> list[Any]:
        async with self.town.database.read() as session:
            return list(await session.scalars(select(table).order_by(table.id)))


@pytest.fixture
async def watch(any_database: Database) -> Watch:
    """A utility and its watchdog."""
    return Watch(await Town(any_database).found())
