"""A crash before each statement in turn: nothing of the operation stays, and the same request is carried out later."""

from collections.abc import Awaitable, Callable

import pytest

from cloud.db import Database
from tests.cloud.books.sales import Shop, charged, check, opened
from tests.fakes.utility import Town

_STATEMENTS_MAX = 100


@pytest.fixture
async def shop(any_database: Database) -> Shop:
    """A shop in a fresh database of each kind, where something is left over from an earlier sale."""
    made = await opened(await Town(any_database).found())
    assert await made.send(made.order(199_999, 2_500, "account")) is not None
    return made


async def crashes(shop: Shop, operation: Callable[[int], Awaitable[object]]) -> int:
    """Let it crash before its first statement, its second, and so on, until it ends well; return how often."""
    before = await state(shop)
    for number in range(1, _STATEMENTS_MAX):
        if await operation(number):
            await check(shop)
            return number - 1
        await check(shop)
        assert await state(shop) == before
    raise AssertionError("it never ended")


async def state(shop: Shop) -> list[tuple[object, ...]]:
    return [(vend.id, vend.state) for vend in await shop.vends()]


async def test_a_sale_is_made_whole_or_not_at_all(shop: Shop) -> None:
    order = shop.order(2_100_000_000, 30_000_000, "account")

    times = await crashes(shop, lambda at: shop.send(order, at))

    assert times > 3  # claim and meter, what it refers to, numbers for the further tokens, all that is written
    assert [vend.part for vend in await shop.vends()] == [1, 1, 2, 3]


async def test_a_sale_with_taxes_a_fixed_charge_and_a_debt_is_made_whole_or_not_at_all(shop: Shop) -> None:
    await charged(shop)
    order = shop.order(3_500_000, 90_000, "account")

    await crashes(shop, lambda at: shop.send(order, at))

    assert len(await shop.vends()) == 2


async def test_a_repeat_after_a_crash_gives_the_first_tokens(shop: Shop) -> None:
    order = shop.order(5_000_000, 60_000, "return")
    assert await shop.send(order) is not None

    times = await crashes(shop, lambda at: shop.send(order, at))

    assert times > 5
    assert len(await shop.vends()) == 2


async def test_a_void_is_ordered_and_refunded_whole_or_not_at_all(shop: Shop) -> None:
    (vend,) = await shop.vends()
    ordered = await crashes(shop, lambda at: shop.take_back(vend, at))
    (vend,) = await shop.vends()

    refunded = await crashes(shop, lambda at: shop.burn(vend, at))

    assert ordered > 5 and refunded > 5
    assert (await shop.vends())[0].state == "void"


async def test_a_void_of_a_taxed_sale_gives_its_taxes_back_whole_or_not_at_all(shop: Shop) -> None:
    await charged(shop)
    await shop.send(shop.order(3_500_000, 90_000, "account"))
    vend = (await shop.vends())[1]
    await shop.take_back(vend)
    vend = (await shop.vends())[1]

    await crashes(shop, lambda at: shop.burn(vend, at))

    assert (await shop.vends())[1].state == "void"


async def test_a_token_is_taken_in_whole_or_not_at_all(shop: Shop) -> None:
    (vend,) = await shop.vends()

    times = await crashes(shop, lambda at: shop.accept(vend, at))

    assert times > 3
    assert (await shop.vends())[0].state == "explained"
