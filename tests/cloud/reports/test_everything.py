"""What other areas do in their own random lives, reconciled: swaps, closings, agents, vouchers; all of it holds."""

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from cloud.db import Database
from cloud.keys import DATABASE
from cloud.reports import reconciliation
from cloud.reports.reconciliation import Report
from shared.civil import DAY_S
from tests.cloud.accounts.street import Street
from tests.cloud.accounts.test_random_street import Years
from tests.cloud.agents.market import Market
from tests.cloud.agents.test_machine import StreetLife
from tests.cloud.served import Api
from tests.fakes.utility import ADMIN, Town

STEPS = 20


async def reconciled(town: Town) -> Report:
    """Reconcile the day that has just ended; nothing of it is unexplained."""
    town.now += DAY_S
    report = await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)
    assert report.run.holds, [line for line in report.run.lines if line["unexplained"]]
    return report


async def test_a_street_of_swaps_moves_and_closings_holds(any_database: Database, chance: random.Random) -> None:
    town = await Town(any_database).found()
    years = Years(Street(town), chance)
    await years.begin()

    for step in range(STEPS):
        await years.step()
        if step % 10 == 9:
            report = await reconciled(town)
            assert {item.code for item in report.items} <= {"in_flight_old", "voiding_old"}


class Reconciled(StreetLife):
    """A street of agents whose days are reconciled."""

    def teardown(self) -> None:
        if hasattr(self, "street"):
            report = self.runner.run(reconciled(self.street.shop.town))
            assert report.items == []
        super().teardown()


@pytest.mark.parametrize(("kind", "lives"), [("sqlite", 6), ("postgresql", 2)])
def test_a_street_of_agents_holds(request: pytest.FixtureRequest, kind: str, lives: int) -> None:
    life = type("Life", (Reconciled,), {"url": request.getfixturevalue(f"{kind}_url")})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )


async def test_a_day_of_an_agent_with_cards_vouchers_and_a_float_holds(any_api: Api) -> None:
    api, town = any_api, await any_api.town()
    market = await Market(api, town).found()
    card = {"kind": "card", "amount_minor": 50_000, "currency": "KES"}
    await market.seller.made("/vends", town.vend())
    await market.seller.made("/vends", town.vend(tender=card))
    order = {"utility_id": town.utility, "count": 2, "amount_minor": 50_000, "currency": "KES", "expires_at": 2**31}
    made = await api.made("/voucher-batches", order)
    await api.made("/vouchers/redeem", {"code": made["vouchers"][0]["code"], "drn": town.drn})
    api.clock.time += 5 * DAY_S

    assert api.client.app is not None
    database = api.client.app[DATABASE]
    report = await reconciliation.run(database, ADMIN, town.utility, None, api.clock.now())

    assert report.run.holds, [line for line in report.run.lines if line["unexplained"]]
    assert report.items == []
    assert "agents" in {line["section"] for line in report.run.lines}
