"""The calendar of billing cycles: on its day of each month a cycle's run is begun by itself, for a person to release.

The run goes through the day before, and begins in the morning, when gateways have closed their days. After a time in
which nothing ran the newest day that was missed is begun, once; its bills hold what earlier ones would have.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, system
from cloud.billing import runs, spans
from cloud.billing.models import BillingCycle, BillRun, CreditSpan
from cloud.errors import NotFound, Refused
from cloud.meters.models import Meter, Utility
from cloud.meters.service import meter_of
from cloud.rows import of_actor, owned, rows_after
from shared.civil import Zone, date_of, day_of

ACTOR = system("billing")
MORNING_MIN = 6 * 60
"""From which minute of its day on a run is begun: a gateway tells its day once it is connected."""


async def set_day(
    session: AsyncSession, actor: Actor, utility_id: int, cycle: int, day: int | None, now: int
) -> BillingCycle:
    """Say on which day of each month a cycle is billed, from today on; None for by hand only."""
    actor.require_utility(utility_id)
    if await session.get(Utility, utility_id, with_for_update={"key_share": True}) is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    mine = (BillingCycle.utility_id == utility_id, BillingCycle.cycle == cycle)
    row = await session.scalar(select(BillingCycle).where(*mine).with_for_update())
    row = row or BillingCycle(utility_id=utility_id, cycle=cycle)
    row.from_day = (await spans.zone_of(session, utility_id)).local(now)[0]
    row.day, row.set_by, row.set_at = day, actor.label, now
    session.add(row)
    await session.flush()
    detail = {"cycle": cycle, "day": day}
    await audit.record(
        session, actor, "billing-cycle.set", f"billing-cycle:{row.id}", detail, utility_id=utility_id, now=now
    )
    return row


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[BillingCycle]:
    """A page of the cycles that the caller may see."""
    mine = of_actor(select(BillingCycle), actor, BillingCycle.utility_id)
    return await rows_after(session, mine, BillingCycle.id, query)


async def counts(session: AsyncSession, cycles: Sequence[BillingCycle]) -> dict[int, int]:
    """Return how many meters are billed in each cycle now, by its id."""
    billed = select(CreditSpan.utility_id, CreditSpan.cycle, func.count()).where(CreditSpan.until_day.is_(None))
    mine = billed.where(CreditSpan.utility_id.in_({row.utility_id for row in cycles}))
    found = await session.execute(mine.group_by(CreditSpan.utility_id, CreditSpan.cycle))
    by_cycle = {(utility_id, cycle): count for utility_id, cycle, count in found}
    return {row.id: by_cycle.get((row.utility_id, row.cycle), 0) for row in cycles}


async def members(session: AsyncSession, actor: Actor, cycle_id: int, query: PageQuery) -> Sequence[Meter]:
    """A page of the meters that are billed in a cycle now."""
    row = await owned(session, actor, BillingCycle, cycle_id, "billing cycle")
    billed = (CreditSpan.utility_id == row.utility_id, CreditSpan.cycle == row.cycle, CreditSpan.until_day.is_(None))
    mine = select(Meter).join(CreditSpan, CreditSpan.meter_id == Meter.id).where(*billed)
    return await rows_after(session, mine, Meter.id, query)


async def move(session: AsyncSession, actor: Actor, drn: str, cycle: int, now: int) -> CreditSpan:
    """Bill a meter in another cycle from now on; its next bill goes on where the last one ended."""
    meter = await meter_of(session, actor, drn)
    going = await spans.refresh(session, meter, now)
    if not going or going[-1].until_day is not None:
        raise Refused("not_billed", f"Meter {drn} is not billed now; its cycle is named with its switch to credit.")
    span, before = going[-1], going[-1].cycle
    span.cycle = cycle
    await session.flush()
    detail = {"from": before, "to": cycle}
    subject = f"meter:{drn}"
    await audit.record(session, actor, "billing-cycle.move", subject, detail, utility_id=meter.utility_id, now=now)
    return span


async def begin_due(session: AsyncSession, now: int) -> list[BillRun]:
    """Begin the run of each cycle whose day has come; one that is there is left as it is."""
    begun = []
    cycles = select(BillingCycle).where(BillingCycle.day.is_not(None)).order_by(BillingCycle.id)
    for row in (await session.scalars(cycles)).all():
        assert row.day is not None, "only cycles with a day were asked for"
        due = last_due(await spans.zone_of(session, row.utility_id), row.day, now)
        mine = (BillRun.utility_id == row.utility_id, BillRun.cycle == row.cycle, BillRun.through_day == due - 1)
        if due >= row.from_day and await session.scalar(select(BillRun.id).where(*mine)) is None:
            begun.append(await runs.begin_once(session, ACTOR, row.utility_id, row.cycle, due - 1, now))
    return begun


def last_due(zone: Zone, day_of_month: int, now: int) -> int:
    """Return the newest civil day with this number in its month whose morning has begun."""
    today, minute = zone.local(now)
    last = today if minute >= MORNING_MIN else today - 1
    year, month, day = date_of(last)
    if day < day_of_month:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return int(day_of(year, month, day_of_month))
