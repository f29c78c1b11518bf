"""The loop of bills: begins runs by the calendar, counts and issues them, carries switches on, reminds, and limits late
payers or lets them go."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing import calendar, dunning, runs, switching
from cloud.clock import Clock
from cloud.db import Database

_POLL_S = 2.0
_REVIEW_EVERY_S = 60
_CUSTOMERS_AT_ONCE = 200

_log = structlog.get_logger("billing")


class Billing:
    """The loop; several may run side by side, as every step takes the lock of what it works on.

    `waiting` is told when a command was given, so that it is sent at once.
    """

    def __init__(self, database: Database, clock: Clock, waiting: asyncio.Event) -> None:
        self._database = database
        self._clock = clock
        self._waiting = waiting
        self._reviewed_at = 0

    async def run(self) -> None:
        """Work until cancelled; trouble is logged and tried again."""
        while True:
            try:
                await self.work_due()
                if self._clock.now() - self._reviewed_at >= _REVIEW_EVERY_S:
                    await self.begin_due()
                    await self.review()
            except Exception:
                _log.exception("billing stopped; it goes on in a moment")
            await asyncio.sleep(_POLL_S)

    async def begin_due(self) -> None:
        """Begin the runs whose day has come in the calendar."""
        async with self._database.begin() as session:
            begun = await calendar.begin_due(session, self._clock.now())
        for run in begun:
            _log.info("a run was begun by the calendar", run=run.id, utility=run.utility_id, cycle=run.cycle)

    async def work_due(self) -> None:
        """Count what is to be counted, issue what is released, carry every switch one step on."""
        for run_id in await self._due(runs.COUNTING):
            await self._until_done(runs.count_some, run_id)
        for run_id in await self._due(runs.RELEASING):
            await self._until_done(runs.issue_one, run_id)
        async with self._database.read() as session:
            going = await switching.open_ones(session)
        for switch_id in going:
            await self._switch(switch_id)

    async def _switch(self, switch_id: int) -> None:
        try:
            async with self._database.begin() as session:
                await switching.step(session, switch_id, self._clock.now())
        except Exception:  # whatever is wrong with one switch, the others go on
            _log.exception("a switch cannot be carried on", switch=switch_id)
            return
        self._waiting.set()

    async def _due(self, state: str) -> list[int]:
        async with self._database.read() as session:
            return list(await runs.due(session, state))

    async def _until_done(self, step: Callable[[AsyncSession, int, int], Awaitable[bool]], run_id: int) -> None:
        more = True
        while more:
            try:
                async with self._database.begin() as session:
                    more = await step(session, run_id, self._clock.now())
            except Exception:  # whatever is wrong with one run, the others go on
                _log.exception("a run cannot be carried on", run=run_id)
                return

    async def review(self) -> None:
        """Remind every customer of what is due, and order what late bills ask for."""
        self._reviewed_at = self._clock.now()
        after, found = 0, [0]
        while found:
            async with self._database.read() as session:
                found = await dunning.customers(session, after, _CUSTOMERS_AT_ONCE)
            for customer_id in found:
                await self._review(customer_id)
                after = customer_id

    async def _review(self, customer_id: int) -> None:
        now = self._clock.now()
        try:
            async with self._database.begin() as session:
                ordered = await dunning.review(session, customer_id, now)
                await dunning.remind(session, customer_id, now)
        except Exception:  # whatever is wrong with one customer, the others go on
            _log.exception("bills of a customer cannot be reviewed", customer=customer_id)
            return
        if ordered:
            self._waiting.set()
