"""Pooled connections: one that the server closed is noticed before it is used, and only rested ones are looked at."""

import pytest
from sqlalchemy import event, text

from cloud import db
from cloud.db import Database


async def _backend(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)


async def test_a_connection_that_the_server_closed_is_replaced(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_REST_S", 0.0)
    database, other = Database(postgresql_url), Database(postgresql_url)
    first = await _backend(database)
    async with other.begin() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})

    second = await _backend(database)

    assert second != first
    await database.close()
    await other.close()


async def test_a_glance_begins_no_transaction(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    async with database.glance() as session:
        first = await session.scalar(text("SELECT txid_current()"))
        second = await session.scalar(text("SELECT txid_current()"))

    assert first != second
    async with database.begin() as session:
        assert await session.scalar(text("SELECT txid_current()")) == await session.scalar(
            text("SELECT txid_current()")
        )
    await database.close()


async def test_a_glance_reads_sqlite_too(database: Database) -> None:
    seen: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *said: seen.append(said[2]))

    async with database.glance() as session:
        assert await session.scalar(text("SELECT 1")) == 1

    assert "SELECT 1" in seen
