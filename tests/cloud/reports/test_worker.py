"""The nightly loop: each day once, missed days first, in the zone of the utility, and no utility stops another."""

import pytest
from sqlalchemy import select, text

from cloud.db import Database
from cloud.meters import policies
from cloud.reports.models import Reconciliation
from cloud.reports.worker import Reports
from shared.civil import DAY_S, zone_data
from tests.cloud.served import HandClock
from tests.fakes.utility import ADMIN, Town

MIDNIGHT = 20_255 * DAY_S  # 2025-06-16 00:00 UTC


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def days(town: Town) -> list[int]:
    async with town.database.read() as session:
        mine = select(Reconciliation.day).where(Reconciliation.utility_id == town.utility)
        return list(await session.scalars(mine.order_by(Reconciliation.day)))


async def test_a_day_is_run_once_and_ten_minutes_after_it_is_over(town: Town) -> None:
    clock = HandClock(MIDNIGHT + 599)
    worker = Reports(town.database, clock)

    await worker.round()
    early = await days(town)
    clock.time += 1
    await worker.round()
    await worker.round()

    assert (early, await days(town)) == ([20_253], [20_253, 20_254])


async def test_days_that_were_missed_are_made_up_for_in_order(town: Town) -> None:
    clock = HandClock(MIDNIGHT + 600)
    worker = Reports(town.database, clock)
    await worker.round()
    clock.time += 3 * DAY_S

    await worker.round()

    assert await days(town) == [20_254, 20_255, 20_256, 20_257]


async def test_a_day_ends_when_it_ends_for_the_utility(town: Town) -> None:
    async with town.database.begin() as session:
        zone = {"zone": zone_data(180)}
        await policies.add(session, town.key_store, ADMIN, town.utility, 0, zone, town.now)
    clock = HandClock(MIDNIGHT - 3 * 3600 + 600)

    await Reports(town.database, clock).round()

    assert await days(town) == [20_254]


async def test_a_utility_whose_day_fails_stops_no_other(town: Town) -> None:
    other = await Town(town.database).found()
    async with town.database.begin() as session:
        await session.execute(text("UPDATE policy_document SET document = x'00'" if _is_sqlite(town) else _BROKEN))
        await policies.add(session, other.key_store, ADMIN, other.utility, 0, {}, town.now)

    await Reports(town.database, HandClock(MIDNIGHT + 600)).round()

    assert (await days(town), await days(other)) == ([], [20_254])


_BROKEN = "UPDATE policy_document SET document = '\\x00'"


def _is_sqlite(town: Town) -> bool:
    return town.database.engine.dialect.name == "sqlite"
