"""The audit: one chain per utility, written with the change, and no edit goes unnoticed."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud.audit import service as audit
from cloud.audit.verification import Fault, verify_chain
from cloud.auth.actor import system
from cloud.db import Database
from tests.cloud.served import Api

ACTOR = system("test")


async def write(database: Database, count: int, utility_id: int | None = None) -> None:
    for number in range(count):
        async with database.begin() as session:
            detail = {"number": number, "name": "Müller"}
            await audit.record(
                session, ACTOR, "act", f"thing:{number}", detail, utility_id=utility_id, now=1000 + number
            )


async def fault_of(database: Database, chain: int = 0) -> Fault | None:
    async with database.read() as session:
        return await verify_chain(session, chain)


async def forge(database: Database, *statements: str) -> None:
    """Do as one who owns the database file and takes the triggers away first."""
    async with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            await connection.execute(text("DROP TRIGGER audit_entry_no_update"))
            await connection.execute(text("DROP TRIGGER audit_entry_no_delete"))
        else:
            await connection.execute(text("DROP TRIGGER audit_entry_no_edit ON audit_entry"))
        for statement in statements:
            await connection.execute(text(statement))


async def test_an_untouched_chain_holds(any_database: Database) -> None:
    await write(any_database, 5)

    assert await fault_of(any_database) is None


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_entry SET actor = 'somebody' WHERE sequence = 3",
        "UPDATE audit_entry SET action = 'other' WHERE sequence = 3",
        "UPDATE audit_entry SET at = at + 1 WHERE sequence = 3",
        "UPDATE audit_entry SET detail = '{\"number\": 7}' WHERE sequence = 3",
        "DELETE FROM audit_entry WHERE sequence = 3",
    ],
)
async def test_an_edit_of_an_entry_is_found_where_it_was_made(any_database: Database, edit: str) -> None:
    await write(any_database, 5)
    await forge(any_database, edit)

    fault = await fault_of(any_database)

    assert fault is not None and fault.sequence == 3


async def test_a_cut_end_is_found(any_database: Database) -> None:
    await write(any_database, 5)
    await forge(any_database, "DELETE FROM audit_entry WHERE sequence = 5")

    fault = await fault_of(any_database)

    assert fault is not None and "ends at entry 4" in fault.reason


@pytest.mark.parametrize("edit", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
async def test_the_database_refuses_edits(any_database: Database, edit: str) -> None:
    await write(any_database, 1)

    with pytest.raises(DBAPIError, match="append-only"):
        async with any_database.engine.begin() as connection:
            await connection.execute(text(edit))


async def test_writers_side_by_side_make_one_chain_without_branches(any_database: Database) -> None:
    await asyncio.gather(*(write(any_database, 5) for _ in range(6)))

    assert await fault_of(any_database) is None
    async with any_database.read() as session:
        assert await session.scalar(text("SELECT max(sequence) FROM audit_entry")) == 30


async def test_an_entry_of_a_change_that_failed_is_not_there(any_database: Database) -> None:
    async def fail() -> None:
        async with any_database.begin() as session:
            await audit.record(session, ACTOR, "act", "thing:1", {}, utility_id=None, now=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with any_database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM audit_entry")) == 0


async def test_each_utility_has_its_own_chain_and_sees_no_other(api: Api) -> None:
    one, other = await api.town(), await api.town()
    key = await api.made("/api-keys", {"name": "k", "scopes": ["audit:read"], "utility_id": one.utility})

    seen = (await api.as_key(key["key"]).get("/audit", limit=500)).body["items"]
    verdicts = (await api.get("/audit/verification")).body["items"]

    assert {entry["chain"] for entry in seen} == {one.utility}
    assert {verdict["chain"] for verdict in verdicts} == {0, one.utility, other.utility}
    assert all(verdict["holds"] for verdict in verdicts)


async def test_pages_of_the_audit_join_without_a_gap(api: Api) -> None:
    await api.town()
    whole = (await api.get("/audit", limit=500)).body["items"]

    pages, after = [], 0
    while True:
        page = (await api.get("/audit", after=after, limit=3)).body
        pages += page["items"]
        if page["next"] is None:
            break
        after = page["next"]

    assert pages == whole
