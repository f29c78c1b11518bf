"""Random lives of a shop: sales, repeats, voids, tokens that are used, and a crash between any two statements.

After each step the books balance, and every purchase is in them once: in flight, accepted, or void and refunded.
"""

import asyncio
import contextlib
import dataclasses

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

from cloud.db import Database
from cloud.errors import Conflict, Refused
from tests.cloud.books.sales import Shop, charged, check, opened
from tests.fakes.utility import Town

STATEMENTS = 45  # a sale sends about forty
CRASHES = st.none() | st.integers(1, STATEMENTS)
MONEY = st.sampled_from([0, 999, 1_000, 1_999, 25_000]) | st.integers(0, 60_000)
VOLUMES = st.sampled_from([99_999, 100_000, 199_999, 2_000_000, 5_000_000_000]) | st.integers(100_000, 5_000_000)


class ShopLife(RuleBasedStateMachine):
    """One shop in a database that other lives used before it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url)

    @initialize(with_charges=st.booleans())
    def open(self, with_charges: bool) -> None:
        self.shop: Shop = self.runner.run(self._opened(with_charges))

    async def _opened(self, with_charges: bool) -> Shop:
        shop = await opened(await Town(self.database).found())
        return await charged(shop) if with_charges else shop

    @rule(volume=VOLUMES, money=MONEY, change=st.sampled_from(["return", "account"]), crash_at=CRASHES)
    def sell(self, volume: int, money: int, change: str, crash_at: int | None) -> None:
        order = self.shop.order(volume, money, change)
        with contextlib.suppress(Refused):
            self.runner.run(self.shop.send(order, crash_at))

    @precondition(lambda self: self.shop.orders)
    @rule(data=st.data(), crash_at=CRASHES)
    def repeat(self, data: st.DataObject, crash_at: int | None) -> None:
        order = self.shop.orders[data.draw(st.sampled_from(list(self.shop.orders)))]
        try:
            self.runner.run(self.shop.send(order, crash_at))
        except Refused:
            assert order.purchase_id not in self.shop.digits

    @precondition(lambda self: self.shop.digits)
    @rule(data=st.data())
    def reuse(self, data: st.DataObject) -> None:
        order = self.shop.orders[data.draw(st.sampled_from(list(self.shop.digits)))]
        other = dataclasses.replace(order, tender_minor=order.tender_minor + 1)
        with pytest.raises(Conflict):
            self.runner.run(self.shop.send(other))

    @precondition(lambda self: self.shop.digits)
    @rule(data=st.data(), crash_at=CRASHES)
    def take_back(self, data: st.DataObject, crash_at: int | None) -> None:
        vend = self._drawn(data)
        try:
            self.runner.run(self.shop.take_back(vend, crash_at))
        except Refused:
            assert vend.consumed_by is not None

    @precondition(lambda self: self.shop.digits)
    @rule(data=st.data(), crash_at=CRASHES)
    def burn(self, data: st.DataObject, crash_at: int | None) -> None:
        vends = [vend for vend in self.runner.run(self.shop.vends()) if vend.void_tid is not None]
        if vends:
            self.runner.run(self.shop.burn(vends[data.draw(st.integers(0, len(vends) - 1))], crash_at))

    @precondition(lambda self: self.shop.digits)
    @rule(data=st.data(), crash_at=CRASHES)
    def accept(self, data: st.DataObject, crash_at: int | None) -> None:
        self.runner.run(self.shop.accept(self._drawn(data), crash_at))

    @invariant()
    def books_balance(self) -> None:
        if hasattr(self, "shop"):
            self.runner.run(check(self.shop))

    def _drawn(self, data: st.DataObject):  # type: ignore[no-untyped-def]
        vends = self.runner.run(self.shop.vends())
        return vends[data.draw(st.integers(0, len(vends) - 1))]

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            for order in self.shop.orders.values():  # every caller asks until there is an answer
                try:
                    self.runner.run(self.shop.send(order))
                except Refused:
                    assert order.purchase_id not in self.shop.digits
            self.runner.run(check(self.shop))
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 25), ("postgresql", 6)])
def test_no_life_of_a_shop_loses_or_doubles_money(request: pytest.FixtureRequest, kind: str, lives: int) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    life = type("Life", (ShopLife,), {"url": url})

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )
