"""What was set aside and what a person must look at: quarantine and cases. Repeats are counted, not piled up."""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.messages import Message, Refusal
from cloud.ledger.models import Case, Quarantine

REASON_MAX = 300
KEPT_PER_GATEWAY_MAX = 1000
"""Messages kept of one gateway and code; a flood is counted on the last one, and hides no evidence of another code."""


async def quarantine(
    session: AsyncSession, message: Message, refusal: Refusal, *, utility_id: int | None, now: int
) -> int:
    """Keep a refused message byte for byte; return the id of its row."""
    alike = (Quarantine.gateway_id == message.gateway, Quarantine.code == refusal.code)
    if await _is_full(session, alike):
        return await _count_on_last(session, alike, now)
    statement = _insert(session)(Quarantine).values(
        utility_id=utility_id,
        gateway_id=message.gateway,
        code=refusal.code,
        reason=refusal.reason[:REASON_MAX],
        sha256=hashlib.sha256(message.data).digest(),
        raw=message.data,
        times=1,
        first_at=message.arrived_at,
        last_at=now,
    )
    repeated = statement.on_conflict_do_update(
        index_elements=["gateway_id", "sha256"],
        set_={
            "times": Quarantine.times + 1,
            "last_at": now,
            "code": refusal.code,
            "reason": refusal.reason[:REASON_MAX],
        },
    )
    return int((await session.execute(repeated.returning(Quarantine.id))).scalar_one())


async def _is_full(session: AsyncSession, alike: tuple[ColumnElement[bool], ...]) -> bool:
    kept = select(func.count()).select_from(Quarantine).where(*alike)
    return int((await session.execute(kept)).scalar_one()) >= KEPT_PER_GATEWAY_MAX


async def _count_on_last(session: AsyncSession, alike: tuple[ColumnElement[bool], ...], now: int) -> int:
    kept = select(Quarantine).where(*alike).order_by(Quarantine.id.desc()).limit(1)
    last = (await session.scalars(kept.with_for_update())).one()
    last.times += 1
    last.last_at = now
    return last.id


async def open_case(
    session: AsyncSession,
    *,
    utility_id: int | None,
    gateway_id: int,
    kind: str,
    detail: str,
    now: int,
    epoch: int = 0,
    sequence: int = 0,
    channel: int | None = None,
    quarantine_id: int | None = None,
) -> None:
    """Open a case, or count one more on the open case of the same gateway, kind, epoch and entry."""
    statement = _insert(session)(Case).values(
        utility_id=utility_id,
        gateway_id=gateway_id,
        kind=kind,
        epoch=epoch,
        sequence=sequence,
        channel=channel,
        detail=detail,
        quarantine_id=quarantine_id,
        state="open",
        times=1,
        opened_at=now,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["gateway_id", "kind", "epoch", "sequence"],
            index_where=text("state = 'open'"),
            set_={"times": Case.times + 1, "quarantine_id": func.coalesce(quarantine_id, Case.quarantine_id)},
        )
    )


async def open_of_meter(
    session: AsyncSession,
    *,
    utility_id: int,
    gateway_id: int,
    kind: str,
    detail: str,
    now: int,
    epoch: int,
    sequence: int,
    channel: int,
) -> None:
    """Open a case about an entry of a meter, or count one more on its open case of the same kind and detail.

    The caller holds the head of the ledger, so nobody opens the same one meanwhile.
    """
    alike = (Case.gateway_id == gateway_id, Case.channel == channel, Case.kind == kind, Case.detail == detail)
    known = await session.scalar(select(Case).where(*alike, Case.state == "open").limit(1).with_for_update())
    if known is not None:
        known.times += 1
        return
    await open_case(
        session,
        utility_id=utility_id,
        gateway_id=gateway_id,
        kind=kind,
        detail=detail,
        now=now,
        epoch=epoch,
        sequence=sequence,
        channel=channel,
    )


def _insert(session: AsyncSession) -> Any:
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
