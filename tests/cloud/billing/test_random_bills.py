"""Months of random life: readings late, runs twice, payments repeated, crashes between any two statements, switches.

After each step the books balance, what is receivable is what the bills are open for, and no litre is billed twice.
"""

import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from cloud.auth.actor import system
from cloud.billing import runs, settling, switching
from cloud.billing.models import Bill, CreditSpan
from cloud.billing.settling import Plan
from cloud.billing.switching import Wanted
from cloud.db import Database
from cloud.errors import CloudError
from cloud.reports import reconciliation
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, BEN, Village, release_seen
from tests.cloud.books.crashes import Crash, crashing
from tests.cloud.ledger.books import cases
from tests.fakes.device import Device

STEPS = 500 if os.environ.get("PENSTOCK_LONG") == "1" else 80
HOMES = 3


class Life:
    """A village, its meters, and chance. `paid` has every payment that was answered."""

    def __init__(self, village: Village, chance: random.Random) -> None:
        self.village = village
        self.chance = chance
        self.devices: list[Device] = []
        self.paid: dict[str, int] = {}
        self.tried: list[tuple[str, int]] = []

    async def begin(self) -> None:
        for _ in range(HOMES):
            self.village.mode = self.chance.choice([0, kinds.MODE_CREDIT])
            device = await self.village.device()
            await self.village.talk(device)
            self.devices.append(device)
        await self.village.decide_policy(due_days=5, trickle_days=4, disconnect_days=9)

    async def may_crash(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Carry work out, and sometimes crash before one of its statements; None then, or when it is refused."""
        at = self.chance.randint(1, 60) if self.chance.random() < 0.5 else None
        try:
            with crashing(self.village.database.engine.sync_engine, at):
                return await work()
        except (Crash, CloudError):
            return None

    async def step(self) -> None:
        often = (self.flow, self.hear, self.work, self.run, self.release, self.review)
        seldom = (self.sell, self.pay, self.repeat, self.credit, self.switch, self.debt)
        await self.chance.choice(often * 3 + seldom)()

    async def flow(self) -> None:
        for device in self.devices:
            device.clock_s = max(device.clock_s, self.village.now // DAY_S * DAY_S)
        count, a_day = self.chance.choice([1, 2, 3, 9, 25]), self.chance.choice([0, 1_000, 137_000, 800_000])
        for device in self.devices:
            self.village.days(device, count, a_day)

    async def hear(self) -> None:
        """A gateway is heard; often the service works meanwhile, and it is heard again."""
        device = self.chance.choice(self.devices)
        await self.village.talk(device)
        for _ in range(self.chance.choice([0, 1, 3])):
            await self.village.billing.work_due()
            await self.village.talk(device)

    async def sell(self) -> None:
        device = self.chance.choice(self.devices)
        meter = await self.village.meter(device)
        if meter.payment == "credit" or meter.tariff_id == self.village.billed:  # a switch that is not carried on yet
            return
        sale = await self.village.sell(device, volume_ml=self.chance.choice([100_000, 2_000_000]))
        device.token(0, sale.vend.tid, sale.vend.volume_ml)

    async def run(self) -> None:
        through = self.village.now // DAY_S - self.chance.randint(1, 4)

        async def begin() -> None:
            async with self.village.database.begin() as session:
                run = await runs.begin(session, ANNA, self.village.utility, 1, through, self.village.now)
                if run.state in (runs.DRAFT, runs.RELEASED):
                    await runs.recount(session, ANNA, run.id, self.village.now)

        await self.may_crash(begin)

    async def release(self) -> None:
        async with self.village.database.read() as session:
            waiting = await runs.due(session, runs.DRAFT)
        for number in waiting:
            async with self.village.database.begin() as session:
                await release_seen(session, BEN, number, self.village.now)

    async def work(self) -> None:
        await self.may_crash(self.village.billing.work_due)

    async def pay(self) -> None:
        self.tried.append((f"key{len(self.tried)}", self.chance.choice([1, 99, 2_345, 40_000])))
        await self.send(*self.tried[-1])

    async def repeat(self) -> None:
        if self.tried:
            await self.send(*self.chance.choice(self.tried))

    async def send(self, key: str, amount: int) -> None:
        row = await self.may_crash(lambda: self.village.pay(amount, key))
        if row is not None:
            assert self.paid.setdefault(key, row.id) == row.id

    async def credit(self) -> None:
        bills = await self.village.bills()
        if not bills:
            return
        wanted = self.chance.choice(bills)
        await self.may_crash(lambda: self.village.credit(wanted.id))

    async def switch(self) -> None:
        meter = await self.village.meter(self.chance.choice(self.devices))
        payment, tariff = ("credit", self.village.billed)
        if meter.payment == "credit":
            payment, tariff = ("prepayment", self.village.tariff)

        async def ask() -> None:
            async with self.village.database.begin() as session:
                asked = await switching.ask(session, ANNA, meter.drn, Wanted(payment, tariff, 1, "r"), self.village.now)
                await switching.approve(session, BEN, asked.id, self.village.now)

        await self.may_crash(ask)

    async def review(self) -> None:
        await self.may_crash(self.village.billing.review)

    async def debt(self) -> None:
        async def turn() -> None:
            async with self.village.database.begin() as session:
                plan = Plan(50, None, "r")
                await settling.to_debt(session, ANNA, self.village.customer, "KES", plan, self.village.now)

        if self.chance.random() < 0.3:
            await self.may_crash(turn)

    async def settle_down(self) -> None:
        """Everybody is heard, everything is billed and paid."""
        for _ in range(3):
            for device in self.devices:
                self.village.days(device, 1, 5_000)
                await self.village.talk(device)
            await self.village.billing.work_due()
        await self.release()
        await self.village.billing.work_due()
        await self.village.run(self.village.now // DAY_S - 1)

    async def check(self) -> None:
        await self.village.check()
        async with self.village.database.read() as session:
            found = list(await session.scalars(select(Bill).order_by(Bill.id)))
            corrected = {bill.corrects_id for bill in found}
            for span in await session.scalars(select(CreditSpan)):
                mine = [bill for bill in found if bill.span_id == span.id and bill.corrects_id is None]
                standing = [bill for bill in mine if bill.id not in corrected]
                at, carried = span.from_register_ml, span.carried_ml
                for bill in standing:
                    assert bill.from_register_ml == at
                    assert bill.volume_ml == bill.until_register_ml - at + carried
                    at, carried = bill.until_register_ml, 0
                assert span.until_register_ml is None or at <= span.until_register_ml


async def live(village: Village, chance: random.Random) -> Life:
    life = Life(village, chance)
    await life.begin()
    for _ in range(STEPS):
        await life.step()
        await life.check()
    await life.settle_down()
    await life.check()
    return life


async def test_a_random_life_loses_and_makes_no_money(any_database: Database, chance: random.Random) -> None:
    village = await Village(any_database).found()

    life = await live(village, chance)

    paid = {key for key, _ in life.tried} & set(life.paid)
    cash = sum(amount for key, amount in life.tried if key in paid)
    assert await village.holds("cash") >= cash
    async with village.database.read() as session:
        ended = list(await session.scalars(select(CreditSpan).where(CreditSpan.until_day.is_not(None))))
    billed = await village.bills()
    corrected = {bill.corrects_id for bill in billed}
    for span in ended:
        mine = [bill for bill in billed if bill.span_id == span.id and bill.corrects_id is None]
        last = max((bill.until_register_ml for bill in mine if bill.id not in corrected), default=span.from_register_ml)
        assert last == span.until_register_ml
    village.now += DAY_S
    report = await reconciliation.run(village.database, system("test"), village.utility, None, village.now)
    assert [line["name"] for line in report.run.lines if line["unexplained"]] == []
    assert report.run.holds
    for device in life.devices:
        assert [case.detail for case in await cases(village, device)] == []
