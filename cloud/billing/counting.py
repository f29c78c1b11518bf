"""What a span is to be billed next, through a civil day: registers from the ledger, prices from the versions."""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.billing import registers, rules, spans
from cloud.billing.document import Content, Registers, Stretch, stretch
from cloud.billing.models import Bill, CreditSpan
from cloud.billing.rules import Days, SoFar
from cloud.billing.switch_models import ModeSwitch
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.terms import CONSUMPTION, from_json
from cloud.tariffs.versions import APPROVED
from cloud.vending.hold_models import was_cancelled
from cloud.vending.sale_models import SaleRecord
from shared.civil import Zone


@dataclass(frozen=True)
class Edge:
    """Where one stretch ends and the next begins."""

    day: int
    register_ml: int
    read_day: int


@dataclass(frozen=True)
class _Version:
    """A version and the first civil day that it holds for: the one whose midnight it is in force at.

    The first version of a class holds from the day on which it comes into force, as nothing was before it.
    """

    row: TariffVersion
    from_day: int


async def next_bill(session: AsyncSession, span: CreditSpan, through_day: int) -> Content | None:
    """Return the bill of what was not billed yet through a day, None for nothing; Refused says why there can be none.

    A span that ends before or on that day gets its last bill, up to the register at its end.
    """
    meter = await session.get_one(Meter, span.meter_id)
    await _check_settled(session, meter, span)
    begin = await begun(session, span)
    end = await _end(session, span, meter, through_day, begin)
    if end is None:
        return None
    if end.register_ml < begin.register_ml:
        fell = f"the register stands at {end.register_ml}, below {begin.register_ml} of the bill before"
        raise Refused("register_fell", f"Meter {meter.drn} cannot be billed: {fell}; correct that bill first.")
    if said := await registers.objection(session, meter, begin.register_ml, end.register_ml):
        raise Refused("ledger_contradicted", f"Meter {meter.drn} cannot be billed: {said}.")
    tariff = await session.get_one(Tariff, span.tariff_id)
    versions = await _versions(session, tariff, await spans.zone_of(session, span.utility_id))
    parts = await _stretches(session, span, meter, versions, begin, end)
    carried_minor = span.carried_minor if _is_first(span, begin) else 0
    return Content(
        drn=meter.drn,
        commodity=meter.commodity,
        tariff=tariff.name,
        currency=tariff.currency,
        from_day=begin.day,
        until_day=end.day,
        from_register_ml=begin.register_ml,
        until_register_ml=end.register_ml,
        final=span.until_day == end.day,
        stretches=parts,
        volume_ml=sum(part.volume_ml for part in parts),
        carried_minor=carried_minor,
        total_minor=sum(part.total_minor for part in parts) + carried_minor,
    )


def _is_first(span: CreditSpan, begin: Edge) -> bool:
    """Whether a bill that begins there is the first of the span: what was owed at the meter is in that one."""
    return (begin.day, begin.register_ml) == (span.from_day, span.from_register_ml)


async def _check_settled(session: AsyncSession, meter: Meter, span: CreditSpan) -> None:
    """What was owed at the meter before belongs into the first bill, so that waits until it is known."""
    if span.until_day is not None:
        return
    open_one = (ModeSwitch.meter_id == meter.id, ModeSwitch.payment == "credit", ModeSwitch.state.in_(spans.UNDER_WAY))
    if await session.scalar(select(ModeSwitch.id).where(*open_one)) is not None:
        wait = f"Meter {meter.drn} is left out: its switch to credit is not settled yet; count again once it is."
        raise Refused("switch_open", wait)


async def standing_bills(session: AsyncSession, *narrowed: ColumnElement[bool]) -> list[Bill]:
    """Return bills that no credit note took back, oldest first."""
    note = aliased(Bill)
    corrected = select(note.id).where(note.corrects_id == Bill.id).correlate(Bill).exists()
    mine = select(Bill).where(Bill.corrects_id.is_(None), ~corrected, *narrowed)
    return list(await session.scalars(mine.order_by(Bill.id)))


async def begun(session: AsyncSession, span: CreditSpan) -> Edge:
    """Return up to where a span is billed."""
    billed = await standing_bills(session, Bill.span_id == span.id)
    if not billed:
        return Edge(span.from_day, span.from_register_ml, span.from_day - 1)
    last = max(billed, key=lambda bill: bill.part)
    return Edge(last.until_day, last.until_register_ml, last.until_day - 1)


async def _end(session: AsyncSession, span: CreditSpan, meter: Meter, through_day: int, begin: Edge) -> Edge | None:
    """Where the bill ends; None when everything is billed."""
    if span.until_day is not None and span.until_day <= through_day + 1:
        assert span.until_register_ml is not None, "a span that ended has a register"
        end = Edge(span.until_day, span.until_register_ml, span.until_day)
        return None if (end.day, end.register_ml) == (begin.day, begin.register_ml) else end
    if through_day + 1 <= begin.day:
        return None
    return await _edge(session, meter, through_day)


