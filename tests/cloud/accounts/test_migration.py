"""Older databases get a place and an account for each meter with a customer; and back, with data there."""

import asyncio

import pytest
from alembic import command
from sqlalchemy import select

from cloud import schema
from cloud.accounts.change_models import RefundOrder
from cloud.accounts.models import Account, MeterStay, ServicePoint
from cloud.db import Database
from cloud.meters.models import Meter
from cloud.vending import pricing
from tests.cloud.accounts.street import Street
from tests.cloud.accounts.test_closings import close
from tests.fakes.utility import Town


async def lived(url: str, *, leaves: bool = False) -> str:
    """A street where somebody bought something, and may have moved out with money that is not paid yet."""
    database = Database(url)
    street = Street(await Town(database).found())
    drn = await street.house()
    await street.house(customer=False)
    await street.use(drn, await street.sell(drn, 2_000_000))
    if leaves:
        await close(street, drn)
    await database.close()
    return drn


async def found(url: str, drn: str) -> tuple[int, int | None, str, int]:
    """The month so far, the account, the place, and how many accounts there are."""
    database = Database(url)
    async with database.read() as session:
        meter = (await session.scalars(select(Meter).where(Meter.drn == drn))).one()
        stay = (await session.scalars(select(MeterStay).where(MeterStay.meter_id == meter.id))).one()
        point = await session.get_one(ServicePoint, stay.service_point_id)
        buyer = await pricing.buyer(session, meter, "KES", 1_750_000_000)
        accounts = len((await session.scalars(select(Account))).all())
        seen = buyer.standing.month.before_ml, meter.account_id, point.place, accounts
    await database.close()
    return seen


def test_a_database_goes_back_and_forth_with_its_accounts(any_url: str) -> None:
    config = schema.alembic_config(any_url)
    drn = asyncio.run(lived(any_url))

    command.downgrade(config, "0014")
    schema.upgrade(any_url)

    month, account, place, count = asyncio.run(found(any_url, drn))
    assert (month, place, count) == (2_000_000, drn, 1)
    assert account is not None


def test_money_that_waits_to_be_paid_out_stops_the_way_back(any_url: str) -> None:
    asyncio.run(lived(any_url, leaves=True))

    with pytest.raises(RuntimeError, match="pay or decline"):
        command.downgrade(schema.alembic_config(any_url), "0014")

    async def orders() -> int:
        database = Database(any_url)
        async with database.read() as session:
            count = len((await session.scalars(select(RefundOrder))).all())
        await database.close()
        return count

    assert asyncio.run(orders()) == 1
