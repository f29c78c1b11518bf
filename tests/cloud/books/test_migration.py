"""Older copies with sales in them: they become entries of the books, and the older form can be had back."""

import asyncio

import pytest
from alembic import command
from sqlalchemy import text

from cloud import schema
from cloud.db import Database
from tests.cloud.books.sales import Shop, check, opened
from tests.fakes.utility import Town

POSTINGS = (
    "SELECT e.key, e.kind, e.subject, e.at, p.line, a.code, a.unit, a.kind, p.amount, p.what FROM book_posting p "
    "JOIN book_entry e ON e.id = p.entry_id JOIN book_account a ON a.id = p.account_id ORDER BY e.at, e.key, p.line"
)
HELD = "SELECT utility_id, code, unit, held, floored FROM book_account WHERE floored ORDER BY code, unit"
OLDER = "SELECT kind, amount_minor, balance_minor, sequence FROM account_posting ORDER BY id"


async def story(database: Database) -> Shop:
    """Sales that use and keep money of the account, one in three parts; a token that was used, and one burnt."""
    shop = await opened(await Town(database).found())
    for volume, money, change in (
        (199_999, 2_500, "return"),
        (100_000, 1, "return"),
        (2_100_000_000, 30_000_000, "account"),
    ):
        shop.town.now += 60
        assert await shop.send(shop.order(volume, money, change)) is not None
    first, _, third, *_ = await shop.vends()
    shop.town.now += 60
    await shop.accept(first)
    await shop.take_back(third)
    shop.town.now += 60
    await shop.burn((await shop.vends())[2])
    shop.town.now += 60
    assert await shop.send(shop.order(300_000, 0, "return")) is not None
    await check(shop)
    return shop


async def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def test_sales_of_the_form_before_the_books_become_the_same_entries(any_url: str) -> None:
    database = Database(any_url)
    shop = await story(database)
    before, held = await rows(database, POSTINGS), await rows(database, HELD)
    await database.close()
    config = schema.alembic_config(any_url)

    await asyncio.to_thread(command.downgrade, config, "0005")
    database = Database(any_url)
    older = await rows(database, OLDER)
    await database.close()
    await asyncio.to_thread(command.upgrade, config, "head")

    shop.town.database = database = Database(any_url)
    shop.older = set(shop.digits)  # statements came later than the books, and went with the downgrade
    assert [row[:3] for row in older] == [
        ("kept", 999, 999),
        ("used", -999, 0),
        ("kept", 9_000_000, 9_000_000),
        ("void", 10_000_000, 19_000_000),
        ("used", -3_000, 18_997_000),
    ]
    assert [row[3] for row in older] == [1, 2, 3, 4, 5]
    assert await rows(database, POSTINGS) == before
    assert await rows(database, HELD) == held
    await check(shop)
    assert await shop.send(shop.order(100_000, 0, "return")) is not None
    await check(shop)
    await database.close()


async def test_money_of_an_older_sale_that_went_nowhere_waits_in_suspense(any_url: str) -> None:
    database = Database(any_url)
    shop = await story(database)
    await database.close()
    config = schema.alembic_config(any_url)
    await asyncio.to_thread(command.downgrade, config, "0005")
    database = Database(any_url)
    async with database.begin() as session:
        await session.execute(text("UPDATE vend SET tender_minor = tender_minor + 77 WHERE id = 1"))
    await database.close()

    await asyncio.to_thread(command.upgrade, config, "head")

    shop.town.database = database = Database(any_url)
    found = [row[5:] for row in await rows(database, POSTINGS) if row[9] == "history"]
    assert found == [("suspense", "KES", "liability", -77, "history")]
    await database.close()


@pytest.mark.parametrize("change", ["UPDATE book_posting SET amount = 1", "DELETE FROM book_entry"])
async def test_what_was_carried_over_cannot_be_changed(any_url: str, change: str) -> None:
    database = Database(any_url)
    await story(database)
    await database.close()
    config = schema.alembic_config(any_url)
    await asyncio.to_thread(command.downgrade, config, "0005")
    await asyncio.to_thread(command.upgrade, config, "head")
    database = Database(any_url)

    with pytest.raises(Exception, match="append-only"):
        async with database.begin() as session:
            await session.execute(text(change))

    await database.close()
