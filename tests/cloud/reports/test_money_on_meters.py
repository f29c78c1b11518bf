"""Money on meters becomes revenue when the meter charges it: the gateway's own code, a tariff of its own, and taxes."""

import pytest

from cloud.books import reports
from cloud.db import Database
from cloud.reports import posting, reconciliation
from cloud.tariffs import versions
from cloud.tariffs.terms import Block, Tax, Terms
from shared.civil import DAY_S
from tests.cloud.ledger.test_money_with_gateway import Money, moneyed
from tests.fakes.utility import ADMIN, Town

PER_MINOR = 1_000


@pytest.fixture
async def money(any_database: Database) -> Money:
    """A meter that holds money, in a fresh database of each kind; its class raises a tax of 16 %."""
    town = await Town(any_database).found()
    made = await moneyed(town)
    terms = Terms("purchase", (Block(None, 10_000_000),), 0, (Tax("vat", 160, ("volume", "fixed")),))
    async with any_database.begin() as session:
        row = await versions.draft(session, ADMIN, versions.Draft(town.tariff, town.now + 1, terms, "vat"), town.now)
        row.state, row.decided_at = versions.APPROVED, town.now
    town.now += 60
    return made


async def used(money: Money, pulses: int) -> None:
    """Water flows, and the ledger comes to the cloud and into the books."""
    money.link.house.flow(pulses)
    money.link.house.step(20)
    await money.link.talk()
    await posting.post_all(money.town.database, money.town.utility, money.town.now + 1, money.town.now)


async def balances(money: Money) -> dict[str, int]:
    async with money.town.database.read() as session:
        found = await reports.trial_balance(session, ADMIN, money.town.utility)
    assert not any(reports.left_over(found).values())
    return {one.account.code: one.balance for one in found if one.account.unit == "KES" and one.balance}


async def test_what_a_meter_charged_is_revenue_with_its_tax_inside(money: Money) -> None:
    sale = await money.buy(50_000)
    money.type(sale.vend.id)

    await used(money, 3_000)

    charged = 3 * 2_500_000 // PER_MINOR
    vat = charged * 160 // 1160
    found = await balances(money)
    assert found["meter_money:KES"] == -(sale.amount_minor - charged)
    assert (found["revenue:water"], found["tax:vat"]) == (-(charged - vat), -vat)


async def test_parts_of_a_minor_unit_are_carried_from_day_to_day(money: Money) -> None:
    sale = await money.buy(50_000)
    money.type(sale.vend.id)
    total = 0

    for pulses in (1_000, 1_000, 1_000, 1_000, 333, 1):
        await used(money, pulses)
        total += pulses
        money.town.now += DAY_S
        report = await reconciliation.run(money.town.database, ADMIN, money.town.utility, None, money.town.now)
        assert report.run.holds and report.items == [], [line for line in report.run.lines if line["unexplained"]]

    held = money.link.house.balance()
    charged = sale.credit - held
    assert charged == 3 * 2_500_000 + 7_000_001 + 334 * 7_000_001 // 1_000
    assert (await balances(money))["meter_money:KES"] == -(sale.amount_minor - -(-charged // PER_MINOR))
