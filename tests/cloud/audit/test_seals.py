"""Sales and the books are sealed: whoever changes one behind the triggers' back is found."""

from pathlib import Path

import pytest
from sqlalchemy import text

from cloud.audit import heads, verification
from cloud.audit.keeper import Keeper
from cloud.audit.verification import Fault
from cloud.db import Database
from tests.cloud.served import HandClock
from tests.fakes.utility import ADMIN, Town

HOURS_2 = 7200


async def sealed(database: Database, file: Path) -> HandClock:
    """Two sales, and the keeper's round two hours later."""
    town = await Town(database).found()
    device = await town.device()
    for _ in range(2):
        await town.sell(device)
    clock = HandClock(town.now + HOURS_2)
    await Keeper(database, clock, file).round()
    return clock


async def fault(database: Database, file: Path, clock: HandClock) -> Fault | None:
    async with database.read() as session:
        found = await verification.verdicts(session, ADMIN, heads.read(file), clock.now())
    return next((one for _, one in found if one is not None), None)


async def edit(database: Database, table: str, statement: str) -> None:
    """Change a row as the database's owner can."""
    async with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            await connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update"))
        else:
            await connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_edit ON {table}"))
        await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("book_entry", "SET reason = 'a gift' WHERE id = 1", "of book_entry, sealed"),
        ("book_posting", "SET amount = amount * 2 WHERE entry_id = 2", "what row 2 stands for was changed"),
        ("vend", "SET volume_ml = 6000000 WHERE id = 1", "of vend, sealed"),
    ],
)
async def test_a_sale_that_was_edited_is_found(
    any_database: Database, tmp_path: Path, table: str, change: str, words: str
) -> None:
    clock = await sealed(any_database, tmp_path / "heads")
    assert await fault(any_database, tmp_path / "heads", clock) is None

    await edit(any_database, table, f"UPDATE {table} {change}")

    found = await fault(any_database, tmp_path / "heads", clock)
    assert found is not None and words in found.reason


async def test_what_becomes_of_a_vend_later_is_no_edit(any_database: Database, tmp_path: Path) -> None:
    clock = await sealed(any_database, tmp_path / "heads")

    await edit(any_database, "vend", "UPDATE vend SET consumed_by = 7, consumed_at = 1 WHERE id = 1")

    assert await fault(any_database, tmp_path / "heads", clock) is None
