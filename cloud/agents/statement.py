"""What an agent's float did in a time, as the books have it: opening, each kind of movement, closing, every posting.

Opening + movements = closing, by construction; `holds` says that all postings ever are what the float holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking
from cloud.agents.models import Agent
from cloud.books.models import BookAccount, BookEntry, BookMonth, BookMonthClose, BookPosting
from cloud.reports.sheet import Column, Sheet, day_text

_ROWS_MAX = 1_000_000
_TITLES = {
    "top_up": "Top-ups",
    "withdrawal": "Withdrawals",
    "sale": "Sales",
    "commission": "Commission",
    "vouchers": "Voucher batches",
}


@dataclass(frozen=True)
class Span:
    """From an instant until before another, and the civil days that these are."""

    from_day: int
    until_day: int
    from_s: int
    until_s: int


@dataclass(frozen=True)
class Kind:
    """Movements of one kind: how many, and what the float gained by them; below zero what it lost."""

    what: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Line:
    """One posting to the float, with what the float held after it."""

    id: int
    at: int
    what: str
    subject: str
    reason: str
    actor: str
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True)
class FloatDay:
    """What a float held before and after a time, and what happened meanwhile."""

    agent: Agent
    span: Span
    opening_minor: int
    kinds: list[Kind]
    closing_minor: int
    holds: bool


async def of_span(session: AsyncSession, agent: Agent, span: Span) -> FloatDay:
    """Return the sums of a time."""
    opening = await _before(session, agent, span.from_s)
    sums = (
        select(BookPosting.what, func.count(), -func.sum(BookPosting.amount))
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(*_mine(agent), *_within(span))
        .group_by(BookPosting.what)
        .order_by(BookPosting.what)
    )
    kinds = [Kind(what, count, int(amount)) for what, count, amount in await session.execute(sums)]
    closing = opening + sum(kind.amount_minor for kind in kinds)
    held = await session.scalar(select(BookAccount.held).where(*_mine(agent))) or 0
    since = await _sum(session, agent, BookEntry.at >= span.until_s)
    return FloatDay(agent, span, opening, kinds, closing, closing + since == held)


async def lines(
    session: AsyncSession, agent: Agent, span: Span, after: int = 0, limit: int = _ROWS_MAX
) -> Sequence[Line]:
    """Return the postings of a time by rising id, after one of them, each with the balance after it."""
    balance = await _before(session, agent, span.from_s)
    if after:
        balance += await _sum(session, agent, *_within(span), BookPosting.id <= after)
    found = (
        select(BookPosting.id, BookEntry, BookPosting.what, -BookPosting.amount)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(*_mine(agent), *_within(span), BookPosting.id > after)
        .order_by(BookPosting.id)
        .limit(limit)
    )
    shown: list[Line] = []
    for posting_id, entry, what, amount in await session.execute(found):
        balance += amount
        shown.append(Line(posting_id, entry.at, what, entry.subject, entry.reason, entry.actor, amount, balance))
    return shown


async def _before(session: AsyncSession, agent: Agent, at: int) -> int:
    """What the float held before an instant: the closed months before it, and the postings since."""
    mine = select(BookMonthClose).where(BookMonthClose.utility_id == agent.utility_id, BookMonthClose.ends_at <= at)
    last = await session.scalar(mine.order_by(BookMonthClose.month.desc()).limit(1))
    if last is None:
        return await _sum(session, agent, BookEntry.at < at)
    closed = (
        select(func.coalesce(func.sum(BookMonth.credit - BookMonth.debit), 0))
        .join(BookAccount, BookAccount.id == BookMonth.account_id)
        .where(*_mine(agent), BookMonth.month <= last.month)
    )
    since = (BookPosting.id > last.after_id, BookEntry.at >= last.ends_at, BookEntry.at < at)
    return int(await session.scalar(closed) or 0) + await _sum(session, agent, *since)


async def _sum(session: AsyncSession, agent: Agent, *wanted: ColumnElement[bool]) -> int:
    total = (
        select(func.coalesce(-func.sum(BookPosting.amount), 0))
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(*_mine(agent), *wanted)
    )
    return int(await session.scalar(total) or 0)


def _mine(agent: Agent) -> tuple[ColumnElement[bool], ...]:
    of_utility = BookAccount.utility_id == agent.utility_id
    return of_utility, BookAccount.code == booking.account(agent).code, BookAccount.unit == agent.currency


def _within(span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return BookEntry.at >= span.from_s, BookEntry.at < span.until_s


def sheets(day: FloatDay, shown: Sequence[Line], zone: bytes, now: int) -> list[Sheet]:
    """Return the summary of a time and its postings, as sheets of one file."""
    currency = day.agent.currency
    money = Column("Amount", "money", currency)
    facts = (
        ("Agent", f"{day.agent.id} {day.agent.name}"),
        ("From", day_text(day.span.from_day)),
        ("To", day_text(day.span.until_day - 1)),
    )
    rows: list[tuple[str, int | None, int]] = [("Opening balance", None, day.opening_minor)]
    rows += [(_TITLES.get(kind.what, kind.what), kind.count, kind.amount_minor) for kind in day.kinds]
    summary = Sheet(
        title="Float",
        columns=(Column("Movement"), Column("Count", "count"), money),
        rows=rows,
        totals=("Closing balance", None, day.closing_minor),
        facts=facts,
        zone=zone,
        made_at=now,
    )
    columns = (
        Column("Number", "count"),
        Column("Time", "time"),
        Column("Movement"),
        Column("Subject"),
        Column("Reference"),
        Column("By"),
        money,
        Column("Balance", "money", currency),
    )
    postings = [
        (line.id, line.at, line.what, line.subject, line.reason, line.actor, line.amount_minor, line.balance_minor)
        for line in shown
    ]
    return [summary, Sheet("Movements", columns, postings, facts=facts, zone=zone, made_at=now)]
