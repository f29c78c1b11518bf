"""The audit: one chain per utility, written with the change, and no edit goes unnoticed."""

import asyncio

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud import schema
from cloud.audit import sealing
from cloud.audit import service as audit
from cloud.audit.heads import DAY_S
from cloud.audit.verification import UNSEALED_MAX_S, Fault, verify_chain
from cloud.auth.actor import system
from cloud.db import Database
from tests.cloud.served import Api

ACTOR = system("test")


NOW = 1000


async def write(database: Database, count: int, utility_id: int | None = None) -> None:
    """Make entries and seal them."""
    await write_only(database, count, utility_id)
    await sealing.seal_all(database)


async def write_only(database: Database, count: int, utility_id: int | None = None) -> None:
    for number in range(count):
        async with database.begin() as session:
            detail = {"number": number, "name": "Müller"}
            await audit.record(
                session, ACTOR, "act", f"thing:{number}", detail, utility_id=utility_id, now=NOW + number
            )


async def fault_of(database: Database, chain: int = 0, now: int = NOW) -> Fault | None:
    async with database.read() as session:
        return await verify_chain(session, chain, now)


async def forge(database: Database, *statements: str) -> None:
    """Do as one who owns the database file and takes the triggers away first."""
    async with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            await connection.execute(text("DROP TRIGGER audit_entry_no_update"))
            await connection.execute(text("DROP TRIGGER audit_entry_no_delete"))
        else:
            await connection.execute(text("DROP TRIGGER audit_entry_no_edit ON audit_entry"))
            await connection.execute(text("DROP TRIGGER audit_entry_no_update ON audit_entry"))
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


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_entry SET actor = 'x'",
        "UPDATE audit_entry SET sequence = 1, hash = zero, detail = '{}'",
        "UPDATE audit_entry SET sequence = 1, hash = zero, at = at + 1",
        "UPDATE audit_entry SET sequence = 1, hash = zero, subject = 'thing:7'",
        "DELETE FROM audit_entry",
    ],
)
async def test_an_entry_that_waits_for_its_seal_takes_no_other_edit(any_database: Database, edit: str) -> None:
    await write_only(any_database, 1)
    zero = "x'00'" if any_database.engine.dialect.name == "sqlite" else "'\\x00'::bytea"

    with pytest.raises(DBAPIError, match="append-only"):
        async with any_database.engine.begin() as connection:
            await connection.execute(text(edit.replace("zero", zero)))


async def test_a_seal_is_given_once(any_database: Database) -> None:
    await write(any_database, 1)

    with pytest.raises(DBAPIError, match="append-only"):
        async with any_database.engine.begin() as connection:
            await connection.execute(text("UPDATE audit_entry SET sequence = 2"))


async def test_what_is_committed_late_comes_later_in_the_chain(any_database: Database) -> None:
    if any_database.engine.dialect.name == "sqlite":
        return  # it has one writer at a time
    async with any_database.begin() as late:
        await audit.record(late, ACTOR, "act", "thing:late", {}, utility_id=None, now=NOW)
        await late.flush()
        await write(any_database, 2)
    await sealing.seal_all(any_database)

    async with any_database.read() as session:
        subjects = await session.scalars(text("SELECT subject FROM audit_entry ORDER BY sequence"))
        assert list(subjects) == ["thing:0", "thing:1", "thing:late"]
    assert await fault_of(any_database) is None


async def test_those_who_seal_side_by_side_give_each_place_once(any_database: Database) -> None:
    await write_only(any_database, 20)

    sealed = await asyncio.gather(*(sealing.seal_all(any_database) for _ in range(4)))

    assert sum(sealed) == 20
    assert await fault_of(any_database) is None


async def test_an_entry_may_wait_a_minute_for_its_seal_and_no_longer(any_database: Database) -> None:
    await write(any_database, 2)
    await write_only(any_database, 1)

    assert await fault_of(any_database, now=NOW + UNSEALED_MAX_S) is None
    fault = await fault_of(any_database, now=NOW + UNSEALED_MAX_S + 1)

    assert fault is not None and fault.sequence == 3 and "is not sealed" in fault.reason


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


async def test_the_older_form_has_every_entry_sealed_and_leads_back(any_url: str) -> None:
    database = Database(any_url)
    await write(database, 2)
    await write_only(database, 2)
    await write_only(database, 1, utility_id=7)
    await database.close()
    config = schema.alembic_config(any_url)

    await asyncio.to_thread(command.downgrade, config, "0009")
    await asyncio.to_thread(command.upgrade, config, "head")

    database = Database(any_url)
    assert [await fault_of(database, chain, now=NOW + DAY_S) for chain in (0, 7)] == [None, None]
    await database.close()
