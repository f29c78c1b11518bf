"""Who lives where, with which meter: service points, meters that stay at them, and the accounts of customers there.

A meter has a customer exactly while an account is open at the place where it stays.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Account, MeterStay, ServicePoint
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters import standing
from cloud.meters.models import Meter
from cloud.rows import insert, owned


async def point_of(session: AsyncSession, actor: Actor, point_id: int) -> ServicePoint:
    """Return a service point that the caller may see, locked: what happens at one place happens in order."""
    point = await owned(session, actor, ServicePoint, point_id, "service point")
    await session.refresh(point, with_for_update=True)
    return point


async def account_of(session: AsyncSession, actor: Actor, account_id: int) -> Account:
    """Return an account that the caller may see."""
    return await owned(session, actor, Account, account_id, "account")


async def stay_of(session: AsyncSession, meter_id: int) -> MeterStay | None:
    """Return where a meter stays now."""
    return await session.scalar(select(MeterStay).where(MeterStay.meter_id == meter_id, MeterStay.to_at.is_(None)))


async def stay_at(session: AsyncSession, point_id: int) -> MeterStay | None:
    """Return which meter stays at a place now."""
    mine = (MeterStay.service_point_id == point_id, MeterStay.to_at.is_(None))
    return await session.scalar(select(MeterStay).where(*mine))


async def locked_meter(session: AsyncSession, meter_id: int) -> Meter:
    """Return a meter, locked as a sale locks it, and as it is under the lock."""
    mine = select(Meter).where(Meter.id == meter_id).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(mine)).one()


async def install(
    session: AsyncSession, point: ServicePoint, meter: Meter, register_ml: int | None, now: int
) -> MeterStay:
    """Let a meter stay at a place from now on; Conflict if it stays elsewhere or another is there."""
    if (meter.utility_id, meter.commodity) != (point.utility_id, point.commodity):
        said = f"Meter {meter.drn} is for {meter.commodity}, service point {point.id} for {point.commodity}"
        raise Refused("commodity_differs", f"{said}; choose a meter of the same utility and commodity.")
    if meter.closed_at is not None:
        raise Refused("account_closed", f"Meter {meter.drn} is closed; choose another meter.")
    stay = MeterStay(
        utility_id=point.utility_id,
        service_point_id=point.id,
        meter_id=meter.id,
        from_at=now,
        opening_register_ml=register_ml,
    )
    taken = f"Meter {meter.drn} stays at another place, or service point {point.id} has a meter; look at both."
    await insert(session, stay, Conflict("meter_stays", taken))
    return stay


async def move_in(
    session: AsyncSession,
    customer_id: int,
    point: ServicePoint,
    meter: Meter,
    persons: int | None,
    register_ml: int | None,
    now: int,
) -> Account:
    """Open the account of a customer at a place; the meter there is theirs from now on. Conflict if one is open."""
    account = Account(
        utility_id=point.utility_id,
        customer_id=customer_id,
        service_point_id=point.id,
        persons=persons,
        opened_at=now,
        opening_register_ml=register_ml,
    )
    there = f"An account is open at service point {point.id}; close that one first (move out)."
    await insert(session, account, Conflict("account_open", there))
    meter.customer_id, meter.account_id = customer_id, account.id
    await session.flush()
    return account


async def of_new_meter(session: AsyncSession, meter: Meter, now: int) -> Account:
    """A place by the meter's number and an account there, for a meter that was made for a customer."""
    assert meter.customer_id is not None, "a place without a customer needs no account"
    point = ServicePoint(
        utility_id=meter.utility_id, place=meter.drn, address=None, commodity=meter.commodity, created_at=now
    )
    session.add(point)
    await session.flush()
    register_ml = meter.opening_register_ml
    await install(session, point, meter, register_ml, now)
    return await move_in(session, meter.customer_id, point, meter, None, register_ml, now)


async def remove(session: AsyncSession, actor: Actor, point_id: int, now: int) -> MeterStay:
    """Take the meter away from a place where nobody has an account, so that it can supply another one."""
    point = await point_of(session, actor, point_id)
    stay = await stay_at(session, point.id)
    if stay is None:
        raise NotFound("no_meter", f"Service point {point.id} has no meter.")
    meter = await locked_meter(session, stay.meter_id)
    if meter.account_id is not None:
        raise Conflict(
            "account_open", f"Account {meter.account_id} is open at service point {point.id}; close it first."
        )
    state = await standing.latest(session, meter)
    stay.to_at, stay.final_register_ml = now, None if state is None else int(state.register)
    await session.flush()
    detail = {"drn": meter.drn, "register_ml": stay.final_register_ml}
    subject = f"service-point:{point.id}"
    await audit.record(session, actor, "meter.remove", subject, detail, utility_id=point.utility_id, now=now)
    return stay
