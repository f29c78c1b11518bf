"""Posting: once for a key, however often and by however many; what differs under the same key is a conflict."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import system
from cloud.books import reports, rules, service
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.books.rules import Draft
from cloud.db import Database
from cloud.errors import Conflict
from tests.fakes.utility import ADMIN, Town

TILL = rules.cash("mobile_money", "KES")
HELD = rules.customer(1, "KES")


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


def paid(town: Town, amount: int = 50, key: str = "payment:1") -> Draft:
    return Draft(town.utility, key, "payment", "1", "r", rules.lines((TILL, amount, "tender"), (HELD, -amount, "kept")))


def drawn(town: Town, amount: int, key: str) -> Draft:
    lines = rules.lines((HELD, amount, "used"), (TILL, -amount, "paid"))
    return Draft(town.utility, key, "payment", "1", "r", lines)


async def post(town: Town, draft: Draft, by: str = "test") -> int:
    async with town.database.begin() as session:
        return await service.post(session, draft, system(by), town.now)


async def entries(town: Town) -> int:
    async with town.database.read() as session:
        return await session.scalar(select(func.count()).select_from(BookEntry)) or 0


async def held(town: Town) -> int:
    async with town.database.read() as session:
        return await session.scalar(select(BookAccount.held).where(BookAccount.floored)) or 0


async def test_the_same_again_returns_the_first(town: Town) -> None:
    first = await post(town, paid(town))
    town.now += 60

    again = await post(town, paid(town), by="another")

    assert again == first
    assert (await entries(town), await held(town)) == (1, 50)


@pytest.mark.parametrize("change", [{"reason": "x"}, {"subject": "2"}, {"kind": "x"}, {"lines": ()}])
async def test_another_content_under_the_same_key_is_a_conflict(town: Town, change: dict[str, object]) -> None:
    await post(town, paid(town))
    other = dataclasses.replace(paid(town), **({"lines": paid(town, 51).lines} if "lines" in change else change))  # type: ignore[arg-type]

    with pytest.raises(Conflict, match="correct it by a new one"):
        await post(town, other)

    assert (await entries(town), await held(town)) == (1, 50)


async def test_the_same_key_in_another_utility_is_another_entry(town: Town) -> None:
    other = await Town(town.database).found()

    assert await post(town, paid(town)) != await post(other, paid(other))


async def test_thirty_at_once_under_one_key_are_one_entry(town: Town) -> None:
    await post(town, paid(town, key="payment:0"))

    found = await asyncio.gather(*(post(town, paid(town)) for _ in range(30)))

    assert len(set(found)) == 1
    assert (await entries(town), await held(town)) == (2, 100)


async def test_thirty_at_once_in_new_accounts_all_stand(town: Town) -> None:
    found = await asyncio.gather(*(post(town, paid(town, key=f"payment:{n}")) for n in range(30)))

    assert len(set(found)) == 30
    assert await held(town) == 30 * 50


async def test_what_an_account_does_not_hold_is_not_drawn_however_many_try(town: Town) -> None:
    await post(town, paid(town, 100))

    tried = (post(town, drawn(town, 30, f"out:{n}")) for n in range(8))
    found = await asyncio.gather(*tried, return_exceptions=True)

    assert sum(isinstance(one, int) for one in found) == 3
    assert all(isinstance(one, int) or "below zero" in str(one) for one in found)
    assert await held(town) == 10


async def test_an_entry_that_does_not_balance_is_our_own_fault(town: Town) -> None:
    wrong = dataclasses.replace(paid(town), lines=rules.lines((TILL, 50, "tender"), (HELD, -49, "kept")))

    with pytest.raises(AssertionError, match="does not balance"):
        await post(town, wrong)


async def test_what_is_kept_beside_the_postings_agrees_with_them(town: Town) -> None:
    await post(town, paid(town, 100))
    await post(town, drawn(town, 30, "out:1"))

    async with town.database.read() as session:
        balances = await reports.trial_balance(session, ADMIN, town.utility)
        amounts = (await session.scalars(select(BookPosting.amount).order_by(BookPosting.id))).all()

    assert {one.account.code: one.balance for one in balances} == {"clearing:mobile_money": 70, "customer:1": -70}
    assert all(one.holds for one in balances)
    assert reports.left_over(balances) == {"KES": 0}
    assert amounts == [100, -100, 30, -30]


_lines = st.lists(
    st.tuples(st.sampled_from(["KES", "UGX", "ml"]), st.integers(-(10**15), 10**15)), min_size=0, max_size=9
)


@given(_lines)
def test_what_is_left_over_is_the_sum_of_each_unit(wanted: list[tuple[str, int]]) -> None:
    lines = rules.lines(*((rules.suspense(unit), amount, "x") for unit, amount in wanted))

    left = rules.imbalance(Draft(1, "k", "k", "s", "r", lines))

    assert all(line.amount for line in lines)
    assert {unit: left.get(unit, 0) for unit, _ in wanted} == {
        unit: sum(amount for other, amount in wanted if other == unit) for unit, _ in wanted
    }


@pytest.mark.parametrize("posted", [service.post, service.post_new])
async def test_accounts_of_a_transaction_that_failed_are_made_again(town: Town, posted: Callable[..., Any]) -> None:
    async def fail() -> None:
        async with town.database.begin() as session:
            await posted(session, paid(town), system("test"), town.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await post(town, paid(town))

    assert (await entries(town), await held(town)) == (1, 50)


async def test_a_new_entry_says_the_same_as_one_that_was_looked_for_first(town: Town) -> None:
    async with town.database.begin() as session:
        await service.post_new(session, paid(town), system("test"), town.now)

    await post(town, paid(town))  # a conflict if anything of it differed

    assert (await entries(town), await held(town)) == (1, 50)


async def test_a_lock_that_a_savepoint_gave_back_is_taken_again(town: Town) -> None:
    await post(town, paid(town))

    async def fail(session: AsyncSession) -> None:
        async with session.begin_nested():
            await service.locked(session, town.utility, HELD)
            raise ZeroDivisionError

    async with town.database.begin() as session:
        with pytest.raises(ZeroDivisionError):
            await fail(session)
        if session.get_bind().dialect.name == "postgresql":  # where another draws meanwhile
            await post(town, drawn(town, 50, "drawn:other"))
            with pytest.raises(AssertionError, match="never goes below zero"):
                await service.post(session, drawn(town, 1, "drawn:mine"), system("test"), town.now)

    assert await held(town) == (0 if session.get_bind().dialect.name == "postgresql" else 50)


async def test_two_entries_of_one_transaction_see_what_the_first_left(town: Town) -> None:
    await post(town, paid(town))

    async with town.database.begin() as session:
        assert (await service.locked(session, town.utility, HELD)).held == 50
        await service.post_new(session, drawn(town, 40, "drawn:1"), system("test"), town.now)
        assert (await service.locked(session, town.utility, HELD)).held == 10
        with pytest.raises(AssertionError, match="never goes below zero"):
            await service.post_new(session, drawn(town, 11, "drawn:2"), system("test"), town.now)

    assert await held(town) == 10
