"""A bill that was paid by a payment which its provider takes back is owed again, and nothing is lost or owed twice."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cloud.accounts import statement
from cloud.billing import settling
from cloud.billing.models import ArrearsOrder, BillReopening
from cloud.notify.models import Message
from cloud.payments import billed, rules, service
from cloud.payments.models import Payment
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, MONTH_BEGIN, Village
from tests.fakes.device import Device

JULY_31 = MONTH_BEGIN // DAY_S + 30


async def billed_device(village: Village) -> Device:
    """A meter with the bill of July."""
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    return device


async def pay(village: Village, device: Device, amount_minor: int) -> int:
    """A provider's payment for a billed meter; its id."""
    drn, now = (await village.meter(device)).drn, village.now
    async with village.database.begin() as session:
        payment = Payment(
            utility_id=village.utility,
            channel="stripe",
            provider="stripe",
            reference=f"pi_{now}_{amount_minor}",
            tender_kind="card",
            amount_minor=amount_minor,
            currency="KES",
            account_reference=drn,
            state=rules.RECEIVED,
            drn=drn,
            attempts=0,
            next_attempt_at=now,
            paid_at=now,
            received_at=now,
            reversed_minor=0,
        )
        session.add(payment)
        await session.flush()
        await service.verify(session, payment, now)
        assert await billed.paid(session, payment, drn, now)
        return payment.id


async def take_back(village: Village, payment_id: int, amount_minor: int) -> Payment:
    async with village.database.begin() as session:
        payment = await session.get_one(Payment, payment_id, with_for_update=True)
        await service.taken_back(session, payment, amount_minor, village.now)
        return payment


async def left(village: Village) -> list[int]:
    async with village.database.read() as session:
        return [left for _, left in await settling.open_bills(session, village.customer)]


async def test_a_bill_is_owed_again_and_the_customer_is_told(village: Village) -> None:
    device = await billed_device(village)
    (bill,) = await village.bills()
    number = await pay(village, device, bill.total_minor)
    assert await left(village) == []

    payment = await take_back(village, number, bill.total_minor)

    assert await left(village) == [bill.total_minor]
    assert (payment.state, payment.code) == ("disputed", "reversed")
    assert f"bill {bill.number}" in (payment.reason or "")
    assert await village.holds("chargebacks") == 0
    assert await village.holds("clearing:card") == 0
    async with village.database.read() as session:
        told = (await session.scalars(select(Message.text).where(Message.kind == "bill"))).all()
        assert len(told) == 2, "when it was issued, and now"
        shown = await statement.of(session, ANNA, village.customer, "KES", 0, village.now + 1)
    assert shown.closing.bills_minor == bill.total_minor
    await village.check()


async def test_told_of_twice_it_is_open_once_and_by_parts_as_a_whole(village: Village) -> None:
    device = await billed_device(village)
    (bill,) = await village.bills()
    number = await pay(village, device, bill.total_minor)

    for amount in (1_000, 1_000, bill.total_minor, bill.total_minor):
        await take_back(village, number, amount)

    assert await left(village) == [bill.total_minor]
    async with village.database.read() as session:
        rows = (await session.scalars(select(BillReopening).order_by(BillReopening.id))).all()
    assert [row.amount_minor for row in rows] == [1_000, bill.total_minor - 1_000]
    await village.check()


async def test_what_no_bill_had_needed_is_taken_from_the_account_and_the_rest_is_a_loss(village: Village) -> None:
    device = await billed_device(village)
    (bill,) = await village.bills()
    number = await pay(village, device, bill.total_minor + 700)
    await village.pay(300, "of another")
    assert -await village.holds(f"customer:{village.customer}") == 1_000

    await take_back(village, number, bill.total_minor + 700)

    assert await left(village) == [bill.total_minor - 300], "what is still on the account pays of it at once"
    assert await village.holds(f"customer:{village.customer}") == 0
    assert await village.holds("chargebacks") == 0
    await village.check()


async def test_a_bill_that_was_taken_back_itself_is_not_owed_again(village: Village) -> None:
    device = await billed_device(village)
    (bill,) = await village.bills()
    number = await pay(village, device, bill.total_minor)
    await village.credit(bill.id)
    kept = -await village.holds(f"customer:{village.customer}")

    await take_back(village, number, bill.total_minor)

    assert kept == bill.total_minor
    assert await left(village) == []
    assert await village.holds(f"customer:{village.customer}") == 0, "the money that it became goes back"
    await village.check()


async def test_dunning_goes_on_for_a_bill_that_is_open_again(village: Village) -> None:
    device = await billed_device(village)
    await village.decide_policy()
    (bill,) = await village.bills()
    number = await pay(village, device, bill.total_minor)
    village.now = (bill.due_day + 11) * DAY_S
    await village.billing.review()
    async with village.database.read() as session:
        assert (await session.scalars(select(ArrearsOrder))).all() == []

    await take_back(village, number, bill.total_minor)
    await village.billing.review()

    async with village.database.read() as session:
        (order,) = (await session.scalars(select(ArrearsOrder))).all()
    assert (order.level, order.overdue_minor) == ("trickle", bill.total_minor)


@pytest.mark.parametrize("statement_", ["UPDATE bill_reopening SET amount_minor = 1", "DELETE FROM bill_reopening"])
async def test_the_database_lets_nobody_change_a_reopening(village: Village, statement_: str) -> None:
    device = await billed_device(village)
    (bill,) = await village.bills()
    await take_back(village, await pay(village, device, bill.total_minor), 1_000)

    with pytest.raises(DBAPIError, match="append-only"):
        async with village.database.begin() as session:
            await session.execute(text(statement_))
