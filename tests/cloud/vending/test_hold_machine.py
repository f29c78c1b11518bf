"""Random lives of held purchases: hold, confirm, cancel, expire, sell, void, whatever crashes in between.

After each step the books are those of the purchases that were not cancelled; at the end the day reconciles.
"""

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import floats
from cloud.agents.rules import Fraction
from cloud.auth.actor import system
from cloud.books import reports
from cloud.db import Database
from cloud.errors import Refused
from cloud.reports import reconciliation
from cloud.vending import releasing
from cloud.vending.hold_models import SaleHold
from cloud.vending.models import Vend
from cloud.vending.order import Order
from cloud.vending.sale_models import PaymentDebt, SaleRecord
from tests.cloud.agents.street import Street, seller
from tests.cloud.books.sales import charged, opened
from tests.fakes.utility import ADMIN, Town

CRASHES = st.none() | st.integers(1, 60)
MONEY = st.integers(1, 60_000)
VOLUMES = st.sampled_from([100_000, 2_000_000]) | st.integers(100_000, 4_000_000)
SMALL = st.integers(100_000, 1_000_000)
HOLD_S = 900
DAY_S = 86_400


class HeldLife(RuleBasedStateMachine):
    """One street in a database that other lives used before it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url)
        self.held: dict[str, Order] = {}
        self.sellers: dict[str, int | None] = {}
        self.ends: dict[str, str] = {}

    @initialize(fraction=st.tuples(st.integers(0, 9), st.integers(10, 1_000)), with_charges=st.booleans())
    def open(self, fraction: tuple[int, int], with_charges: bool) -> None:
        self.street: Street = self.runner.run(self._opened(fraction, with_charges))

    async def _opened(self, fraction: tuple[int, int], with_charges: bool) -> Street:
        shop = await opened(await Town(self.database).found())
        street = Street(await charged(shop) if with_charges else shop)
        await street.move(await street.add(Fraction(*fraction)), floats.TOP_UP, 150_000)
        return street

    @rule(by_agent=st.booleans(), volume=VOLUMES, money=MONEY, keep=st.booleans(), crash_at=CRASHES)
    def sell(self, by_agent: bool, volume: int, money: int, keep: bool, crash_at: int | None) -> None:
        self._order(by_agent, volume, money, keep, crash_at, held=False)

    @rule(by_agent=st.booleans(), volume=SMALL, more=st.integers(0, 9_000), keep=st.booleans(), crash_at=CRASHES)
    def hold(self, by_agent: bool, volume: int, more: int, keep: bool, crash_at: int | None) -> None:
        self._order(by_agent, volume, 21_000 + more, keep, crash_at, held=True)

    def _order(self, by_agent: bool, volume: int, money: int, keep: bool, crash_at: int | None, *, held: bool) -> None:
        plain = self.street.shop.order(volume, money, "account" if keep else "return")
        order = Order(**{**vars(plain), "hold_s": HOLD_S if held else 0})
        self.sellers[order.purchase_id] = self.street.agents[0] if by_agent else None
        with contextlib.suppress(Refused):
            if self.runner.run(self._sell(order, crash_at)) and held:
                self.held[order.purchase_id] = order

    async def _sell(self, order: Order, crash_at: int | None) -> bool:
        done = await self.street.sell(self.sellers[order.purchase_id], order, crash_at)
        if done and order.hold_s:
            assert set(self.street.shop.digits.pop(order.purchase_id)) == {""}
        return done

    @precondition(lambda self: self.held)
    @rule(data=st.data(), crash_at=CRASHES)
    def confirm(self, data: st.DataObject, crash_at: int | None) -> None:
        town, purchase_id = self.street.shop.town, data.draw(st.sampled_from(list(self.held)))

        async def work(session: AsyncSession) -> None:
            sale = await releasing.confirm(session, town.key_store, self._actor(purchase_id), purchase_id, town.now)
            assert all(len(token.digits) == 20 for token in sale.tokens)

        self._end(purchase_id, "released", work, crash_at)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), crash_at=CRASHES)
    def cancel(self, data: st.DataObject, crash_at: int | None) -> None:
        town, purchase_id = self.street.shop.town, data.draw(st.sampled_from(list(self.held)))

        async def work(session: AsyncSession) -> None:
            await releasing.cancel(session, self._actor(purchase_id), purchase_id, "r", town.now)

        self._end(purchase_id, "cancelled", work, crash_at)

    def _actor(self, purchase_id: str):  # type: ignore[no-untyped-def]
        agent = self.sellers[purchase_id]
        return ADMIN if agent is None else seller(agent)

    def _end(self, purchase_id: str, end: str, work, crash_at: int | None) -> None:  # type: ignore[no-untyped-def]
        was, done, refused = self.ends.get(purchase_id), False, ""
        try:
            done = self.runner.run(self.street.attempt(work, crash_at))
        except Refused as error:
            refused = error.code
        if done:
            self.ends[purchase_id] = end
        assert refused in ("", was or "hold_expired")
        if done or refused:  # neither, where it crashed
            assert bool(refused) == (was not in (None, end)) or refused == "hold_expired"
        assert was in (None, self.ends.get(purchase_id))

    @rule(wait_s=st.sampled_from([1, 300, HOLD_S]), crash_at=CRASHES)
    def expire(self, wait_s: int, crash_at: int | None) -> None:
        town = self.street.shop.town
        town.now += wait_s

        async def late() -> list[str]:
            async with self.database.read() as session:
                return [one for one in await releasing.expired(session, town.now, 10_000) if one in self.held]

        for purchase_id in self.runner.run(late()):
            assert purchase_id not in self.ends

            async def work(session: AsyncSession, purchase_id: str = purchase_id) -> None:
                await releasing.expire(session, purchase_id, town.now)

            if self.runner.run(self.street.attempt(work, crash_at)):
                self.ends[purchase_id] = "cancelled"

    @precondition(lambda self: self.street.shop.digits)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        vends = [vend for vend in self.runner.run(self.street.shop.vends()) if vend.held_until is None]
        self.runner.run(self.street.burn(vends[data.draw(st.integers(0, len(vends) - 1))]))

    @invariant()
    def the_books_are_those_of_what_was_not_cancelled(self) -> None:
        if hasattr(self, "street"):
            self.runner.run(self._check())

    async def _check(self) -> None:
        town = self.street.shop.town
        async with self.database.read() as session:
            balances = await reports.trial_balance(session, ADMIN, town.utility)
            holds = {one.purchase_id: one for one in await session.scalars(select(SaleHold))}
            sales = list(await session.scalars(select(SaleRecord).where(SaleRecord.utility_id == town.utility)))
            debts = list(await session.scalars(select(PaymentDebt).where(PaymentDebt.utility_id == town.utility)))
        vends = await self.street.shop.vends()
        assert not any(reports.left_over(balances).values()) and all(one.holds for one in balances)
        found = {one.account.code: one.balance for one in balances}
        for purchase_id, end in self.ends.items():
            row = holds[purchase_id]
            assert (row.released_at is None, row.cancelled_at is None) == (end != "released", end != "cancelled")
        cancelled = {one for one, row in holds.items() if row.cancelled_at is not None}
        waiting = {one for one, row in holds.items() if row.cancelled_at is None and row.released_at is None}
        kept = [vend for vend in vends if vend.purchase_id not in cancelled]
        assert all((vend.state == "held") == (vend.purchase_id in waiting) for vend in vends)
        assert all(vend.state == "void" for vend in vends if vend.purchase_id in cancelled)
        by_agent = {one for one, agent in self.sellers.items() if agent is not None}
        cash = sum(vend.tender_minor - vend.change_minor for vend in kept if vend.purchase_id not in by_agent)
        assert found.get("cash", 0) == cash
        valid = [sale for sale in sales if sale.purchase_id not in cancelled]
        taxed = sum(tax["amount_minor"] for sale in valid for tax in sale.statement["taxes"] if tax["on"] == "fixed")
        assert -found.get("fees", 0) == sum(sale.fixed_minor for sale in valid)
        assert sum(sale.fixed_taxed_minor - sale.fixed_minor for sale in valid) == taxed
        assert sum(sale.debt_minor for sale in valid) == sum(debt.paid_minor for debt in debts)
        mine = {vend.purchase_id for vend in vends}
        assert -found.get("on_hold", 0) == sum(holds[one].kept_minor for one in waiting & mine)
        await self._check_float(found, kept, by_agent)
        await self._check_unique(vends)

    async def _check_float(self, found: dict[str, int], kept: list[Vend], by_agent: set[str]) -> None:
        agent = self.street.agents[0]
        taken = sum(vend.tender_minor - vend.change_minor for vend in kept if vend.purchase_id in by_agent)
        assert -found.get(f"agent:{agent}", 0) == self.street.paid_in[agent] - taken + found.get("commissions", 0)

    async def _check_unique(self, vends: list[Vend]) -> None:
        tids = [vend.tid for vend in vends]
        assert tids == sorted(set(tids))

    def teardown(self) -> None:
        if hasattr(self, "street"):
            self.runner.run(self._reconcile())
        self.runner.run(self.database.close())
        self.runner.close()

    async def _reconcile(self) -> None:
        town = self.street.shop.town
        town.now += 2 * DAY_S
        report = await reconciliation.run(self.database, system("reports"), town.utility, None, town.now)
        assert [one.code for one in report.items] == []


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 25), ("postgresql", 6)])
def test_no_life_of_held_purchases_loses_or_makes_anything(
    request: pytest.FixtureRequest, kind: str, lives: int
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    life = type("Life", (HeldLife,), {"url": url})

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )
