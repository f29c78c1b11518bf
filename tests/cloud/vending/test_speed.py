"""What keeps sales fast: few statements each, and nothing in common that one would wait for another at."""

import asyncio
import uuid

from sqlalchemy import event, select

from cloud.accounts.models import Customer
from cloud.db import Database
from cloud.keys import DATABASE
from cloud.meters.models import Meter
from cloud.vending import service as vending
from cloud.vending.order import Order
from tests.cloud.served import Api
from tests.fakes.utility import ADMIN, Town

_STATEMENTS_MAX = 4
_PATIENCE_S = 30


async def test_a_sale_takes_few_statements(any_api: Api) -> None:
    town = await any_api.town()
    await any_api.made("/vends", town.vend())  # the first also makes the accounts of the books
    await any_api.made("/vends", town.vend())
    app = any_api.client.app
    assert app is not None
    engine = app[DATABASE].engine
    said: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *about: said.append(about[2]))

    await any_api.made("/vends", town.vend())

    # There the claim is a statement, an entry is looked for, begun, written and ended, what is written one a table.
    one_by_one = 10 if engine.dialect.name == "sqlite" else 0
    assert len(said) <= _STATEMENTS_MAX + one_by_one + said.count("BEGIN") + said.count("BEGIN IMMEDIATE"), said


async def test_sales_to_different_meters_of_a_utility_do_not_wait_for_one_another(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    town = await Town(database).found()
    device = await town.device(meters=2)
    drns = await _with_customers_of_their_own(town)
    for channel in (0, 1):
        await town.sell(device, channel)

    async with database.begin() as held:
        first = await vending.vend(held, town.key_store, ADMIN, _order(drns[0]), town.now)
        await held.flush()
        async with asyncio.timeout(_PATIENCE_S):
            second = await _sold(town, drns[1])

    assert first.meter.drn != second.meter.drn
    await database.close()


async def _with_customers_of_their_own(town: Town) -> list[str]:
    async with town.database.begin() as session:
        meters = (await session.scalars(select(Meter).order_by(Meter.channel))).all()
        for meter in meters:
            customer = Customer(utility_id=town.utility, name="B", language="en", created_at=town.now)
            session.add(customer)
            await session.flush()
            meter.customer_id = customer.id
        return [meter.drn for meter in meters]


async def _sold(town: Town, drn: str) -> vending.Sale:
    async with town.database.begin() as session:
        return await vending.vend(session, town.key_store, ADMIN, _order(drn), town.now)


def _order(drn: str) -> Order:
    return Order(str(uuid.uuid4()), drn, None, "cash", 51_234, "KES", "keypad", "account")
