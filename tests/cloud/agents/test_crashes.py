"""A crash before each statement in turn: a sale by an agent, a top-up and a void are there whole or not at all."""

from collections.abc import Awaitable, Callable

import pytest

from cloud.agents import floats
from cloud.agents.rules import Fraction
from cloud.db import Database
from tests.cloud.agents.street import Street
from tests.cloud.books.sales import opened
from tests.fakes.utility import Town

_STATEMENTS_MAX = 100


@pytest.fixture
async def street(any_database: Database) -> Street:
    """A street with one agent, in a fresh database of each kind."""
    made = Street(await opened(await Town(any_database).found()))
    await made.add(Fraction(1, 7))
    await made.move(made.agents[0], floats.TOP_UP, 100_000)
    return made


async def crashes(street: Street, operation: Callable[[int], Awaitable[bool]]) -> int:
    """Let it crash before its first statement, its second, and so on, until it ends well; return how often."""
    for number in range(1, _STATEMENTS_MAX):
        done = await operation(number)
        await street.check()
        if done:
            return number - 1
    raise AssertionError("it never ended")


async def test_a_sale_by_an_agent_is_made_whole_or_not_at_all(street: Street) -> None:
    order = street.shop.order(5_000_000, 60_000, "return")

    times = await crashes(street, lambda at: street.sell(street.agents[0], order, at))

    assert times > 15
    assert len(await street.shop.vends()) == 1


async def test_a_top_up_is_made_whole_or_not_at_all(street: Street) -> None:
    times = await crashes(street, lambda at: street.move(street.agents[0], floats.TOP_UP, 500, at))

    assert times > 5


async def test_a_void_takes_the_commission_back_whole_or_not_at_all(street: Street) -> None:
    await street.sell(street.agents[0], street.shop.order(5_000_000, 60_000, "return"))
    await street.move(street.agents[0], floats.WITHDRAWAL, 57_000)
    (vend,) = await street.shop.vends()

    times = await crashes(street, lambda at: street.burn(vend, at))

    assert times > 5
    assert (await street.shop.vends())[0].state == "void"
