"""A utility whose meters are billed: days go by at devices, commands are carried out, the books are checked."""

import asyncio
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.billing import crediting, policies, runs, settling
from cloud.billing.models import Bill, BillPayment, BillReopening, BillRun, BillSettlement, OpenBill
from cloud.billing.policies import NewPolicy
from cloud.billing.settling import Tendered
from cloud.billing.worker import Billing
from cloud.books.models import BookAccount, BookPosting
from cloud.books.reports import left_over, trial_balance
from cloud.commands.dispatcher import Dispatcher
from cloud.db import Database
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters import service as meters
from cloud.meters.models import Meter
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff
from cloud.tariffs.terms import CONSUMPTION, FIXED, VOLUME, Block, Tax, Terms
from shared import documents, kinds
from shared.civil import DAY_S
from tests.fakes.device import Device
from tests.fakes.utility import Town

ANNA = Actor(label="anna", utility_id=None, scopes=SCOPES, person_id=1)
BEN = Actor(label="ben", utility_id=None, scopes=SCOPES, person_id=2)
TERMS = Terms(
    CONSUMPTION,
    (Block(6_000_000, 10_000_000), Block(None, 25_000_000)),
    fixed_month_minor=3_000,
    taxes=(Tax("VAT", 160, (VOLUME, FIXED)),),
)
MONTH_BEGIN = 1_751_328_000  # 2025-07-01 00:00 UTC, the utility's zone


