"""A civil day of a utility, reconciled: its ledgers are posted, everything is compared, and what differs is listed.

A run may be repeated. It compares what stands at the time of the run, in one snapshot of the database; turnovers are
those of the day. A difference keeps its row as long as it lasts, so that its age and its note stay with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.audit.service import Named
from cloud.auth.actor import Actor
from cloud.books import months
from cloud.db import Database
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Utility
from cloud.reports import (
    checks_agents,
    checks_bills,
    checks_books,
    checks_bulk,
    checks_meters,
    checks_payments,
    checks_providers,
    checks_tenders,
    checks_vends,
    doubts,
    posting,
)
from cloud.reports.checks import Day
from cloud.reports.models import Reconciliation, ReconciliationItem
from cloud.reports.reconciliation_rules import DETAIL_MAX, Compared, Finding, Found, compared, differences
from cloud.reports.sheet import day_text
from cloud.reports.zone import zone_of
from cloud.rows import owned
from shared.civil import Zone

OPEN, SETTLED, ENDED = "open", "settled", "ended"
Check = Callable[[AsyncSession, Day], Awaitable[Found]]
CHECKS: tuple[Check, ...] = (
    checks_books.check,
    checks_payments.check,
    checks_vends.check,
    checks_meters.check,
    checks_providers.check,
    checks_agents.check,
    checks_tenders.check,
    checks_bulk.check,
    checks_bills.check,
)


@dataclass(frozen=True)
class Report:
    """A run with the differences that it lists."""

    run: Reconciliation
    items: Sequence[ReconciliationItem]


async def run(database: Database, actor: Named, utility_id: int, number: int | None, now: int) -> Report:
    """Reconcile a day, by default yesterday; Refused while it is not over, Conflict if a later day was reconciled."""
    day = await _day(database, utility_id, number, now)
    await posting.post_all(database, utility_id, day.until_s, now)
    async with database.begin() as session:
        await _one_at_a_time(session, utility_id)
        await months.close_due(session, utility_id, day.zone, now)
    found = await _found(database, day)
    weighed = compared(found)
    async with database.begin() as session:
        kept = await _keep(session, actor, day, weighed, differences(found, weighed, day.from_s))
        await doubts.doubt_late(session, utility_id, now - checks_tenders.DEADLINE_S, now)
        return kept


async def _day(database: Database, utility_id: int, number: int | None, now: int) -> Day:
    async with database.read() as session:
        utility = await session.get(Utility, utility_id)
        if utility is None:
            raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
        zone = await zone_of(session, utility_id)
        last = await last_run(session, utility_id)
    wanted = yesterday(zone, now) if number is None else number
    if wanted > yesterday(zone, now):
        raise Refused("day_not_over", f"{day_text(wanted)} is not over yet for this utility.")
    if last is not None and wanted < last.day:
        raise Conflict(
            "later_day_run", f"{day_text(last.day)} was reconciled already; read what {day_text(wanted)} was."
        )
    return Day(utility_id, utility.currency, wanted, zone.instant(wanted, 0), zone.instant(wanted + 1, 0), now, zone)


def yesterday(zone: Zone, now: int) -> int:
    """The last civil day that is over."""
    return int(zone.local(now)[0]) - 1


async def last_run(session: AsyncSession, utility_id: int) -> Reconciliation | None:
    """Return the run of the latest day."""
    mine = select(Reconciliation).where(Reconciliation.utility_id == utility_id)
    return await session.scalar(mine.order_by(Reconciliation.day.desc()).limit(1))


async def _found(database: Database, day: Day) -> Found:
    found = Found()
    async with database.read() as session:
        if database.engine.dialect.name == "postgresql":
            # Every check sees the same moment; SQLite does so by itself.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        for check in CHECKS:
            found.add(await check(session, day))
    return found


async def _keep(
    session: AsyncSession, actor: Named, day: Day, weighed: Sequence[Compared], listed: Sequence[Finding]
) -> Report:
    await _one_at_a_time(session, day.utility_id)
    mine = (Reconciliation.utility_id == day.utility_id, Reconciliation.day == day.number)
    row = await session.scalar(select(Reconciliation).where(*mine))
    if row is None:
        row = Reconciliation(utility_id=day.utility_id, day=day.number, runs=0)
        session.add(row)
    row.from_s, row.until_s, row.runs = day.from_s, day.until_s, row.runs + 1
    row.holds = not any(one.unexplained for one in weighed)
    row.lines = [one.to_json() for one in weighed]
    row.actor, row.ran_at = actor.label, day.now
    await session.flush()
    items = await _list(session, day, listed)
    still_open = sum(item.state == OPEN for item in items)
    detail = {"day": day_text(day.number), "holds": row.holds, "listed": len(items), "open": still_open}
    subject = f"reconciliation:{row.id}"
    await audit.record(session, actor, "reconciliation.run", subject, detail, utility_id=day.utility_id, now=day.now)
    return Report(row, items)


async def _one_at_a_time(session: AsyncSession, utility_id: int) -> None:
    # Runs wait for one another; sales do not, since what only refers to the utility passes this lock.
    locked = select(Utility.id).where(Utility.id == utility_id).with_for_update(key_share=True)
    await session.execute(locked)


async def _list(session: AsyncSession, day: Day, listed: Sequence[Finding]) -> list[ReconciliationItem]:
    standing = select(ReconciliationItem).where(
        ReconciliationItem.utility_id == day.utility_id, ReconciliationItem.state != ENDED
    )
    known = {(row.code, row.subject, row.unit): row for row in await session.scalars(standing)}
    items = []
    for one in listed:
        key = (one.code, one.subject, one.unit)
        row = known.pop(key, None) or _new(session, day, one)
        _update(row, day, one)
        items.append(row)
    for row in known.values():
        row.state, row.ended_day = ENDED, day.number
    await session.flush()
    return items


def _new(session: AsyncSession, day: Day, one: Finding) -> ReconciliationItem:
    row = ReconciliationItem(
        utility_id=day.utility_id,
        code=one.code,
        subject=one.subject,
        unit=one.unit,
        amount=one.amount,
        since=one.since,
        state=OPEN,
        first_day=day.number,
    )
    session.add(row)
    return row


def _update(row: ReconciliationItem, day: Day, one: Finding) -> None:
    if row.state == SETTLED and row.amount != one.amount:
        row.state = OPEN  # what was settled was another amount
    row.section, row.amount, row.since = one.section, one.amount, min(row.since, one.since)
    row.detail, row.last_day = one.detail[:DETAIL_MAX], day.number


async def report(session: AsyncSession, actor: Actor, run_id: int) -> Report:
    """Return a run with what it listed: the differences that had begun by its day and not ended before it."""
    row = await owned(session, actor, Reconciliation, run_id, "reconciliation")
    listed = select(ReconciliationItem).where(
        ReconciliationItem.utility_id == row.utility_id,
        ReconciliationItem.first_day <= row.day,
        ReconciliationItem.last_day >= row.day,
    )
    order = (ReconciliationItem.section, ReconciliationItem.code, ReconciliationItem.id)
    return Report(row, (await session.scalars(listed.order_by(*order))).all())


async def settle(session: AsyncSession, actor: Actor, item_id: int, note: str, now: int) -> ReconciliationItem:
    """Keep what a person says of a difference; it is listed until it is gone, and opens when its amount changes."""
    item = await owned(session, actor, ReconciliationItem, item_id, "difference")
    await session.refresh(item, with_for_update=True)
    if item.state == ENDED:
        raise Conflict("item_ended", f"Difference {item.id} is gone since {day_text(item.ended_day or 0)}.")
    actor.require_person()
    item.state, item.settled_by, item.settled_at, item.note = SETTLED, actor.label, now, note
    detail = {"code": item.code, "subject": item.subject, "amount": item.amount, "unit": item.unit, "note": note}
    subject = f"reconciliation-item:{item.id}"
    await audit.record(session, actor, "reconciliation.settle", subject, detail, utility_id=item.utility_id, now=now)
    return item
