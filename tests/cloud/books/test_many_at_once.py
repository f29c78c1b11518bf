"""Many at once on PostgreSQL: repeats of one purchase are one sale, and identifiers of a meter rise and are unique."""

import asyncio
import itertools
import os

import pytest

from cloud.db import Database
from tests.cloud.books.sales import Shop, check, opened
from tests.fakes.utility import Town

SALES = 1000 if os.environ.get("PENSTOCK_LONG") == "1" else 200
AT_ONCE = 25  # more than the pool has connections


@pytest.fixture
async def shop(postgresql_url: str):  # type: ignore[no-untyped-def]
    """A shop in PostgreSQL."""
    database = Database(postgresql_url)
    yield await opened(await Town(database).found())
    await database.close()


async def test_fifty_repeats_of_one_purchase_at_once_are_one_sale(shop: Shop) -> None:
    order = shop.order(5_000_000, 60_000, "account")

    sales = await asyncio.gather(*(shop.send(order) for _ in range(50)))

    assert len({sale.digits for sale in sales if sale is not None}) == 1
    assert len(await shop.vends()) == 1
    await check(shop)


async def test_identifiers_of_one_meter_rise_and_are_never_used_twice(shop: Shop) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> int:
        async with gate:
            sale = await shop.send(shop.order(100_000, 1_500, "account"))
            assert sale is not None
            return sale.vend.tid

    answered = await asyncio.gather(*(one() for _ in range(SALES)))

    vends = await shop.vends()
    tids = [vend.tid for vend in vends]
    assert len(vends) == SALES
    assert sorted(answered) == tids
    assert all(earlier < later for earlier, later in itertools.pairwise(tids))
    await check(shop)
