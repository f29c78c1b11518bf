"""A street of houses whose gateways speak the truth: what the cloud orders is carried out, and its ledger says so."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy import select

from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.books import reports as books
from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters import service as meters
from cloud.meters.models import Gateway, Meter
from cloud.reports import posting
from cloud.vending.models import Vend
from shared import documents, kinds
from tests.cloud.books.crashes import Crash, crashing
from tests.cloud.reports.ledgers import send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town

ANN = Actor("operator:ann", None, SCOPES, person_id=1)
BOB = Actor("operator:bob", None, SCOPES, person_id=2)


class Street:
    """A town, and the device of each meter by its number."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.devices: dict[str, Device] = {}

    async def house(self, *, customer: bool = True, enrol: bool = True) -> str:
        """Make a gateway with one meter, for the town's customer or for nobody; return the meter's number."""
        town = self.town
        async with town.database.begin() as session:
            row = await meters.add_gateway(session, ADMIN, town.utility, "g", town.now)
            order = town._meter_order(row.id, 0, 0)
            order = order if customer else replace(order, customer_id=None)
            drn = (await meters.add_meter(session, town.key_store, ADMIN, order, town.now)).drn
        if enrol:
            await self.enrol(drn)
        return drn

    async def enrol(self, drn: str) -> None:
        """Give a meter's gateway a device, which is heard at once."""
        gateway = (await self.meter(drn)).gateway_id
        self.devices[drn] = await self.town.enrol(gateway, Device())
        await self.talk(drn)

    async def talk(self, drn: str) -> None:
        """Let a gateway carry out what waits for it, and send its ledger."""
        device = self.devices[drn]
        device.clock_s = self.town.now
        await self._carry_out(device)
        await send(self.town, device)
        hello = Message(device.gateway, device.hello(), self.town.now)
        await Ingest(self.town.database, self.town.key_store).process([hello], self.town.now)

    async def _carry_out(self, device: Device) -> None:
        mine = select(Command).where(Command.gateway_id == device.gateway, Command.epoch == device.epoch)
        alive = mine.where(Command.status.in_(commands.OUTSTANDING), Command.expires_at > self.town.now)
        async with self.town.database.read() as session:
            for command in await session.scalars(alive.order_by(Command.counter)):
                sold = await session.get(Vend, command.vend_id) if command.vend_id else None
                self._effect(device, command, sold)

    def _effect(self, device: Device, command: Command, sold: Vend | None) -> None:
        done = {"reference_a": command.counter, "detail": command.kind << 8 | 1, "group_left": 1}
        device.write(kinds.COMMAND, **done)
        if sold is not None:
            device.token(0, sold.tid, sold.volume_ml, delivery=kinds.REMOTE)
            return
        assert command.kind == documents.COMMAND_ADJUST and command.payload is not None
        told = documents.ADJUST_PAYLOAD.decode(command.payload)
        balance = device.state.meters[0].pots[told["pot"]] + told["delta"]
        granted = {"detail": kinds.GRANT_ADJUSTMENT, "rule": kinds.RULE_COMMAND, "reference_a": command.counter}
        device.write(kinds.GRANT, 0, pot=told["pot"], delta=told["delta"], balance=balance, **granted)

    async def meter(self, drn: str) -> Meter:
        """The row of a meter."""
        async with self.town.database.read() as session:
            return (await session.scalars(select(Meter).where(Meter.drn == drn))).one()

    async def sell(self, drn: str, volume_ml: int = 5_000_000) -> list[Vend]:
        """Sell tokens for the keypad of a meter."""
        return list((await self.town.sell(self.devices[drn], volume_ml=volume_ml)).vends)

    async def use(self, drn: str, vends: list[Vend]) -> None:
        """Type tokens, and let the ledger say so."""
        for vend in vends:
            self.devices[drn].token(0, vend.tid, vend.volume_ml)
        await self.talk(drn)

    async def draw(self, drn: str, volume_ml: int) -> None:
        """Let water flow, and the ledger say so."""
        self.devices[drn].charge(0, volume_ml)
        await self.talk(drn)

    async def unused(self, drn: str) -> list[Vend]:
        """The tokens of a meter that were neither used nor voided."""
        number = (await self.meter(drn)).id
        mine = select(Vend).where(Vend.meter_id == number, Vend.consumed_by.is_(None), Vend.voided_at.is_(None))
        async with self.town.database.read() as session:
            return list(await session.scalars(mine.order_by(Vend.id)))

    def credit(self, drn: str) -> int:
        """What the device of a meter holds as token credit."""
        return self.devices[drn].balance(0)

    async def books(self) -> dict[str, int]:
        """Every account that is not at nothing, by its code, after all ledgers were posted; debits above zero."""
        town = self.town
        await posting.post_all(town.database, town.utility, town.now + 1, town.now)
        async with town.database.read() as session:
            found = await books.trial_balance(session, ADMIN, town.utility)
        assert not any(books.left_over(found).values())
        assert all(one.holds for one in found)
        return {one.account.code: one.balance for one in found if one.balance}

    @contextlib.asynccontextmanager
    async def crash(self, at: int | None) -> AsyncIterator[list[bool]]:
        """Yield a list that holds whether the block ended; it ends before the statement of this number."""
        ended = [False]
        try:
            with crashing(self.town.database.engine.sync_engine, at):
                yield ended
            ended[0] = True
        except Crash:
            pass

    async def gateway(self, drn: str) -> Gateway:
        """The gateway of a meter."""
        number = (await self.meter(drn)).gateway_id
        async with self.town.database.read() as session:
            return await session.get_one(Gateway, number)
