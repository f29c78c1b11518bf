"""Where a meter stands by its ledger: balance, register and the last verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.models import LedgerHead, Verdict
from cloud.meters.models import Meter
from shared import kinds
from shared.state import MeterState, from_bytes

_VERDICTS_SHOWN = 10


@dataclass(frozen=True)
class Standing:
    """Figures in ml, None before the ledger has said anything about the meter; verdicts, newest first."""

    balance_ml: int | None
    register_ml: int | None
    verdicts: Sequence[Verdict]


async def of(session: AsyncSession, meter: Meter) -> Standing:
    """Return the standing of a meter at the last entry that is held without a gap."""
    figures = await _latest_figures(session, meter)
    verdicts = await _verdicts(session, meter)
    if figures is None:
        return Standing(None, None, verdicts)
    return Standing(figures.pots[kinds.TOKEN_CREDIT], figures.register, verdicts)


async def _latest_figures(session: AsyncSession, meter: Meter) -> MeterState | None:
    # An epoch may have ended before its meters were heard of: then the one before it says where they stand.
    heads = select(LedgerHead).where(LedgerHead.gateway_id == meter.gateway_id, LedgerHead.sequence > 0)
    for head in await session.scalars(heads.order_by(LedgerHead.epoch.desc())):
        figures = from_bytes(head.state).meters.get(meter.channel)
        if figures is not None:
            return figures
    return None


async def _verdicts(session: AsyncSession, meter: Meter) -> Sequence[Verdict]:
    found = select(Verdict).where(Verdict.gateway_id == meter.gateway_id, Verdict.channel == meter.channel)
    return (await session.scalars(found.order_by(Verdict.id.desc()).limit(_VERDICTS_SHOWN))).all()
