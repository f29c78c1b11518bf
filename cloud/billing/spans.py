"""The times in which a meter is billed afterwards, by whom and by which class: what its ledger's MODE entries say.

A span begins and ends at a register of the ledger, so nothing that flowed is billed twice or left out.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing import registers
from cloud.billing.models import CreditSpan
from cloud.billing.registers import ModeEntry
from cloud.billing.switch_models import ModeSwitch
from cloud.meters import policies, standing
from cloud.meters.models import Meter
from shared import kinds
from shared.civil import Zone
from shared.policy import decode_policy

ORDERED, SETTLING = "ordered", "settling"
UNDER_WAY = (ORDERED, SETTLING)
FIRST_CYCLE = 1


async def zone_of(session: AsyncSession, utility_id: int) -> Zone:
    """Return the civil time of a utility."""
    return Zone(decode_policy((await policies.latest(session, utility_id)).document).zone)


async def refresh(session: AsyncSession, meter: Meter, now: int) -> list[CreditSpan]:
    """Bring the spans of a meter up to what its ledger says; return them all, oldest first.

    The meter's row is locked, so that two who look at once make one span.
    """
    await session.refresh(meter, with_for_update=True)
    spans = list(await of_meter(session, meter.id))
    entries = await registers.modes(session, meter)
    if not entries:
        return spans
    zone = await zone_of(session, meter.utility_id)
    last = spans[-1] if spans else None
    for entry in _after(entries, last):
        day = zone.local(entry.time_s)[0]
        if last is not None and last.until_day is None and not entry.credit:
            last.until_day, last.until_register_ml = max(day, last.from_day), entry.register_ml
        elif (last is None or last.until_day is not None) and entry.credit:
            last = await _opened(session, meter, entry, day, now)
            if last is None:
                break
            spans.append(last)
    await session.flush()
    return spans


async def of_meter(session: AsyncSession, meter_id: int) -> Sequence[CreditSpan]:
    """The spans of a meter, oldest first."""
    return (
        await session.scalars(select(CreditSpan).where(CreditSpan.meter_id == meter_id).order_by(CreditSpan.id))
    ).all()


def _after(entries: list[ModeEntry], last: CreditSpan | None) -> list[ModeEntry]:
    """What came after the entry that a span began with, and after its end."""
    if last is None:
        return entries
    at = [
        index
        for index, entry in enumerate(entries)
        if (entry.gateway_id, entry.epoch, entry.sequence) == (last.gateway_id, last.epoch, last.sequence)
    ]
    later = entries[at[0] + 1 :] if at else entries
    if last.until_day is None:
        return later
    ends = [index for index, entry in enumerate(later) if not entry.credit]
    return later[ends[0] :] if ends else []


async def _opened(session: AsyncSession, meter: Meter, entry: ModeEntry, day: int, now: int) -> CreditSpan | None:
    """A new span, by the switch that led to it, where there is one; None for a meter that nobody pays for."""
    if meter.customer_id is None:
        return None
    switch = await session.scalar(
        select(ModeSwitch).where(
            ModeSwitch.meter_id == meter.id,
            ModeSwitch.payment == "credit",
            ModeSwitch.state.in_(UNDER_WAY),
        )
    )
    span = CreditSpan(
        utility_id=meter.utility_id,
        meter_id=meter.id,
        customer_id=meter.customer_id,
        tariff_id=meter.tariff_id if switch is None else switch.tariff_id,
        cycle=FIRST_CYCLE if switch is None else switch.cycle,
        gateway_id=entry.gateway_id,
        epoch=entry.epoch,
        sequence=entry.sequence,
        from_day=day,
        from_register_ml=entry.register_ml,
        carried_ml=0,
        created_at=now,
    )
    session.add(span)
    await session.flush()
    return span


async def end(session: AsyncSession, meter: Meter, now: int) -> CreditSpan | None:
    """End the open span at the meter's last verified register; None if there is none.

    For who moves out: the next run has their last bill. Nothing is billed until `cut` or a MODE entry begins anew.
    """
    spans = await refresh(session, meter, now)
    last = spans[-1] if spans else None
    state = await standing.latest(session, meter)
    if last is None or last.until_day is not None or state is None:
        return None
    day = (await zone_of(session, meter.utility_id)).local(now)[0]
    last.until_day, last.until_register_ml = max(day, last.from_day), int(state.register)
    await session.flush()
    return last


async def cut(session: AsyncSession, meter: Meter, customer_id: int, now: int) -> CreditSpan | None:
    """Bill the meter to this customer from its last verified register on; None for a meter that is not billed.

    What flowed before is billed to who lived there, with their last bill; what flowed while nobody did, to nobody.
    """
    await end(session, meter, now)
    state = await standing.latest(session, meter)
    entries = [entry for entry in await registers.modes(session, meter) if entry.credit]
    if state is None or not entries or not state.has(kinds.MODE_CREDIT):
        return None
    begun, day = entries[-1], (await zone_of(session, meter.utility_id)).local(now)[0]
    before = await of_meter(session, meter.id)
    following = CreditSpan(
        utility_id=meter.utility_id,
        meter_id=meter.id,
        customer_id=customer_id,
        tariff_id=before[-1].tariff_id if before else meter.tariff_id,
        cycle=before[-1].cycle if before else FIRST_CYCLE,
        gateway_id=begun.gateway_id,
        epoch=begun.epoch,
        sequence=begun.sequence,
        from_day=day,
        from_register_ml=int(state.register),
        carried_ml=0,
        created_at=now,
    )
    session.add(following)
    await session.flush()
    return following
