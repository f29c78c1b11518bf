"""A meter's account day by day, as its ledger moved it, and bulk meters against the meters behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.meters.models import Meter
from cloud.reports.models import MeterDay
from shared import kinds

_MOVES = (MeterDay.token, MeterDay.granted, MeterDay.carried, MeterDay.unexplained)
_TAKES = (MeterDay.consumed, MeterDay.fixed, MeterDay.cleared)


@dataclass(frozen=True)
class DayOfMeter:
    """What a meter held before and after a day, in the unit of its row."""

    row: MeterDay
    opening: int
    closing: int


@dataclass(frozen=True)
class Behind:
    """What a gateway's bulk meters of a commodity counted, and the meters behind them, in ml or mWh."""

    gateway_id: int
    commodity: str
    bulk_ml: int
    behind_ml: int

    @property
    def missing_ml(self) -> int:
        """What the meters behind did not count; below zero what they counted too much."""
        return self.bulk_ml - self.behind_ml


async def days_of(session: AsyncSession, meter: Meter, first: int, last: int) -> Sequence[DayOfMeter]:
    """Return the days of a meter on which anything moved, from the first to the last, by rising day."""
    mine = MeterDay.meter_id == meter.id
    moved = sum(_MOVES[1:], start=_MOVES[0]) - sum(_TAKES[1:], start=_TAKES[0])
    before = select(MeterDay.unit, func.sum(moved)).where(mine, MeterDay.day < first).group_by(MeterDay.unit)
    held = {unit: int(amount) for unit, amount in await session.execute(before)}
    found = select(MeterDay, moved).where(mine, MeterDay.day.between(first, last))
    shown = []
    for row, change in await session.execute(found.order_by(MeterDay.day, MeterDay.unit)):
        opening = held.get(row.unit, 0)
        held[row.unit] = opening + change
        shown.append(DayOfMeter(row, opening, held[row.unit]))
    return shown


async def behind_bulk(session: AsyncSession, utility_id: int, first: int, last: int) -> Sequence[Behind]:
    """Return what bulk meters counted in a time and what the other meters of their gateways did, by gateway."""
    is_bulk = Meter.mode.op("&")(kinds.MODE_BULK) != 0
    bulk = func.sum(case((is_bulk, MeterDay.volume_ml), else_=0))
    behind = func.sum(case((is_bulk, 0), else_=MeterDay.volume_ml))
    sums = (
        select(Meter.gateway_id, Meter.commodity, bulk, behind)
        .join(MeterDay, MeterDay.meter_id == Meter.id)
        .where(MeterDay.utility_id == utility_id, MeterDay.day.between(first, last))
        .group_by(Meter.gateway_id, Meter.commodity)
        .having(func.max(case((is_bulk, 1), else_=0)) == 1)
        .order_by(Meter.gateway_id, Meter.commodity)
    )
    return [Behind(row[0], row[1], int(row[2]), int(row[3])) for row in await session.execute(sums)]
