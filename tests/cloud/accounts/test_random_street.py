"""Random years of a street: people move, meters are swapped and die, the cloud crashes; nothing is lost."""

import os
import random
from collections import Counter

from sqlalchemy import select

from cloud.accounts import closing, opening, refund_orders, statement, swap
from cloud.accounts.change_models import LISTED, MeterSwap, RefundOrder
from cloud.accounts.closing import NewClosing
from cloud.accounts.models import Account, Customer, MeterStay
from cloud.accounts.opening import Billing, NewCustomer, Opening
from cloud.accounts.swap import NewSwap
from cloud.commands.orders import Limits
from cloud.decided import WAITING
from cloud.ledger.models import Verdict
from cloud.meters.models import Meter
from cloud.vending import debts
from cloud.vending.debts import NewDebt
from cloud.vending.sale_models import PaymentDebt
from shared import kinds
from tests.cloud.accounts.street import ANN, BOB, Street

LONG = bool(os.environ.get("PENSTOCK_LONG"))
STEPS = 150 if LONG else 30
LIMITS = Limits(volume_ml=4_000_000, money=0)
REFUND_LIMIT = 30_000
SILENT_S = 2 * 3600


class Years:
    """A street and what a bystander knows of it: which meters live, which are dead, and the places."""

    def __init__(self, street: Street, chance: random.Random) -> None:
        self.street, self.chance = street, chance
        self.town = street.town
        self.dead: set[str] = set()

    async def begin(self) -> None:
        for _ in range(3):
            await self.street.house()

    async def meters(self) -> list[Meter]:
        """The meters that stay at places."""
        async with self.town.database.read() as session:
            here = select(Meter).join(MeterStay, MeterStay.meter_id == Meter.id).where(MeterStay.to_at.is_(None))
            return list(await session.scalars(here.order_by(Meter.id)))

    async def some(self, *, lived_in: bool) -> Meter | None:
        found = [meter for meter in await self.meters() if (meter.account_id is not None) == lived_in]
        return self.chance.choice(found) if found else None

    async def step(self) -> None:
        self.town.now += self.chance.choice((60, 3600, 86_400))
        for drn in self.street.devices:
            if drn not in self.dead:
                await self.street.talk(drn)
        does = (self.buy, self.buy, self.use, self.use, self.draw, self.swap, self.end, self.enter, self.owe, self.pay)
        await self.chance.choice(does)()
        for drn in self.street.devices:
            if drn not in self.dead:
                await self.street.talk(drn)

    async def buy(self) -> None:
        meter = await self.some(lived_in=True)
        if meter is not None:
            await self.street.sell(meter.drn, 100_000 * self.chance.randint(1, 60))

    async def use(self) -> None:
        meter = await self.some(lived_in=True)
        if meter is not None:
            unused = await self.street.unused(meter.drn)
            await self.street.use(meter.drn, self.chance.sample(unused, self.chance.randint(0, len(unused))))

    async def draw(self) -> None:
        for meter in await self.meters():
            credit = self.street.credit(meter.drn)
            if credit > 1:
                await self.street.draw(meter.drn, self.chance.randint(1, credit))

    async def swap(self) -> None:
        meter = await self.some(lived_in=self.chance.random() < 0.8)
        if meter is None:
            return
        new = await self.street.house(customer=False, enrol=self.chance.random() < 0.7)
        dies = self.chance.random() < 0.3
        if dies:
            self.dead.add(meter.drn)
            self.town.now += SILENT_S
        wanted = NewSwap(meter.drn, new, "last_verified" if dies else "ledger", "worn out")
        row = await self._ask_swap(wanted)
        if row.state == WAITING:
            row = await self._approve_swap(row)
        if new not in self.street.devices:
            await self.street.enrol(new)
            async with self.town.database.begin() as session:
                await swap.carry(session, self.town.key_store, ANN, row.id, self.town.now)

    async def _ask_swap(self, wanted: NewSwap) -> MeterSwap:
        moment = self._moment()
        while True:
            async with self.street.crash(moment) as ended, self.town.database.begin() as session:
                row = await swap.ask(session, self.town.key_store, ANN, wanted, LIMITS, self.town.now)
            if ended[0]:
                return row
            moment = None

    async def _approve_swap(self, row: MeterSwap) -> MeterSwap:
        async with self.town.database.begin() as session:
            return await swap.approve(session, self.town.key_store, BOB, row.id, self.town.now)

    def _moment(self) -> int | None:
        return self.chance.choice((None, self.chance.randint(1, 60)))

    async def end(self) -> None:
        meter = await self.some(lived_in=True)
        if meter is None or meter.account_id is None:
            return
        refund = self.chance.random() < 0.5 and not await self.street.unused(meter.drn)
        wanted = NewClosing(meter.account_id, "refund" if refund else "place", False, "ledger", None, "moves out")
        async with self.town.database.begin() as session:
            row = await closing.ask(session, ANN, wanted, REFUND_LIMIT, self.town.now)
        if row.state == WAITING:
            async with self.street.crash(self._moment()) as ended, self.town.database.begin() as session:
                await closing.approve(session, BOB, row.id, self.town.now)
            if not ended[0]:
                async with self.town.database.begin() as session:
                    await closing.approve(session, BOB, row.id, self.town.now)

    async def enter(self) -> None:
        meter = await self.some(lived_in=False)
        if meter is None:
            return
        async with self.town.database.begin() as session:
            stay = (await session.scalars(select(MeterStay).where(MeterStay.meter_id == meter.id))).all()[-1]
            who = self.town.customer if self.chance.random() < 0.3 else NewCustomer("B", "fr", [])
            billing = Billing("prepayment", 0, critical_need=False, persons=None)
            wanted = Opening(self.town.utility, who, stay.service_point_id, None, self.town.tariff, billing)
            await opening.open_account(session, self.town.key_store, ANN, wanted, self.town.now)

    async def owe(self) -> None:
        async with self.town.database.begin() as session:
            customer = self.chance.choice(list(await session.scalars(select(Customer.id))))
            if await debts.open_of(session, customer, "KES", lock=False) is None:
                owed = NewDebt(customer, "KES", self.chance.randint(1, 50_000), 20, None, "pipes")
                await debts.add(session, ANN, owed, self.town.now)

    async def pay(self) -> None:
        async with self.town.database.begin() as session:
            for row in (await session.scalars(select(RefundOrder))).all():
                if row.state == WAITING:
                    await refund_orders.approve(session, BOB, row.id, self.town.now)
                elif row.state == LISTED:
                    await refund_orders.pay(session, ANN, row.id, "bank", f"T{row.id}", self.town.now)

    async def check(self) -> None:
        balances = await self.street.books()
        live = [drn for drn in self.street.devices if drn not in self.dead]
        states = [self.street.devices[drn].state.meters[0] for drn in live]
        held = sum(sum(state.pots) - 2 * state.pots[kinds.ACCUMULATED_DEBT] for state in states)
        assert balances.get("meter_credit:water", 0) == -held, "the books owe to meters what they hold"
        assert not {"granted:water", "carried:water", "unexplained:water"} & balances.keys()
        await self._check_rows(balances)

    async def _check_rows(self, balances: dict[str, int]) -> None:
        town = self.town
        async with town.database.read() as session:
            accounts = list(await session.scalars(select(Account).where(Account.closed_at.is_(None))))
            meters = list(await session.scalars(select(Meter).where(Meter.account_id.is_not(None))))
            orders = list(await session.scalars(select(RefundOrder).where(RefundOrder.state.in_((WAITING, LISTED)))))
            owed = Counter[int]()
            for debt in await session.scalars(select(PaymentDebt).where(PaymentDebt.closed_at.is_(None))):
                owed[debt.customer_id] += debt.principal_minor - debt.paid_minor
            verdicts = set(await session.scalars(select(Verdict.verdict)))
            for customer in await session.scalars(select(Customer.id)):
                said = await statement.of(session, ANN, customer, "KES", 0, 2**32 - 1)
                assert -said.closing.account_minor == balances.get(f"customer:{customer}", 0)
                assert said.closing.debt_minor == balances.get(f"debt:{customer}", 0) == owed[customer]
        assert {meter.account_id for meter in meters} == {account.id for account in accounts}
        assert {(account.id, account.customer_id) for account in accounts} == {
            (meter.account_id, meter.customer_id) for meter in meters
        }
        assert -sum(order.amount_minor for order in orders) == balances.get("refunds_payable", 0)
        assert verdicts <= {"explained"}


async def test_nobody_loses_anything_in_random_years(street: Street, chance: random.Random) -> None:
    years = Years(street, chance)
    await years.begin()

    for _ in range(STEPS):
        await years.step()
        await years.check()
