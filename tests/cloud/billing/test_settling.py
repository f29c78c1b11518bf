"""Payments of bills: once for each key, the oldest bill first, the rest on the account; what is not paid as a debt."""

import asyncio

import pytest
from sqlalchemy import select

from cloud.billing import settling
from cloud.billing.settling import Plan
from cloud.errors import Conflict, Refused
from cloud.notify import texts
from cloud.notify.models import Message
from cloud.vending.sale_models import PaymentDebt
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, MONTH_BEGIN, Village

JULY_31 = MONTH_BEGIN // DAY_S + 30


async def owing(village: Village) -> tuple[int, int]:
    """What two months were billed at."""
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    await village.month(device, 200_000)
    await village.run(JULY_31 + 31)
    first, second = await village.bills()
    return first.total_minor, second.total_minor


async def open_now(village: Village) -> list[int]:
    async with village.database.read() as session:
        return [left for _, left in await settling.open_bills(session, village.customer)]


async def test_a_payment_settles_the_oldest_bill_first(village: Village) -> None:
    first, second = await owing(village)

    await village.pay(first - 10, "a")
    after_one = await open_now(village)
    await village.pay(60, "b")

    assert after_one == [10, second]
    assert await open_now(village) == [second - 50]
    assert await village.holds("cash") == first + 50
    await village.check()


async def test_what_no_bill_needs_stays_on_the_account_and_pays_the_next_bill(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    (bill,) = await village.bills()

    paid = await village.pay(bill.total_minor + 700, "a")
    kept = await village.holds(f"customer:{village.customer}")
    await village.month(device, 100_000)
    await village.run(JULY_31 + 31)

    second = (await village.bills())[-1]
    assert (paid.kept_minor, kept) == (700, -700)
    assert await village.holds(f"customer:{village.customer}") == 0
    assert await open_now(village) == [second.total_minor - 700]
    await village.check()


async def test_a_repeat_of_a_payment_pays_once(village: Village) -> None:
    first, second = await owing(village)

    rows = await asyncio.gather(*(village.pay(1_000, "same") for _ in range(8)))

    assert {row.id for row in rows} == {rows[0].id}
    assert await open_now(village) == [first - 1_000, second]
    await village.check()


async def test_a_key_that_paid_something_else_is_refused(village: Village) -> None:
    await owing(village)
    await village.pay(1_000, "key")

    with pytest.raises(Conflict) as refusal:
        await village.pay(2_000, "key")

    assert refusal.value.code == "payment_id_used"
    await village.check()


async def test_many_payments_at_once_settle_no_bill_twice(village: Village) -> None:
    first, second = await owing(village)
    share = (first + second) // 6

    await asyncio.gather(*(village.pay(share, f"p{number}") for number in range(8)))

    assert await open_now(village) == []
    assert await village.holds(f"customer:{village.customer}") == -(8 * share - first - second)
    await village.check()


async def test_open_bills_become_one_debt_that_sales_pay_off(village: Village) -> None:
    first, second = await owing(village)
    await village.pay(100, "a")

    async with village.database.begin() as session:
        plan = Plan(25, 5_000, "instalments agreed on")
        debt = await settling.to_debt(session, ANNA, village.customer, "KES", plan, village.now)

    assert debt.principal_minor == first + second - 100
    assert await open_now(village) == []
    assert await village.holds(f"debt:{village.customer}") == debt.principal_minor
    assert await village.holds(f"receivable:{village.customer}") == 0
    async with village.database.begin() as session:
        with pytest.raises(Refused) as refusal:
            await settling.to_debt(session, ANNA, village.customer, "KES", plan, village.now)
    assert refusal.value.code == "nothing_owed"
    async with village.database.read() as session:
        assert len((await session.scalars(select(PaymentDebt))).all()) == 1
    await village.check()


async def test_the_customer_is_told_of_a_bill_with_its_sum_and_due_day(village: Village) -> None:
    await village.decide_policy(due_days=10)
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)

    await village.run(JULY_31)

    async with village.database.read() as session:
        (told,) = await session.scalars(select(Message).where(Message.kind == "bill"))
    (bill,) = await village.bills()
    assert told.text == texts.bill("en", 1, bill.total_minor, bill.total_minor, "KES", "2025-08-11")