class TownClock:
    """The time of a town."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def now(self) -> int:
        return self._town.now


class Village(Town):
    """One utility with a class for bills; its devices' clocks stand at midnight between two calls."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, MONTH_BEGIN - DAY_S // 2)
        self.mode = kinds.MODE_CREDIT
        self.refuses = 0
        self.ingest = Ingest(database, self.key_store)
        self.waiting = asyncio.Event()
        clock = TownClock(self)
        self.billing = Billing(database, clock, self.waiting)
        self.sent: list[tuple[int, bytes]] = []
        self.dispatcher = Dispatcher(database, self.key_store, clock, self._publish, self.waiting)

    async def found(self) -> "Village":
        await super().found()
        async with self.database.begin() as session:
            tariff = Tariff(
                utility_id=self.utility,
                name="billed",
                commodity="water",
                currency="KES",
                price_minor_per_m3=None,
                created_at=self.now,
            )
            session.add(tariff)
            await session.flush()
            self.billed = tariff.id
            await versions.begin(session, ANNA, tariff, TERMS, self.now)
        return self

    def _meter_order(self, gateway: int, channel: int, mode: int = 0) -> Any:
        order = super()._meter_order(gateway, channel, self.mode)
        tariff = self.billed if self.mode & kinds.MODE_CREDIT else self.tariff
        return meters.NewMeterOrder(**{**vars(order), "mode": self.mode, "tariff_id": tariff})

    async def _publish(self, gateway: int, data: bytes) -> None:
        self.sent.append((gateway, data))

    async def billed_device(self) -> Device:
        """A device with one meter in credit mode, whose ledger is taken in."""
        device = await self.device()
        await self.talk(device)
        return device

    async def talk(self, device: Device) -> None:
        """Carry what the device has, and carry out what it is ordered, until there is nothing more."""
        await self._carry(device, device.hello())
        for _ in range(20):
            while device.acknowledged < device.sequence:
                await self._carry(device, device.batch())
            self.sent.clear()
            await self.dispatcher.round()
            mine = [data for gateway, data in self.sent if gateway == device.gateway]
            if not mine:
                return
            for data in mine:
                what, command = device.receive(data)
                assert what == "command"
                carry_out(device, command, self.refuses)

    async def _carry(self, device: Device, data: bytes) -> None:
        outcome = await self.ingest.process([Message(device.gateway, data, self.now)], self.now)
        for reply in outcome.replies:
            device.receive(reply.data)

    def days(self, device: Device, count: int, a_day_ml: int, channel: int = 0) -> None:
        """Let so many days go by at a device, each closed at its midnight; nothing flows through a closed valve."""
        for _ in range(count):
            device.clock_s = (device.clock_s // DAY_S + 1) * DAY_S
            device.drive(channel)
            if a_day_ml and not device.state.meters[channel].is_shut():
                device.charge(channel, a_day_ml)
            device.write(kinds.DAY, channel, detail=device.clock_s // DAY_S - 1, rule=kinds.RULE_DAY)
        self.now = max(self.now, device.clock_s + 60)

    async def month(self, device: Device, a_day_ml: int, days: int = 31) -> None:
        """Days that are heard of."""
        self.days(device, days, a_day_ml)
        await self.talk(device)

    async def run(self, through_day: int, release: bool = True, cycle: int = 1) -> int:
        """A run through a day: begun, counted, and released by another person; its id."""
        async with self.database.begin() as session:
            run = await runs.begin(session, ANNA, self.utility, cycle, through_day, self.now)
        await self.billing.work_due()
        if release:
            async with self.database.begin() as session:
                await release_seen(session, BEN, run.id, self.now)
            await self.billing.work_due()
        return run.id

    async def pay(self, amount_minor: int, key: str, customer: int = 0) -> BillPayment:
        """Pay bills in cash."""
        wanted = Tendered(key, customer or self.customer, "cash", amount_minor, "KES")
        async with self.database.begin() as session:
            return await settling.pay(session, ANNA, wanted, self.now)

    async def credit(self, bill_id: int) -> Bill:
        """A bill that one person asks to be taken back, and another approves; the note."""
        async with self.database.begin() as session:
            asked = await crediting.ask(session, ANNA, bill_id, "chance", self.now)
            row = await crediting.approve(session, BEN, asked.id, self.now)
            return await session.get_one(Bill, row.note_id)

    async def decide_policy(self, **changes: Any) -> None:
        """A billing policy that two people want."""
        fields: dict[str, Any] = {
            "utility_id": self.utility,
            "due_days": 14,
            "reminder_days": (-3, 7),
            "trickle_days": 10,
            "disconnect_days": 30,
            "floor_minor": 100,
            "reason": "r",
        }
        async with self.database.begin() as session:
            row = await policies.submit(session, ANNA, NewPolicy(**{**fields, **changes}), self.now)
            await policies.decide(session, BEN, row.id, True, self.now)

    async def bills(self) -> list[Bill]:
        """Every bill and credit note."""
        async with self.database.read() as session:
            return list(await session.scalars(select(Bill).order_by(Bill.id)))

    async def meter(self, device: Device, channel: int = 0) -> Meter:
        """The meter on a channel."""
        async with self.database.read() as session:
            mine = (Meter.gateway_id == device.gateway, Meter.channel == channel)
            return (await session.scalars(select(Meter).where(*mine))).one()

    async def holds(self, code: str) -> int:
        """What an account of the books holds, debits above zero."""
        async with self.database.read() as session:
            mine = select(func.sum(BookPosting.amount)).join(BookAccount, BookAccount.id == BookPosting.account_id)
            named = (BookAccount.code == code, BookAccount.utility_id == self.utility)
            return int(await session.scalar(mine.where(*named)) or 0)

    async def check(self) -> None:
        """What must hold after every step: the books balance, what is receivable is what bills are open for, no bill is
        settled beyond its total, and numbers have no gap."""
        async with self.database.read() as session:
            balances = await trial_balance(session, ANNA, self.utility)
            assert not any(left_over(balances).values()) and all(one.holds for one in balances)
            found = {row.id: row for row in await session.scalars(select(Bill))}
            left = {bill.id: bill.total_minor for bill in found.values() if bill.corrects_id is None}
            for row in await session.scalars(select(BillSettlement)):
                left[row.bill_id] -= row.amount_minor
            for again in await session.scalars(select(BillReopening)):
                left[again.bill_id] += again.amount_minor
            opened = {row.bill_id: row.left_minor for row in await session.scalars(select(OpenBill))}
            sums = await settling.open_sums(session, self.utility)
        assert opened == {bill_id: amount for bill_id, amount in left.items() if amount}
        customers = {bill.customer_id for bill in found.values()}
        owed = sum([await self.holds(f"receivable:{customer}") for customer in customers])
        assert owed == sum(left.values()) == sums.get("KES", 0)
        assert [bill.number for bill in found.values()] == list(range(1, len(found) + 1))


async def release_seen(session: AsyncSession, actor: Actor, run_id: int, now: int) -> BillRun:
    """Release a run as it was counted."""
    seen = (await runs.of_id(session, actor, run_id)).content_sha256
    return await runs.release(session, actor, run_id, seen, now)


def carry_out(device: Device, command: dict[str, Any], refuses: int = 0) -> None:
    """Write a command's entry and its effect: a mode, or an adjustment; with `refuses`, only that result."""
    kind = command["kind"]
    if refuses:
        device.write(kinds.COMMAND, reference_a=command["counter"], detail=kind << 8 | refuses)
        return
    device.write(kinds.COMMAND, reference_a=command["counter"], detail=kind << 8 | 1, group_left=1)
    if kind == documents.COMMAND_MODE:
        told = documents.MODE_PAYLOAD.decode(command["payload"])
        effect = {"detail": told["mode"], "reference_a": told["group"]}
        device.write(kinds.MODE, told["channel"], rule=kinds.RULE_COMMAND, **effect)
        return
    assert kind == documents.COMMAND_ADJUST, f"this device carries out no command {kind}"
    told = documents.ADJUST_PAYLOAD.decode(command["payload"])
    balance = device.state.meters[told["channel"]].pots[told["pot"]] + told["delta"]
    moved = {"pot": told["pot"], "delta": told["delta"], "balance": balance, "reference_a": command["counter"]}
    device.write(kinds.GRANT, told["channel"], rule=kinds.RULE_COMMAND, detail=kinds.GRANT_ADJUSTMENT, **moved)
