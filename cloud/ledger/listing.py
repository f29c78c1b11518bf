"""Reading the ledger for people: entries with their verdicts, cases, what was set aside; and closing a case."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict
from cloud.ledger.models import Case, LedgerEntry, LedgerHead, Quarantine, Verdict
from cloud.meters.service import gateway_of, meter_of
from cloud.rows import of_actor, owned, rows_after


@dataclass(frozen=True)
class JudgedEntry:
    """An entry and the verdict in force about it, if it has one."""

    row: LedgerEntry
    verdict: Verdict | None


async def entries(
    session: AsyncSession, actor: Actor, gateway_id: int, epoch: int | None, query: PageQuery
) -> Sequence[JudgedEntry]:
    """Entries of an epoch, by default the newest with any, after a sequence; one more than asked if there are more."""
    await gateway_of(session, actor, gateway_id)
    if epoch is None:
        epoch = await _newest_epoch(session, gateway_id)
    mine = select(LedgerEntry).where(LedgerEntry.gateway_id == gateway_id, LedgerEntry.epoch == epoch)
    rows = await rows_after(session, mine, LedgerEntry.sequence, query)
    if not rows:
        return []
    verdicts = await _verdicts(session, gateway_id, epoch, rows[0].sequence, rows[-1].sequence)
    return [JudgedEntry(row, verdicts.get(row.sequence)) for row in rows]


async def _newest_epoch(session: AsyncSession, gateway_id: int) -> int:
    begun = select(func.max(LedgerHead.epoch)).where(LedgerHead.gateway_id == gateway_id, LedgerHead.sequence > 0)
    return await session.scalar(begun) or 0


async def _verdicts(session: AsyncSession, gateway_id: int, epoch: int, first: int, last: int) -> dict[int, Verdict]:
    among = select(Verdict).where(
        Verdict.gateway_id == gateway_id, Verdict.epoch == epoch, Verdict.sequence.between(first, last)
    )
    return {row.sequence: row for row in await session.scalars(among.order_by(Verdict.id))}  # the last one counts


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are asked for: of one state, of one kind, about one meter; None for all."""

    state: str | None = None
    kind: str | None = None
    drn: str | None = None


async def cases(session: AsyncSession, actor: Actor, wanted: CaseFilter, query: PageQuery) -> Sequence[Case]:
    """A page of the cases that the caller may see."""
    found = of_actor(select(Case), actor, Case.utility_id)
    if wanted.state is not None:
        found = found.where(Case.state == wanted.state)
    if wanted.kind is not None:
        found = found.where(Case.kind == wanted.kind)
    if wanted.drn is not None:
        meter = await meter_of(session, actor, wanted.drn)
        found = found.where(Case.gateway_id == meter.gateway_id, Case.channel == meter.channel)
    return await rows_after(session, found, Case.id, query)


async def case(session: AsyncSession, actor: Actor, case_id: int) -> Case:
    """A case that the caller may see."""
    return await owned(session, actor, Case, case_id, "case")


async def close_case(session: AsyncSession, actor: Actor, case_id: int, note: str, now: int) -> Case:
    """Close a case with what was found; the verdict stays as it is. Conflict if it is closed already."""
    row = await owned(session, actor, Case, case_id, "case")
    await session.refresh(row, with_for_update=True)
    if row.state != "open":
        raise Conflict("case_closed", f"Case {case_id} was closed by {row.closed_by}.")
    row.state, row.closed_at, row.closed_by, row.note = "closed", now, actor.label, note
    await audit.record(
        session, actor, "case.close", f"case:{case_id}", {"note": note}, utility_id=row.utility_id, now=now
    )
    return row


async def quarantined(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Quarantine]:
    """A page of the messages set aside that the caller may see."""
    return await rows_after(session, of_actor(select(Quarantine), actor, Quarantine.utility_id), Quarantine.id, query)
