"""Credit whose payment was never proven: its verdict becomes unexplained by a later one, and explained again by proof.

Verdicts are only added. Without this, who can type a tender could explain any token.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger import cases
from cloud.ledger.models import Verdict
from cloud.ledger.rules import EXPLAINED, UNEXPLAINED
from cloud.reports.checks_tenders import unproven
from cloud.vending.models import Vend


async def doubt_late(session: AsyncSession, utility_id: int, before_s: int, now: int) -> int:
    """Doubt every token of purchases before a time whose tender nobody has proven; return how many were new."""
    late = unproven(utility_id).where(Vend.created_at < before_s).with_only_columns(Vend.purchase_id).order_by(None)
    count = 0
    for verdict, vend in await _of(session, Vend.purchase_id.in_(late)):
        if (await _latest(session, verdict)).verdict != EXPLAINED:
            continue
        reason = f"vend {vend.id}: its tender was typed, and nobody has proven it in time"
        session.add(_later(verdict, UNEXPLAINED, reason, vend, now))
        await cases.open_case(
            session,
            utility_id=verdict.utility_id,
            gateway_id=verdict.gateway_id,
            kind=UNEXPLAINED,
            detail=f"token: {reason}",
            now=now,
            epoch=verdict.epoch,
            sequence=verdict.sequence,
            channel=verdict.channel,
        )
        count += 1
    await session.flush()
    return count


async def lift(session: AsyncSession, purchase_id: str, now: int) -> None:
    """A tender was proven: what was doubted for it is explained again. Its cases are for a person to close."""
    for verdict, vend in await _of(session, Vend.purchase_id == purchase_id):
        if (await _latest(session, verdict)).verdict == UNEXPLAINED:
            session.add(_later(verdict, EXPLAINED, f"vend {vend.id}: its tender was proven", vend, now))
    await session.flush()


async def _of(session: AsyncSession, wanted: ColumnElement[bool]) -> Sequence[tuple[Verdict, Vend]]:
    found = select(Verdict, Vend).join(Vend, Vend.consumed_by == Verdict.id).where(wanted).order_by(Verdict.id)
    return [(row[0], row[1]) for row in await session.execute(found)]


async def _latest(session: AsyncSession, verdict: Verdict) -> Verdict:
    place = (
        Verdict.gateway_id == verdict.gateway_id,
        Verdict.epoch == verdict.epoch,
        Verdict.sequence == verdict.sequence,
    )
    return (await session.scalars(select(Verdict).where(*place).order_by(Verdict.id.desc()).limit(1))).one()


def _later(verdict: Verdict, found: str, reason: str, vend: Vend, now: int) -> Verdict:
    return Verdict(
        utility_id=verdict.utility_id,
        gateway_id=verdict.gateway_id,
        epoch=verdict.epoch,
        sequence=verdict.sequence,
        channel=verdict.channel,
        kind=verdict.kind,
        verdict=found,
        reason=reason,
        cause=f"vend:{vend.id}",
        vend_id=None,
        at=now,
    )
