"""What the database itself refuses, whoever asks: entries that do not balance, and any change of what stands."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import system
from cloud.books import rules, service
from cloud.books.rules import Account, Draft
from cloud.db import Database
from tests.fakes.utility import Town

TILL = rules.cash("cash", "KES")
WATER = rules.revenue("water", "KES")
HELD = rules.customer(1, "KES")
ISSUED, OWED = rules.issued("water"), rules.in_flight("water")
POST = "INSERT INTO book_posting (entry_id, line, lines, account_id, amount, what) VALUES (:e, :n, :c, :a, :m, 'test')"
ENTER = (
    "INSERT INTO book_entry (id, lines, utility_id, key, sha256, kind, subject, actor, reason, at) "
    "VALUES (:e, :c, :u, :k, :h, 'test', 's', 'a', 'r', 1)"
)


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def accounts(town: Town, *wanted: Account, utility: int = 0) -> list[int]:
    """Make accounts of a utility and return their ids."""
    async with town.database.begin() as session:
        found = await service._accounts(session, utility or town.utility, set(wanted))
    return [found[account].id for account in wanted]


async def write(session: AsyncSession, town: Town, entry: int, *lines: tuple[int, int], count: int = 0) -> None:
    """Write an entry past the service: its postings, then itself."""
    for number, (account, amount) in enumerate(lines, 1):
        line = {"e": entry, "n": number, "c": count or len(lines), "a": account, "m": amount}
        await session.execute(text(POST), line)
    row = {"e": entry, "c": count or len(lines), "u": town.utility, "k": f"k{entry}", "h": bytes(32)}
    await session.execute(text(ENTER), row)


async def count(town: Town, table: str) -> int:
    async with town.database.read() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_an_entry_that_balances_in_each_unit_is_taken(town: Town) -> None:
    till, water, issued, owed = await accounts(town, TILL, WATER, ISSUED, OWED)

    async with town.database.begin() as session:
        await write(session, town, 1, (till, 50), (water, -50), (issued, 7), (owed, -7))

    assert (await count(town, "book_entry"), await count(town, "book_posting")) == (1, 4)


@pytest.mark.parametrize(
    ("amounts", "lines", "says"),
    [
        ((50, -49, 7, -7), 4, "must balance"),
        ((50, -57, 7), 3, "must balance"),
        ((50, -50), 3, "needs all its postings first"),
        ((50, -50, 7, -7), 3, "line"),
        ((50,), 1, "lines"),
        ((), 2, "needs all its postings first"),
        ((50, -50, 0), 3, "amount"),
    ],
)
async def test_an_entry_that_does_not_add_up_is_refused(
    town: Town, amounts: tuple[int, ...], lines: int, says: str
) -> None:
    places = await accounts(town, TILL, WATER, ISSUED, OWED)

    with pytest.raises(DBAPIError, match=says):
        async with town.database.begin() as session:
            await write(session, town, 1, *zip(places, amounts, strict=False), count=lines)

    assert await count(town, "book_posting") == 0


async def test_postings_without_an_entry_do_not_stay(town: Town) -> None:
    (till,) = await accounts(town, TILL)

    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        async with town.database.begin() as session:
            await session.execute(text(POST), {"e": 9, "n": 1, "c": 2, "a": till, "m": 5})

    assert await count(town, "book_posting") == 0


@pytest.mark.parametrize(("line", "lines"), [(2, 2), (3, 2), (3, 3), (3, 4)])
async def test_nothing_is_posted_to_an_entry_that_stands(town: Town, line: int, lines: int) -> None:
    till, water = await accounts(town, TILL, WATER)
    async with town.database.begin() as session:
        await write(session, town, 1, (till, 50), (water, -50))

    rows = [
        {"e": 1, "n": line + place, "c": lines, "a": account, "m": amount}
        for place, (account, amount) in enumerate(((till, 9), (water, -9)))
    ]

    with pytest.raises(DBAPIError):
        async with town.database.begin() as session:
            await session.execute(text(POST), rows)

    assert await count(town, "book_posting") == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE book_entry SET reason = 'another'",
        "UPDATE book_entry SET at = 0 WHERE id = 1",
        "UPDATE book_posting SET amount = amount + 1",
        "UPDATE book_posting SET amount = -amount",
        "DELETE FROM book_entry",
        "DELETE FROM book_posting",
        "UPDATE book_account SET unit = 'UGX'",
        "UPDATE book_account SET code = 'mine'",
        "UPDATE book_account SET floored = NOT floored",
        "DELETE FROM book_account",
    ],
)
async def test_nothing_that_stands_in_the_books_can_be_changed(town: Town, change: str) -> None:
    till, water = await accounts(town, TILL, WATER)
    async with town.database.begin() as session:
        await write(session, town, 1, (till, 50), (water, -50))

    with pytest.raises(DBAPIError, match=r"append-only|stays as it is"):
        async with town.database.begin() as session:
            await session.execute(text(change))


async def test_an_entry_stays_within_one_utility(town: Town) -> None:
    other = await Town(town.database).found()
    (till,) = await accounts(town, TILL)
    (foreign,) = await accounts(town, WATER, utility=other.utility)

    with pytest.raises(DBAPIError, match="one utility"):
        async with town.database.begin() as session:
            await write(session, town, 1, (till, 50), (foreign, -50))


async def test_what_a_customer_holds_follows_the_postings_and_never_falls_below_zero(town: Town) -> None:
    till, held = await accounts(town, TILL, HELD)
    async with town.database.begin() as session:
        await write(session, town, 1, (till, 50), (held, -50))
        await write(session, town, 2, (till, -20), (held, 30), (held, -10))

    with pytest.raises(DBAPIError, match="held"):
        async with town.database.begin() as session:
            await write(session, town, 3, (till, -31), (held, 31))

    async with town.database.read() as session:
        assert await session.scalar(text(f"SELECT held FROM book_account WHERE id = {held}")) == 30


async def test_the_service_writes_what_the_database_takes(town: Town) -> None:
    lines = rules.lines((TILL, 50, "tender"), (HELD, -50, "kept"), (ISSUED, 7, "sale"), (OWED, -7, "sale"))
    draft = Draft(town.utility, "sale:1", "sale", "1", "r", lines)

    async with town.database.begin() as session:
        entry = await service.post(session, draft, system("test"), 1)

    assert entry == 1
    assert await count(town, "book_posting") == 4
