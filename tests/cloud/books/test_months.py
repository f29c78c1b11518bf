"""Closed months: what they keep is what the postings say, and a trial balance made of them is the same to the unit."""

import uuid

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from cloud.books import months, reports
from cloud.books import service as books
from cloud.books.models import BookMonth, BookMonthClose, BookPosting
from cloud.books.rules import Draft, cash, customer, lines
from cloud.db import Database
from shared.civil import DAY_S, Zone, zone_data
from tests.fakes.utility import ADMIN, Town

UTC = Zone()
MONTH_S = 31 * DAY_S


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def post(town: Town, amount: int) -> None:
    """Money comes to the till and is owed to a customer."""
    made = lines((cash("cash", "KES"), amount, "in"), (customer(town.customer, "KES"), -amount, "in"))
    async with town.database.begin() as session:
        draft = Draft(town.utility, str(uuid.uuid4()), "test", "", "", made)
        await books.post(session, draft, ADMIN, town.now)


async def close(town: Town, zone: Zone = UTC) -> list[int]:
    async with town.database.begin() as session:
        return await months.close_due(session, town.utility, zone, town.now)


async def balances(town: Town) -> dict[str, tuple[int, int]]:
    async with town.database.read() as session:
        found = await reports.trial_balance(session, ADMIN, town.utility)
    assert all(one.holds for one in found)
    return {one.account.code: (one.debit, one.credit) for one in found}


async def test_a_balance_is_the_same_before_and_after_a_month_is_closed(town: Town) -> None:
    other = await Town(town.database, town.now).found()
    for days in (0, 5, 20, 40, 41, 75):
        town.now = other.now = 1_750_000_000 + days * DAY_S
        await post(town, 100 + days)
        await post(other, 7)
    before = await balances(town)

    closed = await close(town)
    town.now += MONTH_S
    await post(town, 1)
    closed += await close(town)

    assert len(closed) == 3 and closed == sorted(closed)
    debit = before["cash"][0] + 1
    assert await balances(town) == {"cash": (debit, 0), f"customer:{town.customer}": (0, debit)}
    assert (await balances(other))["cash"] == (42, 0)
    async with town.database.read() as session:
        assert await months.faults(session, town.utility) == []


async def test_a_month_is_closed_an_hour_after_its_end_in_the_zone_of_the_utility(town: Town) -> None:
    town.now = 1_751_320_800  # 2025-06-30 22:00 UTC
    await post(town, 1)

    town.now = 1_751_328_000 + months.MARGIN_S - 1  # 00:59:59 of July
    assert await close(town) == []
    assert await close(town, Zone(zone_data(60))) == [2025 * 12 + 5]
    assert await close(town, Zone(zone_data(60))) == []


async def test_an_entry_of_the_next_month_with_a_lower_number_is_not_lost(town: Town) -> None:
    """On PostgreSQL an entry can commit after another that got its number later."""
    town.now = 1_751_300_000
    await post(town, 1)
    town.now = 1_751_400_000  # July
    await post(town, 10)
    town.now -= 100_000 - 80_000  # still July, by another clock
    await post(town, 100)
    town.now = 1_751_300_000 + 5 * DAY_S
    await close(town)
    await post(town, 1_000)

    assert (await balances(town))["cash"] == (1_111, 0)
    async with town.database.read() as session:
        row = (await session.scalars(select(BookMonthClose))).one()
        first_open = await session.scalar(select(func.min(BookPosting.id)).where(BookPosting.amount == 10))
    assert row.after_id < first_open


async def test_what_a_month_keeps_cannot_be_changed(town: Town) -> None:
    await post(town, 1)
    town.now += 2 * MONTH_S
    await close(town)

    for table in ("book_month", "book_month_close"):
        for statement in (f"UPDATE {table} SET month = 1", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="append-only"):
                async with town.database.begin() as session:
                    await session.execute(text(statement))


async def test_a_total_that_is_not_that_of_the_postings_is_found(town: Town) -> None:
    await post(town, 5)
    town.now += 2 * MONTH_S
    async with town.database.begin() as session:
        (month, *_) = await months.close_due(session, town.utility, UTC, town.now - MONTH_S)
        kept = (await session.scalars(select(BookMonth).where(BookMonth.debit == 5))).one()
        extra = BookMonth(account_id=kept.account_id, month=month + 1, debit=3, credit=0)
        session.add(extra)
        ends_at = (await session.scalars(select(BookMonthClose))).one().ends_at
        row = BookMonthClose(
            utility_id=town.utility, month=month + 1, ends_at=ends_at + MONTH_S, after_id=10**9, closed_at=town.now
        )
        session.add(row)

    async with town.database.read() as session:
        found = await months.faults(session, town.utility)

    assert [(account.code, kept, comes_to) for account, _, kept, comes_to in found] == [("cash", 3, 0)]
