"""Published heads and seals: who may write the whole database still changes nothing unnoticed."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud.audit import heads, seals
from cloud.audit.keeper import Keeper
from cloud.audit.models import AuditEntry, AuditHead
from cloud.audit.rules import GENESIS, entry_hash
from cloud.audit.service import heads as present_heads
from cloud.audit.verification import Fault, verdicts
from cloud.auth.service import command_line
from cloud.db import Database
from cloud.ledger.models import Verdict
from tests.cloud.audit.test_audit import NOW, forge, write
from tests.cloud.served import HandClock

DAY = heads.DAY_S


async def first_fault(database: Database, file: Path, now: int = NOW) -> Fault | None:
    """The first fault that a caller of all utilities is told."""
    async with database.read() as session:
        found = await verdicts(session, command_line(), heads.read(file), now)
    return next((fault for _, fault in found if fault is not None), None)


async def write_anew(database: Database, edit: str) -> None:
    """Edit entries and compute every hash and the head again, as one would who owns the database and the code."""
    await forge(database, edit)
    async with database.begin() as session:
        rows = await session.execute(text("SELECT id FROM audit_entry WHERE chain = 0 ORDER BY sequence"))
        sequence, digest = 0, GENESIS
        for (number,) in rows.all():
            sequence += 1
            entry = await session.get_one(AuditEntry, number)
            entry.sequence = sequence
            said = (0, sequence, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
            digest = entry.hash = entry_hash(digest, *said)
            await session.flush()
        head = await session.get_one(AuditHead, 0)
        head.sequence, head.hash = sequence, digest


async def publish(database: Database, file: Path, now: int) -> None:
    async with database.read() as session:
        heads.publish(file, await present_heads(session), now)


@pytest.fixture
async def published(any_database: Database, tmp_path: Path) -> Path:
    """Heads of two days, after entries 3 and 6 of a chain of 8."""
    file = tmp_path / "heads"
    for day in (1, 2):
        await write(any_database, 3)
        await publish(any_database, file, day * DAY)
    await write(any_database, 2)
    return file


async def test_a_chain_holds_against_its_published_heads(any_database: Database, published: Path) -> None:
    assert await first_fault(any_database, published) is None


@pytest.mark.parametrize(
    ("edit", "first", "words"),
    [
        ("UPDATE audit_entry SET actor = 'x' WHERE sequence = 2", 1, "among 1 to 3"),
        ("UPDATE audit_entry SET actor = 'x' WHERE sequence = 5", 4, "among 4 to 6"),
        ("DELETE FROM audit_entry WHERE sequence = 4", 4, "among 4 to 6"),
        ("DELETE FROM audit_entry WHERE sequence >= 6", 6, "entries 6 to 6 are missing"),
        ("DELETE FROM audit_entry", 1, "entries 1 to 3 are missing"),
    ],
)
async def test_a_chain_that_was_written_anew_is_found_by_its_published_heads(
    any_database: Database, published: Path, edit: str, first: int, words: str
) -> None:
    await write_anew(any_database, edit)

    fault = await first_fault(any_database, published)

    assert fault is not None and fault.sequence == first
    assert words in fault.reason


async def test_an_edit_that_leaves_the_hashes_is_named_exactly(any_database: Database, published: Path) -> None:
    await forge(any_database, "UPDATE audit_entry SET subject = 'x' WHERE sequence = 5")

    fault = await first_fault(any_database, published)

    assert fault == Fault(0, 5, "entry 5 was changed")


async def test_a_second_entry_of_one_number_is_found(database: Database, published_sqlite: Path) -> None:
    await forge(
        database,
        "CREATE TABLE copied AS SELECT * FROM audit_entry",
        "DROP TABLE audit_entry",
        "ALTER TABLE copied RENAME TO audit_entry",
        "INSERT INTO audit_entry SELECT 99, chain, sequence, at, 'x', action, subject, detail, hash FROM audit_entry "
        "WHERE sequence = 5",
    )

    fault = await first_fault(database, published_sqlite)

    assert fault == Fault(0, 5, "a second entry 5 was inserted")


@pytest.fixture
async def published_sqlite(database: Database, tmp_path: Path) -> Path:
    """The head of a chain of 8 in SQLite."""
    await write(database, 8)
    await publish(database, tmp_path / "heads", DAY)
    return tmp_path / "heads"


async def test_a_chain_that_is_gone_with_its_head_is_missed(any_database: Database, published: Path) -> None:
    await forge(any_database, "DELETE FROM audit_entry", "DELETE FROM audit_head")

    fault = await first_fault(any_database, published)

    assert fault is not None and "had them" in fault.reason


def test_the_heads_file_only_grows_by_one_line_a_day(tmp_path: Path) -> None:
    file = tmp_path / "heads"

    written = [heads.publish(file, [(0, day, bytes(32))], day * DAY + 5) for day in (3, 3, 4)]

    assert written == [True, False, True]
    assert [json.loads(line)["at"] for line in file.read_text().splitlines()] == [3 * DAY + 5, 4 * DAY + 5]


def test_a_line_that_was_changed_or_taken_out_of_the_heads_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    for day in range(1, 5):
        heads.publish(file, [(0, day, bytes(32))], day * DAY)
    lines = file.read_text().splitlines(keepends=True)

    for forged in (lines[:1] + lines[2:], lines[:1] + [lines[1].replace("[0, 2,", "[0, 1,")] + lines[2:]):
        file.write_text("".join(forged))
        assert heads.read(file).fault is not None
    file.write_text("".join(lines))
    assert heads.read(file).fault is None


def test_a_line_that_a_crash_tore_is_no_fault_once_the_next_is_written(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    heads.publish(file, [(0, 1, bytes(32))], DAY)
    with file.open("a") as torn:
        torn.write('{"at": 172800, "prev')
    assert heads.read(file).fault == "line 2 of the published heads is damaged"

    heads.publish(file, [(0, 2, bytes(32))], 3 * DAY)

    assert heads.read(file).fault is None
    assert set(heads.read(file).of_chain(0)) == {1, 2}


def verdict(number: int, at: int) -> Verdict:
    return Verdict(
        utility_id=1, gateway_id=1, epoch=1, sequence=number, channel=0, kind=1, verdict="explained", reason="r", at=at
    )


async def test_a_day_of_the_keeper_seals_verdicts_and_publishes_once(any_database: Database, tmp_path: Path) -> None:
    clock, file = HandClock(10 * DAY), tmp_path / "heads"
    await write(any_database, 1)
    async with any_database.begin() as session:
        session.add_all(verdict(number, clock.time - seals.MARGIN_S) for number in range(3))
        session.add(verdict(3, clock.time))
    keeper = Keeper(any_database, clock, file)

    for _ in range(3):
        await keeper.round()
    clock.time += DAY
    await asyncio.gather(keeper.round(), Keeper(any_database, clock, file).round())

    lines = [json.loads(line)["heads"] for line in file.read_text().splitlines()]
    assert lines[0][0][:2] == [0, 2]
    assert len(lines) == 2
    assert await first_fault(any_database, file) is None


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("UPDATE verdict SET verdict = 'pending' WHERE sequence = 1", "a row was changed"),
        ("UPDATE verdict SET reason = 'paid' WHERE sequence = 2", "a row was changed"),
        ("DELETE FROM verdict WHERE sequence = 1", "1 are missing"),
    ],
)
async def test_a_verdict_that_was_edited_is_found(
    any_database: Database, tmp_path: Path, edit: str, words: str
) -> None:
    clock, file = HandClock(10 * DAY), tmp_path / "heads"
    async with any_database.begin() as session:
        session.add_all(verdict(number, 1) for number in range(3))
    await Keeper(any_database, clock, file).round()
    async with any_database.engine.begin() as connection:
        if any_database.engine.dialect.name == "sqlite":
            await connection.execute(text("DROP TRIGGER verdict_no_update"))
            await connection.execute(text("DROP TRIGGER verdict_no_delete"))
        else:
            await connection.execute(text("DROP TRIGGER verdict_no_edit ON verdict"))
        await connection.execute(text(edit))

    fault = await first_fault(any_database, file)

    assert fault is not None and "of verdict, sealed by entry 1" in fault.reason
    assert words in fault.reason


async def test_without_a_file_the_keeper_seals_all_the_same(any_database: Database) -> None:
    async with any_database.begin() as session:
        session.add(verdict(1, 1))

    await Keeper(any_database, HandClock(10 * DAY), None).round()

    async with any_database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'rows.seal'")) == 1
