"""Statements that are handed to the driver as they are: the same rows and the same errors, heard by who listens."""

import pytest
from sqlalchemy import Integer, bindparam, event, literal, select
from sqlalchemy.exc import DBAPIError

from cloud.db import Database
from cloud.said import Said

_QUOTIENT = Said(select((literal(12) / bindparam("by", type_=Integer)).label("quotient")))


async def test_a_row_has_its_columns_by_name_with_each_database(any_database: Database) -> None:
    row = await any_database.first(_QUOTIENT, {"by": 4})

    assert row is not None and row["quotient"] == 3


async def test_an_error_says_its_state_and_rolls_back(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def divide(by: int) -> None:
        async with database.begin() as session:
            await session.execute(select(1))
            await _QUOTIENT.first(await session.connection(), {"by": by})

    with pytest.raises(DBAPIError) as raised:
        await divide(0)

    assert getattr(raised.value.orig, "sqlstate", None) == "22012"
    assert await database.first(_QUOTIENT, {"by": 3}) is not None
    await database.close()


async def test_who_listens_for_statements_hears_of_it(any_database: Database) -> None:
    heard: list[str] = []
    event.listen(any_database.engine.sync_engine, "before_cursor_execute", lambda *about: heard.append(about[2]))

    await any_database.first(_QUOTIENT, {"by": 5})

    assert any("quotient" in one for one in heard)
