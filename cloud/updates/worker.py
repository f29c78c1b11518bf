"""The loop that carries rollouts on: looks what became of gateways, opens the next wave or stops, tells gateways.

Each step of a rollout is one transaction with its row locked, so several loops may run side by side, and any may die
anywhere.
"""

import asyncio

import structlog
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.clock import Clock
from cloud.db import Database
from cloud.updates import fleet, rollouts, rules
from cloud.updates.models import Release, Rollout, RolloutGateway

_ROUND_S = 5
_LIVE = (rollouts.RUNNING, rollouts.PAUSED)
_ACTOR = system("updates")
_log = structlog.get_logger("updates")


class Updates:
    """The loop. `looks` wakes the dispatcher of commands."""

    def __init__(self, database: Database, clock: Clock, looks: asyncio.Event) -> None:
        self._database = database
        self._clock = clock
        self._looks = looks

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is logged and tried again."""
        while True:
            try:
                await self.round()
            except Exception:
                _log.exception("rollouts stand still; they go on in a moment")
            await asyncio.sleep(_ROUND_S)

    async def round(self) -> None:
        """Carry every rollout on by one step: those that are not over, and those that have gateways to stop."""
        stopping = exists().where(RolloutGateway.rollout_id == Rollout.id, RolloutGateway.state == rules.STOPPING)
        is_over = Rollout.state.in_((rollouts.STOPPED, rollouts.CANCELLED, rollouts.FINISHED))
        open_ones = select(Rollout.id).where(or_(Rollout.state.in_(_LIVE), and_(is_over, stopping)))
        async with self._database.read() as session:
            numbers = (await session.scalars(open_ones.order_by(Rollout.id))).all()
        for rollout_id in numbers:
            try:
                await self._carry_on(rollout_id)
            except Exception:  # whatever is wrong with one, the others go on
                _log.exception("a rollout stands still", rollout=rollout_id)

    async def _carry_on(self, rollout_id: int) -> None:
        # One transaction each: who has locked members must not wait for the number of a command, as the ledger's intake
        # locks them the other way round.
        now, told = self._clock.now(), 0
        for step in (_look, _decide, _command):
            async with self._database.begin() as session:
                mine = select(Rollout).where(Rollout.id == rollout_id)
                rollout = await session.scalar(mine.with_for_update(skip_locked=True))
                if rollout is not None:  # else somebody else is at it
                    told += await step(session, rollout, now)
        if told:
            self._looks.set()


async def _look(session: AsyncSession, rollout: Rollout, now: int) -> int:
    if rollout.state in _LIVE:
        await fleet.see(session, rollout, now)
    return 0


async def _command(session: AsyncSession, rollout: Rollout, now: int) -> int:
    """Give commands; how many."""
    if rollout.state == rollouts.PAUSED:
        return 0
    if rollout.state != rollouts.RUNNING:
        return await fleet.stop(session, rollout, now)
    release = await session.get_one(Release, rollout.release_id)
    return await fleet.tell(session, rollout, release, now)


async def _decide(session: AsyncSession, rollout: Rollout, now: int) -> int:
    if rollout.state not in _LIVE:
        return 0
    step = await _step(session, rollout, now)
    if step.what == rules.WAIT or (rollout.state == rollouts.PAUSED and step.what != rules.STOP):
        return 0
    if step.what == rules.NEXT:
        rollout.wave, rollout.wave_began_at = rollout.wave + 1, now
    elif step.what == rules.DRAW:
        await fleet.draw(session, rollout)
    elif step.what == rules.PAUSE:
        rollout.state, rollout.outcome = rollouts.PAUSED, step.why
    else:
        state = rollouts.STOPPED if step.what == rules.STOP else rollouts.FINISHED
        await rollouts.end(session, rollout, state, step.why or None, now)
    detail = {"wave": rollout.wave + 1, "why": step.why}
    subject = f"rollout:{rollout.id}"
    await audit.record(session, _ACTOR, f"rollout.{step.what}", subject, detail, utility_id=rollout.utility_id, now=now)
    _log.info("rollout", rollout=rollout.id, step=step.what, why=step.why)
    await session.flush()
    return 0


async def _step(session: AsyncSession, rollout: Rollout, now: int) -> rules.Step:
    release = await session.get_one(Release, rollout.release_id)
    if release.withdrawn_at is not None:
        return rules.Step(rules.STOP, "its release was withdrawn")
    terms = rules.Terms(
        len(rollout.waves), rollout.kept_percent, rollout.failure_percent, rollout.wave_s, rollout.soak_s
    )
    assert rollout.wave_began_at is not None, "it was started"
    counts = await rollouts.counts(session, rollout.id)
    return rules.decide(terms, rollout.wave, counts, now - rollout.wave_began_at)
