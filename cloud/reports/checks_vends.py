"""Vends against ledgers, as the books have both: what was issued is in flight, on meters, consumed or void."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books import rules as book_rules
from cloud.meters.models import Meter
from cloud.reports.checks import Day, by_kind
from cloud.reports.models import MeterDay, MeterPosition
from cloud.reports.reconciliation_rules import Finding, Found, Line
from cloud.tariffs.models import Tariff
from cloud.vending.models import Vend
from cloud.vending.money import per_minor

SECTION = "vends"
OLD_S = 30 * 86_400
"""A token that no meter has shown for so long is listed: it may be lost."""
VOIDING_OLD_S = 14 * 86_400


@dataclass
class _Volumes:
    """What was vended of a commodity, by what became of it."""

    in_flight: int = 0
    accepted: int = 0
    void: int = 0


async def check(session: AsyncSession, day: Day) -> Found:
    """Check the book of volumes and the money on meters, and list what is in flight for too long."""
    found = Found(lines=await _volumes(session, day))
    found.lines += await _money(session, day)
    found.findings += await _old(session, day) + await _unexplained(session, day)
    return found


async def _volumes(session: AsyncSession, day: Day) -> list[Line]:
    sold = await _sold(session, day)
    moved = await _moved(session, day)
    accounts = {
        name: await by_kind(session, day.utility_id, name)
        for name in ("issued", "free", "in_flight", "meter_credit", "void")
    }
    lines: list[Line] = []
    for commodity in sorted(set(sold) | set(moved)):
        unit, row = book_rules.UNITS[commodity], sold[commodity]

        def balance(name: str, of: str = commodity, unit: str = unit) -> int:
            return sum(accounts[name].get((f"{name}:{of}", unit), {}).values())

        whole = row.in_flight + row.accepted + row.void
        lines += [
            Line(SECTION, f"{commodity} issued, and vends", unit, balance("issued") + balance("free"), whole),
            Line(
                SECTION,
                f"{commodity} in flight, and vends without an entry",
                unit,
                -balance("in_flight"),
                row.in_flight,
            ),
            Line(SECTION, f"{commodity} void, and vends that were burnt", unit, -balance("void"), row.void),
            Line(
                SECTION,
                f"{commodity} on meters, and vends taken in with what else moved",
                unit,
                -balance("meter_credit"),
                row.accepted + moved.get(commodity, 0),
            ),
        ]
    return lines


async def _sold(session: AsyncSession, day: Day) -> dict[str, _Volumes]:
    state = case((Vend.consumed_by.is_not(None), "accepted"), (Vend.voided_at.is_not(None), "void"), else_="in_flight")
    sums = (
        select(Meter.commodity, state, func.sum(Vend.volume_ml))
        .join(Meter, Meter.id == Vend.meter_id)
        .where(Vend.utility_id == day.utility_id)
        .group_by(Meter.commodity, state)
    )
    found: dict[str, _Volumes] = defaultdict(_Volumes)
    for commodity, name, volume in await session.execute(sums):
        setattr(found[commodity], name, int(volume))
    return found


async def _moved(session: AsyncSession, day: Day) -> dict[str, int]:
    sums = (
        select(Meter.commodity, func.sum(MeterPosition.moved))
        .join(Meter, Meter.id == MeterPosition.meter_id)
        .where(MeterPosition.utility_id == day.utility_id)
        .group_by(Meter.commodity)
    )
    return {commodity: int(amount) for commodity, amount in await session.execute(sums)}


async def _money(session: AsyncSession, day: Day) -> list[Line]:
    """Money on meters: what was paid for tokens that are not void, and what else moved, in whole minor units."""
    paid = (
        select(Tariff.currency, func.sum(Vend.amount_minor))
        .join(Tariff, Tariff.id == Vend.tariff_id)
        .where(Vend.utility_id == day.utility_id, Vend.money.is_not(None), Vend.voided_at.is_(None))
        .group_by(Tariff.currency)
    )
    sold = {currency: int(amount) for currency, amount in await session.execute(paid)}
    moved: dict[str, int] = defaultdict(int)
    positions = (
        select(Tariff.currency, MeterPosition.moved_money)
        .join(Meter, Meter.id == MeterPosition.meter_id)
        .join(Tariff, Tariff.id == Meter.tariff_id)
        .where(MeterPosition.utility_id == day.utility_id, MeterPosition.moved_money != 0)
    )
    for currency, amount in await session.execute(positions):
        moved[currency] += amount // per_minor(currency)
    held = {unit: kinds for (_, unit), kinds in (await by_kind(session, day.utility_id, "meter_money")).items()}
    name = "money on meters, and tokens with what else moved"
    return [
        Line(SECTION, name, unit, -sum(held.get(unit, {}).values()), sold.get(unit, 0) + moved.get(unit, 0))
        for unit in sorted(set(held) | set(sold) | set(moved))
    ]


async def _old(session: AsyncSession, day: Day) -> list[Finding]:
    """By meter: tokens that nobody has shown for long, and voids that are out for long."""
    unused = (Vend.utility_id == day.utility_id, Vend.consumed_by.is_(None), Vend.voided_at.is_(None))
    late = (Vend.created_at < day.now - OLD_S) | (Vend.void_ordered_at < day.now - VOIDING_OLD_S)
    sums = (
        select(
            Meter.drn,
            Meter.commodity,
            Vend.void_tid.is_not(None),
            func.count(),
            func.sum(Vend.volume_ml),
            func.min(Vend.created_at),
        )
        .join(Meter, Meter.id == Vend.meter_id)
        .where(*unused, late)
        .group_by(Meter.drn, Meter.commodity, Vend.void_tid.is_not(None))
        .order_by(Meter.drn)
    )
    found = []
    for drn, commodity, voiding, count, volume, since in await session.execute(sums):
        code = "voiding_old" if voiding else "in_flight_old"
        said = f"{count} {'tokens wait for their void' if voiding else 'tokens were not used'}"
        unit = book_rules.UNITS[commodity]
        found.append(Finding(SECTION, code, f"meter:{drn}", unit, int(volume), since, said))
    return found


async def _unexplained(session: AsyncSession, day: Day) -> list[Finding]:
    """By meter: credit that stands there and nothing allows."""
    sums = (
        select(Meter.drn, Meter.commodity, MeterDay.unit, func.sum(MeterDay.unexplained), func.min(MeterDay.day))
        .join(Meter, Meter.id == MeterDay.meter_id)
        .where(MeterDay.utility_id == day.utility_id, MeterDay.unexplained != 0)
        .group_by(Meter.drn, Meter.commodity, MeterDay.unit)
        .order_by(Meter.drn)
    )
    said = "the meter holds credit that no vend, grant or command explains; see its cases"
    return [
        Finding(SECTION, "credit_unexplained", f"meter:{drn}", unit, int(amount), day.zone.instant(first, 0), said)
        for drn, _, unit, amount, first in await session.execute(sums)
    ]
