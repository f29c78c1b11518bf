"""The loop that sees purchases through: it finds late ones, does the next step for each, and tells a person in the end.

Each step is one transaction with its note, so a process may die anywhere; whatever is done twice is taken once.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.clock import Clock
from cloud.db import Database
from cloud.notify.carriers import Carriers
from cloud.vending import releasing
from cloud.vending.models import Vend
from cloud.vending.store import KeyStore
from cloud.watchdog import facts, healing, rules
from cloud.watchdog.models import WatchCursor, WatchedPurchase
from cloud.watchdog.rules import Limits

_ROUND_S = 15
_BATCH = 200
_LEASE_S = 300
_THE_CURSOR = 1
_log = structlog.get_logger("watchdog")


class Watchdog:
    """The loop; several may run side by side."""

    def __init__(
        self, database: Database, key_store: KeyStore, carriers: Carriers, clock: Clock, limits: Limits
    ) -> None:
        self._database = database
        self._key_store = key_store
        self._carriers = carriers
        self._clock = clock
        self._limits = limits

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is logged and tried again."""
        while True:
            busy = 0
            try:
                busy = max(await self.expire_held(), await self.find_late(), await self.heal_due())
            except Exception:
                _log.exception("the watchdog stopped; it goes on in a moment")
            if busy < _BATCH:
                await asyncio.sleep(_ROUND_S)

    async def expire_held(self) -> int:
        """Cancel each purchase that was not confirmed in time; return how many there were."""
        now = self._clock.now()
        async with self._database.read() as session:
            late = await releasing.expired(session, now, _BATCH)
        for purchase_id in late:
            try:
                async with self._database.begin() as session:
                    await releasing.expire(session, purchase_id, now)
            except Exception:  # whatever is wrong with one, those behind it go on
                _log.exception("a held purchase cannot be cancelled", purchase=purchase_id)
        return len(late)

    async def find_late(self) -> int:
        """Note purchases that their meter does not show in time; return how many vends were looked at."""
        now = self._clock.now()
        async with self._database.begin() as session:
            cursor = await _cursor(session)
            # A sale that commits late has a lower number than one that is seen; none takes as long as this wait.
            ripe = (Vend.id > cursor.vend_id, Vend.created_at <= now - self._limits.deliver_s)
            rows = (await session.scalars(select(Vend).where(*ripe).order_by(Vend.id).limit(_BATCH))).all()
            for row in rows:
                if row.part == 1 and now - row.created_at < rules.WATCH_LONGEST_S:
                    await _watch(session, row, now)
            cursor.vend_id = rows[-1].id if rows else cursor.vend_id
        return len(rows)

    async def heal_due(self) -> int:
        """Do the next step for each watched purchase that is due; return how many there were."""
        now = self._clock.now()
        due = select(WatchedPurchase).where(WatchedPurchase.next_look_at <= now)
        due = due.order_by(WatchedPurchase.next_look_at).limit(_BATCH).with_for_update(skip_locked=True)
        async with self._database.begin() as session:
            rows = (await session.scalars(due)).all()
            for row in rows:
                row.next_look_at = now + _LEASE_S
        await self._each([row.id for row in rows])
        return len(rows)

    async def _each(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            try:
                async with self._database.begin() as session:
                    await self._heal(session, number)
            except Exception:  # whatever is wrong with one, those behind it go on; its lease brings it back
                _log.exception("a purchase cannot be looked after", watched=number)

    async def _heal(self, session: AsyncSession, number: int) -> None:
        now = self._clock.now()
        watched = await session.get_one(WatchedPurchase, number)
        found = await facts.gather(session, watched, self._carriers, now)
        step = rules.decide(found.facts, self._limits)
        watched.next_look_at = now + rules.next_look_s(found.facts)
        if step.what == rules.END:
            await healing.end(session, watched, found, now)
        elif step.what == rules.TELL:
            await healing.tell(session, self._key_store, watched, found, self._carriers, now)
        elif step.what == rules.COMMAND:
            await healing.command(session, self._key_store, watched, found, now)
        elif step.what == rules.ALARM:
            await healing.alarm(session, watched, found, step, now)


async def _cursor(session: AsyncSession) -> WatchCursor:
    cursor = await session.get(WatchCursor, _THE_CURSOR, with_for_update=True)
    if cursor is None:
        made = _insert(session)(WatchCursor).values(id=_THE_CURSOR, vend_id=0)
        await session.execute(made.on_conflict_do_nothing())
        cursor = await session.get_one(WatchCursor, _THE_CURSOR, with_for_update=True)
    return cursor


async def _watch(session: AsyncSession, first: Vend, now: int) -> None:
    waits = select(Vend.id).where(
        Vend.purchase_id == first.purchase_id, Vend.consumed_by.is_(None), Vend.voided_at.is_(None)
    )
    if await session.scalar(waits.limit(1)) is None:
        return
    made = _insert(session)(WatchedPurchase).values(
        purchase_id=first.purchase_id,
        utility_id=first.utility_id,
        meter_id=first.meter_id,
        vend_id=first.id,
        vended_at=first.created_at,
        next_look_at=now,
        told_again=0,
        commanded=0,
    )
    await session.execute(made.on_conflict_do_nothing())


def _insert(session: AsyncSession) -> Any:
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
