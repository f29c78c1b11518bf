"""Accounts that are billed afterwards: bills become instalments, and who moves out pays for what flowed until then."""

import pytest
from sqlalchemy import select

from cloud.accounts import agreements, closing
from cloud.accounts.agreements import Item, NewAgreement
from cloud.accounts.closing import NewClosing
from cloud.billing import settling
from cloud.billing.models import CreditSpan
from cloud.db import Database
from cloud.meters.models import Meter
from cloud.vending import debts
from cloud.vending.debts import NewDebt
from shared.civil import DAY_S
from tests.cloud.accounts.street import ANN
from tests.cloud.billing.test_settling import JULY_31, owing
from tests.cloud.billing.village import Village


@pytest.fixture
async def village(any_database: Database) -> Village:
    """A utility that bills, in a fresh database of each kind."""
    return await Village(any_database).found()


async def test_a_debt_and_the_open_bills_become_one_debt_with_a_plan(village: Village) -> None:
    bills = sum(await owing(village))
    now = village.now
    async with village.database.begin() as session:
        await debts.add(session, ANN, NewDebt(village.customer, "KES", 5_000, 10, None, "old"), now)
        due = [now + number * 30 * DAY_S for number in (1, 2, 3)]
        items = [Item("new meter", 2_000)]
        wanted = NewAgreement(village.customer, "KES", items, True, 25, None, due, "agreed at the counter")
        made = await agreements.agree(session, ANN, wanted, now)
        row, plan = await agreements.plan_of(session, ANN, made.id)
        left = await settling.open_bills(session, village.customer)

    assert row.principal_minor == sum(part.amount_minor for part in plan) == bills + 7_000
    assert left == []
    assert await village.holds(f"debt:{village.customer}") == bills + 7_000
    assert await village.holds(f"receivable:{village.customer}") == 0


async def test_who_moves_out_is_billed_until_then_and_nobody_afterwards(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=40)
    account = (await village.meter(device)).account_id
    async with village.database.begin() as session:
        wanted = NewClosing(account or 0, "place", False, "ledger", None, "moves out")
        row = await closing.ask(session, ANN, wanted, 0, village.now)
    await village.month(device, 50_000, days=30)
    await village.run(JULY_31 + 31)

    async with village.database.read() as session:
        (span,) = (await session.scalars(select(CreditSpan))).all()
        meter = (await session.scalars(select(Meter).where(Meter.id == span.meter_id))).one()
    assert row.state == "done"
    assert (span.customer_id, span.until_register_ml) == (village.customer, row.register_ml)
    assert meter.customer_id is None
    assert sum(bill.total_minor for bill in await village.bills()) > 0
