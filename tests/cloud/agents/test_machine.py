"""Random lives of a street: sales by two agents and a cashier, repeats, top-ups, withdrawals, voids, and crashes.

After each step every float is what went in, less what its sales took, and more what they earned; the books balance.
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

from cloud.agents import floats
from cloud.agents.rules import Fraction
from cloud.db import Database
from cloud.errors import Conflict, Refused
from tests.cloud.agents.street import Street
from tests.cloud.books.sales import charged, opened
from tests.fakes.utility import Town

CRASHES = st.none() | st.integers(1, 50)
MONEY = st.sampled_from([1, 999, 25_000]) | st.integers(1, 60_000)
VOLUMES = st.sampled_from([100_000, 199_999, 2_000_000]) | st.integers(100_000, 4_000_000)
FRACTIONS = st.tuples(st.integers(0, 9), st.integers(10, 1_000))


class StreetLife(RuleBasedStateMachine):
    """One street in a database that other lives used before it."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url)
        self.sellers: dict[str, int | None] = {}

    @initialize(first=FRACTIONS, second=FRACTIONS, with_charges=st.booleans())
    def open(self, first: tuple[int, int], second: tuple[int, int], with_charges: bool) -> None:
        self.street: Street = self.runner.run(self._opened(first, second, with_charges))

    async def _opened(self, first: tuple[int, int], second: tuple[int, int], with_charges: bool) -> Street:
        shop = await opened(await Town(self.database).found())
        street = Street(await charged(shop) if with_charges else shop)
        for fraction in (first, second):
            await street.move(await street.add(Fraction(*fraction)), floats.TOP_UP, 40_000)
        return street

    @rule(who=st.integers(0, 2), volume=VOLUMES, money=MONEY, keep=st.booleans(), crash_at=CRASHES)
    def sell(self, who: int, volume: int, money: int, keep: bool, crash_at: int | None) -> None:
        order = self.street.shop.order(volume, money, "account" if keep else "return")
        self.sellers[order.purchase_id] = None if who == 2 else self.street.agents[who]
        with contextlib.suppress(Refused):
            self.runner.run(self.street.sell(self.sellers[order.purchase_id], order, crash_at))

    @precondition(lambda self: self.sellers)
    @rule(data=st.data(), crash_at=CRASHES)
    def repeat(self, data: st.DataObject, crash_at: int | None) -> None:
        purchase_id = data.draw(st.sampled_from(list(self.sellers)))
        order = self.street.shop.orders[purchase_id]
        try:
            self.runner.run(self.street.sell(self.sellers[purchase_id], order, crash_at))
        except Refused:
            assert purchase_id not in self.street.shop.digits

    @precondition(lambda self: self.street.shop.digits)
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        purchase_id = data.draw(st.sampled_from(list(self.street.shop.digits)))
        thief = next(agent for agent in self.street.agents if agent != self.sellers[purchase_id])
        with pytest.raises(Conflict):
            self.runner.run(self.street.sell(thief, self.street.shop.orders[purchase_id]))

    @rule(who=st.integers(0, 1), amount=MONEY, out=st.booleans(), crash_at=CRASHES)
    def move(self, who: int, amount: int, out: bool, crash_at: int | None) -> None:
        kind = floats.WITHDRAWAL if out else floats.TOP_UP
        with contextlib.suppress(Refused):
            self.runner.run(self.street.move(self.street.agents[who], kind, amount, crash_at))

    @precondition(lambda self: self.street.shop.digits)
    @rule(data=st.data(), crash_at=CRASHES)
    def take_back(self, data: st.DataObject, crash_at: int | None) -> None:
        vends = self.runner.run(self.street.shop.vends())
        self.runner.run(self.street.burn(vends[data.draw(st.integers(0, len(vends) - 1))], crash_at))

    @invariant()
    def every_float_is_right(self) -> None:
        if hasattr(self, "street"):
            self.runner.run(self.street.check())

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 20), ("postgresql", 5)])
def test_no_life_of_a_street_exceeds_a_float_or_loses_commission(
    request: pytest.FixtureRequest, kind: str, lives: int
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    life = type("Life", (StreetLife,), {"url": url})

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )
