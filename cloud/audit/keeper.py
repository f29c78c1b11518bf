"""Seals what was committed, every second. Once a day it seals the rows that only grow, then publishes the heads of the
audit chains outside the database."""

import asyncio
from pathlib import Path

from structlog import get_logger

from cloud.audit import heads, sealing, seals, service
from cloud.clock import Clock
from cloud.db import Database

_SEAL_EVERY_S = 1
_AFTER_FAILURE_S = 60
_log = get_logger("audit")


class Keeper:
    """One per process; of several the first of the day publishes. Without a file it only seals, and says so."""

    def __init__(self, database: Database, clock: Clock, file: Path | None) -> None:
        self._database = database
        self._clock = clock
        self._file = file
        self._day: int | None = None

    async def run(self) -> None:
        """Seal every second and look at the day, until cancelled; what fails is logged and tried again in a minute."""
        if self._file is None:
            _log.warning("the heads of the audit are not published; set PENSTOCK_AUDIT_HEADS_FILE")
        while True:
            wait_s = _SEAL_EVERY_S
            try:
                await sealing.seal_all(self._database)
                await self.round()
            except Exception:
                _log.exception("the audit was not sealed and published")
                wait_s = _AFTER_FAILURE_S
            await asyncio.sleep(wait_s)

    async def round(self) -> None:
        """Seal and publish, if this was not done since the day (UTC) began."""
        now = self._clock.now()
        if self._day == now // heads.DAY_S:
            return
        if self._file is None or (await asyncio.to_thread(heads.read, self._file)).is_due(now):
            await self._keep(now)
        self._day = now // heads.DAY_S

    async def _keep(self, now: int) -> None:
        async with self._database.begin() as session:
            for sealed in seals.SEALED:
                await seals.seal(session, sealed, now)
        await sealing.seal_all(self._database)
        if self._file is None:
            return
        async with self._database.read() as session:
            present = await service.heads(session)
        if await asyncio.to_thread(heads.publish, self._file, present, now):
            _log.info("the heads of the audit were published", chains=len(present))
