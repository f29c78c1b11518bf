"""Back to before reconciliations and forth again, with data there: nothing stands in the books twice or not at all."""

import asyncio

from alembic import command
from sqlalchemy import text

from cloud import schema
from cloud.books import reports
from cloud.db import Database
from cloud.reports import reconciliation
from shared.civil import DAY_S
from tests.cloud.reports.ledgers import send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town

BEFORE = "0012"


class Life:
    """A utility, whose device goes on while the cloud is taken back and forth."""

    def __init__(self, url: str) -> None:
        self.url = url

    def lived(self) -> None:
        asyncio.run(self._lived())

    async def _lived(self) -> None:
        database = Database(self.url)
        self.town = await Town(database).found()
        self.device: Device = await self.town.device()
        sale = await self.town.sell(self.device)
        self.device.token(0, sale.vend.tid, sale.vend.volume_ml)
        self.device.charge(0, 1_000)
        await send(self.town, self.device)
        await database.close()

    def run(self, volume_ml: int) -> dict[str, int]:
        return asyncio.run(self._run(volume_ml))

    async def _run(self, volume_ml: int) -> dict[str, int]:
        """Consume, reconcile the day, and return the volumes in the books."""
        database = Database(self.url)
        self.town.database = database
        self.device.charge(0, volume_ml)
        await send(self.town, self.device)
        self.town.now += DAY_S
        report = await reconciliation.run(database, ADMIN, self.town.utility, None, self.town.now)
        assert report.run.holds and report.items == []
        async with database.read() as session:
            found = await reports.trial_balance(session, ADMIN, self.town.utility)
        await database.close()
        return {one.account.code: one.balance for one in found if one.account.unit == "ml"}


def test_what_was_posted_is_not_posted_again_after_a_downgrade(any_url: str) -> None:
    life, config = Life(any_url), schema.alembic_config(any_url)
    life.lived()
    life.run(500)

    command.downgrade(config, BEFORE)
    schema.upgrade(any_url)

    assert life.run(70)["consumed:water"] == -1_570
    command.check(config)


def test_a_history_from_before_is_posted_by_the_first_run(any_url: str) -> None:
    life, config = Life(any_url), schema.alembic_config(any_url)
    life.lived()
    command.downgrade(config, BEFORE)

    schema.upgrade(any_url)

    assert life.run(30)["consumed:water"] == -1_030


def test_a_downgrade_of_an_unused_database_leaves_nothing_behind(sqlite_url: str) -> None:
    config = schema.alembic_config(sqlite_url)

    command.downgrade(config, BEFORE)

    assert asyncio.run(_tables(sqlite_url)) == []


async def _tables(url: str) -> list[str]:
    database = Database(url)
    async with database.read() as session:
        names = await session.scalars(text("SELECT name FROM sqlite_master WHERE name LIKE '%meter_day%'"))
    await database.close()
    return list(names)
