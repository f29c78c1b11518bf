"""Each day of each utility, reconciled once it is over; days that were missed come first. One loop per process."""

import asyncio

from sqlalchemy import select
from structlog import get_logger

from cloud.clock import Clock
from cloud.db import Database
from cloud.meters.models import Utility
from cloud.reports import posting, reconciliation
from cloud.reports.zone import zone_of

_LOOK_EVERY_S = 300
_MARGIN_S = 600
"""A day is reconciled when it is over for so long: what was under way at midnight is there by then."""
_MISSED_MAX = 31
_log = get_logger("reports")


class Reports:
    """The loop; of several processes the first of the day runs, the others find it done."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Look every five minutes until cancelled; what fails is logged and tried again."""
        while True:
            await self.round()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def round(self) -> None:
        """Reconcile what is due of every utility; one that fails stops no other."""
        async with self._database.read() as session:
            utilities = (await session.scalars(select(Utility.id).order_by(Utility.id))).all()
        for utility_id in utilities:
            try:
                await self._of(utility_id)
            except Exception:
                _log.exception("a day was not reconciled", utility=utility_id)

    async def _of(self, utility_id: int) -> None:
        for day in await self._due(utility_id):
            report = await reconciliation.run(self._database, posting.ACTOR, utility_id, day, self._clock.now())
            items = [item for item in report.items if item.state == reconciliation.OPEN]
            log = _log.info if report.run.holds else _log.error
            log("a day was reconciled", utility=utility_id, day=day, holds=report.run.holds, open=len(items))

    async def _due(self, utility_id: int) -> range:
        now = self._clock.now() - _MARGIN_S
        async with self._database.read() as session:
            zone = await zone_of(session, utility_id)
            last = await reconciliation.last_run(session, utility_id)
        over = reconciliation.yesterday(zone, now)
        first = over if last is None else max(last.day + 1, over - _MISSED_MAX)
        return range(first, over + 1)
