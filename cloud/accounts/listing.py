"""Reading accounts and places for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Account, Customer, MeterStay, ServicePoint
from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.meters.models import Meter
from cloud.rows import of_actor, owned, rows_after
from cloud.tariffs.models import Tariff


@dataclass(frozen=True)
class History:
    """A place, who lived there, and which meters stayed there with their numbers; oldest first."""

    point: ServicePoint
    accounts: list[Account]
    stays: list[tuple[MeterStay, str]]


async def accounts(session: AsyncSession, actor: Actor, customer_id: int | None, query: PageQuery) -> Sequence[Account]:
    """A page of the accounts that the caller may see, of one customer or all."""
    mine = of_actor(select(Account), actor, Account.utility_id)
    if customer_id is not None:
        customer = await owned(session, actor, Customer, customer_id, "customer")
        mine = mine.where(Account.customer_id == customer.id)
    return await rows_after(session, mine, Account.id, query)


async def account(session: AsyncSession, actor: Actor, account_id: int) -> Account:
    """One account."""
    return await owned(session, actor, Account, account_id, "account")


async def points(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[ServicePoint]:
    """A page of the service points that the caller may see."""
    mine = of_actor(select(ServicePoint), actor, ServicePoint.utility_id)
    return await rows_after(session, mine, ServicePoint.id, query)


async def history(session: AsyncSession, actor: Actor, point_id: int) -> History:
    """Who lived at a place, and with which meters."""
    point = await owned(session, actor, ServicePoint, point_id, "service point")
    lived = select(Account).where(Account.service_point_id == point.id).order_by(Account.id)
    stayed = select(MeterStay, Meter.drn).join(Meter, Meter.id == MeterStay.meter_id)
    rows = await session.execute(stayed.where(MeterStay.service_point_id == point.id).order_by(MeterStay.id))
    return History(point, list(await session.scalars(lived)), [(stay, drn) for stay, drn in rows])


async def commodity_of(session: AsyncSession, actor: Actor, tariff_id: int) -> str:
    """What a class of customers is supplied with."""
    return (await owned(session, actor, Tariff, tariff_id, "tariff")).commodity