async def _edge(session: AsyncSession, meter: Meter, day: int) -> Edge:
    found = await registers.at_end_of(session, meter, day)
    if found is None:
        late = f"its gateway has not told the register at the end of {rules.date_text(day)}"
        raise Refused("reading_missing", f"Meter {meter.drn} is left out: {late}; count again once it has.")
    return Edge(day + 1, found.register_ml, found.read_day)


async def _versions(session: AsyncSession, tariff: Tariff, zone: Zone) -> list[_Version]:
    approved = select(TariffVersion).where(TariffVersion.tariff_id == tariff.id, TariffVersion.state == APPROVED)
    ordered = approved.order_by(TariffVersion.effective_from_s, TariffVersion.version)
    rows = (await session.scalars(ordered)).all()
    found = [_Version(row, _first_day(zone, row.effective_from_s)) for row in rows]
    return [_Version(one.row, zone.local(one.row.effective_from_s)[0]) for one in found[:1]] + found[1:]


def _first_day(zone: Zone, effective_from_s: int) -> int:
    day = zone.local(effective_from_s)[0]
    return day if zone.instant(day, 0) >= effective_from_s else day + 1


def _version_on(tariff_id: int, versions: list[_Version], day: int) -> TariffVersion:
    holding = [version.row for version in versions if version.from_day <= day]
    if not holding:
        none = f"Tariff {tariff_id} has no version in force on {rules.date_text(day)}"
        raise Refused("no_tariff_in_force", f"{none}; approve one, or give the meter another class.")
    found = holding[-1]
    if found.terms["basis"] != CONSUMPTION:
        sells = f"Version {found.version} of tariff {tariff_id} counts what is bought, so it prices tokens and no bills"
        raise Refused("basis_wrong", f"{sells}; give the meter a class with the consumption basis.")
    return found


async def _stretches(
    session: AsyncSession, span: CreditSpan, meter: Meter, versions: list[_Version], begin: Edge, end: Edge
) -> list[Stretch]:
    carried = span.carried_ml if _is_first(span, begin) else 0
    parts: list[Stretch] = []
    before, month, edge = SoFar(), -1, begin
    for days in rules.cut(begin.day, end.day, [version.from_day for version in versions]):
        if days.month != month:
            month = days.month
            before = await _so_far(session, span, month)
        last = days.until_day == end.day
        upto = end if last else await _edge(session, meter, days.until_day - 1)
        row = _version_on(span.tariff_id, versions, days.from_day)
        terms = from_json(row.terms)
        closes = days.until_day == rules.month_days(month).until_day or (last and span.until_day == end.day)
        flowed = upto.register_ml - edge.register_ml
        if last and span.until_day == end.day and meter.payment == "prepayment" and meter.account == "unit":
            # The first purchase of this month takes the fixed charge of all of it; a tariff on the device does not.
            before = replace(before, bought_fixed_minor=max(before.bought_fixed_minor, terms.fixed_month_minor))
        charged = rules.charge(terms, days, flowed + carried, before, closes=closes)
        read = Registers(
            from_register_ml=edge.register_ml,
            until_register_ml=upto.register_ml,
            read_day=upto.read_day,
            carried_ml=carried,
        )
        parts.append(stretch(charged, read, row.version))
        before, edge, carried = rules.after(before, charged), upto, 0
    return parts


async def _so_far(session: AsyncSession, span: CreditSpan, month: int) -> SoFar:
    """What the month has had at this meter for this customer."""
    days: Days = rules.month_days(month)
    mine = (Bill.meter_id == span.meter_id, Bill.customer_id == span.customer_id, Bill.until_day >= days.from_day)
    bills = await standing_bills(session, *mine, Bill.from_day < days.until_day)
    parts = [part for bill in bills for part in Content.model_validate(bill.content).stretches if part.month == month]
    fixed = select(func.coalesce(func.sum(SaleRecord.fixed_minor), 0))
    taken = (SaleRecord.meter_id == span.meter_id, SaleRecord.month == month)
    bought = await session.scalar(fixed.where(*taken, ~was_cancelled(SaleRecord.purchase_id)))
    return SoFar(
        volume_ml=sum(part.volume_ml for part in parts),
        volume_minor=sum(part.volume_minor for part in parts),
        fixed_minor=sum(part.fixed_minor for part in parts),
        minimum_minor=sum(part.minimum_taxed_minor for part in parts),
        days=sum(part.until_day - part.from_day for part in parts),
        bought_fixed_minor=int(bought or 0),
    )
