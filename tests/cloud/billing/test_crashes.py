"""A crash before each statement in turn: a bill, a payment, a credit note and a switch are made whole or not at all."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import func, select

from cloud.billing import runs, switching
from cloud.billing.models import Bill, BillSettlement
from cloud.billing.switch_models import SwitchAdjustment
from cloud.billing.switching import Wanted
from cloud.books.models import BookEntry
from shared.civil import DAY_S
from tests.cloud.billing.test_switching import of_id, prepaid
from tests.cloud.billing.village import ANNA, BEN, MONTH_BEGIN, Village, release_seen
from tests.cloud.books.crashes import Crash, crashing

JULY_31 = MONTH_BEGIN // DAY_S + 30
_STATEMENTS_MAX = 150


async def crashes(village: Village, work: Callable[[], Awaitable[Any]]) -> int:
    """Let it crash before its first statement, its second, and so on, until it ends well; return how often."""
    before = await rows(village)
    for number in range(1, _STATEMENTS_MAX):
        try:
            with crashing(village.database.engine.sync_engine, number):
                await work()
        except Crash:
            await village.check()
            assert await rows(village) == before
            continue
        await village.check()
        return number - 1
    raise AssertionError("it never ended")


async def rows(village: Village) -> list[int]:
    """How many rows of each kind there are."""
    async with village.database.read() as session:
        tables = (Bill, BillSettlement, BookEntry)
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def released(village: Village) -> int:
    """A run that is released, and of which nothing is issued yet."""
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    run = await village.run(JULY_31, release=False)
    async with village.database.begin() as session:
        await release_seen(session, BEN, run, village.now)
    return run


async def test_a_bill_is_issued_whole_or_not_at_all(village: Village) -> None:
    await village.pay(1_000, "before")
    run = await released(village)

    async def issue() -> None:
        async with village.database.begin() as session:
            await runs.issue_one(session, run, village.now)

    assert await crashes(village, issue) > 15
    assert [bill.number for bill in await village.bills()] == [1]


async def test_a_payment_settles_whole_or_not_at_all(village: Village) -> None:
    await released(village)
    await village.billing.work_due()

    assert await crashes(village, lambda: village.pay(100_000, "key")) > 8
    assert await village.holds("cash") == 100_000


async def test_a_bill_is_taken_back_whole_or_not_at_all(village: Village) -> None:
    await released(village)
    await village.billing.work_due()
    await village.pay(100, "key")
    (bill,) = await village.bills()

    assert await crashes(village, lambda: village.credit(bill.id)) > 10
    assert await village.holds(f"customer:{village.customer}") == -100


async def test_credit_of_a_switch_is_settled_whole_or_not_at_all(village: Village) -> None:
    device = await prepaid(village)
    meter = await village.meter(device)
    async with village.database.begin() as session:
        wanted = Wanted("credit", village.billed, 1, "r")
        asked = await switching.ask(session, ANNA, meter.drn, wanted, village.now)
        await switching.approve(session, BEN, asked.id, village.now)
    await village.talk(device)
    await village.billing.work_due()
    await village.talk(device)

    async def step() -> None:
        async with village.database.begin() as session:
            await switching.step(session, asked.id, village.now)

    assert await crashes(village, step) > 10
    assert (await of_id(village, asked.id)).state == "done"
    assert await village.holds(f"customer:{village.customer}") == -30_000
    async with village.database.read() as session:
        (adjusted,) = await session.scalars(select(SwitchAdjustment))
    assert adjusted.value_minor == 30_000
