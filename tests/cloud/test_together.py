"""Rows that are written together: all at the end of the block, in order, with each database; after an error, none."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.audit.models import AuditEntry
from cloud.auth.actor import system
from cloud.db import Database
from cloud.meters.models import Utility
from cloud.together import change, together
from tests.fakes.utility import Town

NOW = 1_800_000_000


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def _written(town: Town) -> list[tuple[str, dict[str, int]]]:
    async with town.database.read() as session:
        mine = select(AuditEntry).where(AuditEntry.action == "tried").order_by(AuditEntry.id)
        return [(row.subject, row.detail) for row in await session.scalars(mine)]


async def test_what_is_gathered_is_there_after_the_block_in_its_order(town: Town) -> None:
    said: list[str] = []

    async with town.database.begin() as session:
        event.listen(town.database.engine.sync_engine, "before_cursor_execute", lambda *about: said.append(about[2]))
        async with together(session):
            for number in range(5):
                await audit.record(
                    session, system("test"), "tried", f"n:{number}", {"n": number}, utility_id=town.utility, now=NOW
                )
            await change(session, Utility.__table__, town.utility, {"token_max_ml": 77})
            before = list(said)
        utility = await session.get_one(Utility, town.utility)

    assert not [one for one in before if "INSERT" in one]
    assert await _written(town) == [(f"n:{number}", {"n": number}) for number in range(5)]
    assert utility.token_max_ml == 77


async def test_nothing_is_written_of_a_block_that_failed(town: Town) -> None:
    async def fail(session: AsyncSession) -> None:
        async with together(session):
            await audit.record(session, system("test"), "tried", "n:1", {}, utility_id=town.utility, now=NOW)
            raise ZeroDivisionError

    async with town.database.begin() as session:
        with pytest.raises(ZeroDivisionError):
            await fail(session)
        await audit.record(session, system("test"), "tried", "n:2", {}, utility_id=town.utility, now=NOW)

    assert await _written(town) == [("n:2", {})]
