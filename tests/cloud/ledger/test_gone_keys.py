"""A token under a key that left the meter: the ledger proves it unused, its money returns, the key comes back never."""

import pytest
from sqlalchemy import select

from cloud.errors import Refused
from cloud.ledger.service import Ingest
from cloud.meters.models import Meter
from cloud.vending import key_change, voiding
from cloud.vending.models import Vend
from cloud.vending.tokens import Sale
from cloud.vending.voiding import Voiding, VoidOrder
from tests.cloud.books.test_arrival import volumes
from tests.cloud.ledger.test_voids import balance
from tests.cloud.ledger.test_with_gateway import ACCEPT, Link, connected, plan
from tests.fakes.utility import ADMIN, SGC, Town


@pytest.fixture
async def link(town: Town, ingest: Ingest) -> Link:
    """A gateway with one meter, enrolled by the cloud itself."""
    return await connected(town, ingest)


async def change_key(link: Link) -> Sale:
    """Let the meter take the sections of a new key, and its credit; the cloud hears of it."""
    await plan(link.town, 2014)
    sale = await link.sell()
    for token in sale.tokens:
        link.house.type(token.digits)
    await link.talk()
    return sale


async def take_back(link: Link, sale: Sale) -> Voiding:
    async with link.town.database.begin() as session:
        wanted = VoidOrder(sale.vend.purchase_id, 1, "keypad")
        return await voiding.order(session, link.town.key_store, ADMIN, wanted, link.town.now)


async def plan_back(link: Link, ti: int) -> None:
    async with link.town.database.begin() as session:
        meter = (await session.scalars(select(Meter))).one()
        target = key_change.Target(SGC, 1, 2, ti)
        await key_change.plan(session, link.town.key_store, ADMIN, meter, target, link.town.now)


async def test_the_money_of_a_token_that_the_change_left_behind_returns_at_once_and_once(link: Link) -> None:
    old = await link.sell()
    new = await change_key(link)

    made, again = await take_back(link, old), await take_back(link, old)

    assert (made.digits, made.vend.state, again.digits, again.vend.state) == (None, "void", None, "void")
    assert link.house.type(old.digits) != ACCEPT
    assert await balance(link.town) == old.vend.amount_minor
    assert await volumes(link.town) == {
        "issued:water": old.volume_ml + new.volume_ml,
        "void:water": -old.volume_ml,
        "meter_credit:water": -new.volume_ml,
    }


async def test_a_void_token_that_was_out_when_the_key_changed_ends_too(link: Link) -> None:
    old = await link.sell()
    out = await take_back(link, old)
    await change_key(link)

    made = await take_back(link, old)

    assert out.digits is not None and made.digits is None
    assert (made.vend.state, await balance(link.town)) == ("void", old.vend.amount_minor)


async def test_a_token_that_was_used_before_the_change_stays_sold(link: Link) -> None:
    old = await link.sell()
    link.house.type(old.digits)
    await change_key(link)

    with pytest.raises(Refused, match="was used at the meter"):
        await take_back(link, old)


async def test_before_the_ledger_shows_the_change_a_void_token_is_needed(link: Link) -> None:
    old = await link.sell()
    await plan(link.town, 2014)
    sale = await link.sell()
    for token in sale.tokens:
        link.house.type(token.digits)

    made = await take_back(link, old)

    assert made.digits is not None and made.vend.state == "voiding"
    assert await balance(link.town) == 0


async def test_the_meter_does_not_go_back_to_a_key_whose_tokens_count_as_gone(link: Link) -> None:
    old = await link.sell()
    await change_key(link)
    await take_back(link, old)

    with pytest.raises(Refused, match="make a new key revision"):
        await plan_back(link, old.vend.ti)
    async with link.town.database.read() as session:
        assert {vend.state for vend in await session.scalars(select(Vend))} == {"void", "explained"}
