"""Totals of closed months: what an account moved in a civil month, written once the month is over for good.

A month is closed an hour after its end: no transaction lasts that long, so no entry of it can appear later. Balances
are then the closed months and the postings behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books.models import BookAccount, BookEntry, BookMonth, BookMonthClose, BookPosting
from shared.civil import Zone, day_of, month_of

MARGIN_S = 3600
DEBIT = func.coalesce(func.sum(case((BookPosting.amount > 0, BookPosting.amount), else_=0)), 0)
CREDIT = func.coalesce(func.sum(case((BookPosting.amount < 0, -BookPosting.amount), else_=0)), 0)


@dataclass(frozen=True)
class Closed:
    """The last month that is closed: postings up to the id `after_id`, and entries before `ends_at`, are in totals."""

    month: int
    ends_at: int
    after_id: int


async def last_closed(session: AsyncSession, utility_id: int) -> Closed | None:
    """Return the last closed month of a utility."""
    mine = select(BookMonthClose).where(BookMonthClose.utility_id == utility_id)
    row = await session.scalar(mine.order_by(BookMonthClose.month.desc()).limit(1))
    return None if row is None else Closed(row.month, row.ends_at, row.after_id)


async def close_due(session: AsyncSession, utility_id: int, zone: Zone, now: int) -> list[int]:
    """Close every month of a utility that is over and not closed; return them. Its last close is locked first."""
    mine = select(BookMonthClose).where(BookMonthClose.utility_id == utility_id)
    last = await session.scalar(mine.order_by(BookMonthClose.month.desc()).limit(1).with_for_update())
    month = await _first_month(session, utility_id, zone) if last is None else last.month + 1
    closed: list[int] = []
    after_id, begins_at = (0, 0) if last is None else (last.after_id, last.ends_at)
    while month is not None and now >= _end_of(month, zone) + MARGIN_S:
        ends_at = _end_of(month, zone)
        after_id = await _close(session, utility_id, month, Closed(month - 1, begins_at, after_id), ends_at, now)
        begins_at = ends_at
        closed.append(month)
        month += 1
    return closed


async def _first_month(session: AsyncSession, utility_id: int, zone: Zone) -> int | None:
    first = await session.scalar(select(func.min(BookEntry.at)).where(BookEntry.utility_id == utility_id))
    return None if first is None else month_of(zone.local(first)[0])


def _end_of(month: int, zone: Zone) -> int:
    following = month + 1
    return zone.instant(day_of(following // 12, following % 12 + 1, 1), 0)


async def _close(session: AsyncSession, utility_id: int, month: int, before: Closed, ends_at: int, now: int) -> int:
    sums = await session.execute(_sums(utility_id, before.after_id, before.ends_at, ends_at))
    rows = [
        {"account_id": account_id, "month": month, "debit": int(debit), "credit": int(credit)}
        for account_id, debit, credit in sums
    ]
    if rows:
        await session.execute(insert(BookMonth), rows)
    after_id = await _open_after(session, utility_id, before.after_id, ends_at)
    row = BookMonthClose(utility_id=utility_id, month=month, ends_at=ends_at, after_id=after_id, closed_at=now)
    session.add(row)
    await session.flush()
    return after_id


def _sums(utility_id: int, after_id: int, begins_at: int, ends_at: int | None) -> Select[Any]:
    found = (
        select(BookPosting.account_id, DEBIT, CREDIT)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookAccount.utility_id == utility_id, BookPosting.id > after_id, BookEntry.at >= begins_at)
    )
    if ends_at is not None:
        found = found.where(BookEntry.at < ends_at)
    return found.group_by(BookPosting.account_id)


async def _open_after(session: AsyncSession, utility_id: int, after_id: int, ends_at: int) -> int:
    """An id that every posting of a later month is above, also one whose transaction is still under way."""
    # Numbers are given out while a transaction runs, and none runs for an hour: what was posted an hour before the end
    # had its numbers before anything of the next month began.
    early = (
        select(func.max(BookPosting.id))
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookEntry.utility_id == utility_id, BookPosting.id > after_id, BookEntry.at < ends_at - MARGIN_S)
    )
    return int(await session.scalar(early) or after_id)


async def totals(session: AsyncSession, utility_id: int) -> dict[int, tuple[int, int]]:
    """Return debits and credits of every account of a utility by its id, of all time."""
    closed = await last_closed(session, utility_id)
    found: dict[int, tuple[int, int]] = {}
    if closed is not None:
        kept = (
            select(BookMonth.account_id, func.sum(BookMonth.debit), func.sum(BookMonth.credit))
            .join(BookAccount, BookAccount.id == BookMonth.account_id)
            .where(BookAccount.utility_id == utility_id, BookMonth.month <= closed.month)
            .group_by(BookMonth.account_id)
        )
        found = {row[0]: (int(row[1]), int(row[2])) for row in await session.execute(kept)}
    after_id, begins_at = (closed.after_id, closed.ends_at) if closed is not None else (0, 0)
    for account_id, debit, credit in await session.execute(_sums(utility_id, after_id, begins_at, None)):
        before = found.get(account_id, (0, 0))
        found[account_id] = (before[0] + int(debit), before[1] + int(credit))
    return found


async def faults(session: AsyncSession, utility_id: int) -> Sequence[tuple[BookAccount, int, int, int]]:
    """Return (account, month, kept balance, recomputed balance) of each that differs in the last closed month."""
    mine = select(BookMonthClose).where(BookMonthClose.utility_id == utility_id)
    rows = (await session.scalars(mine.order_by(BookMonthClose.month.desc()).limit(2))).all()
    if not rows:
        return []
    last = rows[0]
    after_id, begins_at = (rows[1].after_id, rows[1].ends_at) if len(rows) > 1 else (0, 0)
    sums = await session.execute(_sums(utility_id, after_id, begins_at, last.ends_at))
    recomputed = {row[0]: (int(row[1]), int(row[2])) for row in sums}
    kept = select(BookAccount, BookMonth.debit, BookMonth.credit).outerjoin(
        BookMonth, (BookMonth.account_id == BookAccount.id) & (BookMonth.month == last.month)
    )
    wrong = []
    for account, debit, credit in await session.execute(kept.where(BookAccount.utility_id == utility_id)):
        is_kept, comes_to = (debit or 0, credit or 0), recomputed.get(account.id, (0, 0))
        if is_kept != comes_to:
            wrong.append((account, last.month, is_kept[0] - is_kept[1], comes_to[0] - comes_to[1]))
    return wrong
