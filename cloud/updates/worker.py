"""The loop that carries rollouts on: it tells gateways, looks what became of it, opens the next wave, or stops.

Each rollout is one transaction with its row locked, so several loops may run side by side, and any may die anywhere.
"""

import asyncio

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.clock import Clock
from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.db import Database
from cloud.errors import Conflict, NotFound
from cloud.updates import releases, rollouts, rules
from cloud.updates.models import Release, Rollout, RolloutGateway
from shared.command_results import OLD_FIRMWARE, OTHER_BOARD, sentence_of
from shared.documents import COMMAND_UPDATE

_ROUND_S = 5
_TOLD_A_ROUND = 500
_NOT_MEANT = (OTHER_BOARD, OLD_FIRMWARE)
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
        """Carry every running rollout on by one step."""
        async with self._database.read() as session:
            running = (await session.scalars(select(Rollout.id).where(Rollout.state == rollouts.RUNNING))).all()
        for rollout_id in running:
            try:
                await self._carry_on(rollout_id)
            except Exception:  # whatever is wrong with one, the others go on
                _log.exception("a rollout stands still", rollout=rollout_id)

    async def _carry_on(self, rollout_id: int) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            mine = select(Rollout).where(Rollout.id == rollout_id, Rollout.state == rollouts.RUNNING)
            rollout = await session.scalar(mine.with_for_update(skip_locked=True))
            if rollout is None:
                return
            await _see(session, rollout, now)
            await _decide(session, rollout, now)
            told = await _tell(session, rollout, now) if rollout.state == rollouts.RUNNING else 0
        if told:
            self._looks.set()


async def _see(session: AsyncSession, rollout: Rollout, now: int) -> None:
    """What became of commands, and whose trial is silent."""
    await session.flush()
    mine = select(RolloutGateway, Command).join(Command, Command.id == RolloutGateway.command_id)
    mine = mine.where(RolloutGateway.rollout_id == rollout.id, RolloutGateway.state == rules.ORDERED)
    ended = mine.where(Command.status.not_in(commands.OUTSTANDING)).limit(_TOLD_A_ROUND)
    for member, command in (await session.execute(ended)).all():
        _told(member, command, now)
    silent = update(RolloutGateway).where(
        RolloutGateway.rollout_id == rollout.id,
        RolloutGateway.state == rules.TRIAL,
        RolloutGateway.trial_at <= now - rollout.silent_s,
    )
    values = {"state": rules.FAILED, "ended_at": now, "outcome": "silent since its trial began"}
    await session.execute(silent.values(**values).execution_options(synchronize_session=False))
    await session.flush()


def _told(member: RolloutGateway, command: Command, now: int) -> None:
    """What a command's end means for its gateway."""
    if command.status == commands.APPLIED:
        member.state = rules.LOADING
    elif command.status == commands.REFUSED:
        assert command.result is not None, "a refusal has a code"
        member.state = rules.SKIPPED if command.result in _NOT_MEANT else rules.FAILED
        member.outcome, member.ended_at = f"refused: {sentence_of(command.result)}", now
    else:
        member.state = rules.WAITING  # it was away, or has a new device: it is told again


async def _decide(session: AsyncSession, rollout: Rollout, now: int) -> None:
    terms = rules.Terms(
        len(rollout.waves), rollout.kept_percent, rollout.failure_percent, rollout.wave_s, rollout.soak_s
    )
    counts = await rollouts.counts(session, rollout.id)
    assert rollout.wave_began_at is not None, "it runs"
    step = rules.decide(terms, rollout.wave, counts, now - rollout.wave_began_at)
    if step.what == rules.WAIT:
        return
    if step.what == rules.NEXT:
        rollout.wave, rollout.wave_began_at = rollout.wave + 1, now
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


async def _tell(session: AsyncSession, rollout: Rollout, now: int) -> int:
    """Give the command to gateways of the waves that are open; return how many."""
    waiting = select(RolloutGateway).where(
        RolloutGateway.rollout_id == rollout.id,
        RolloutGateway.state == rules.WAITING,
        RolloutGateway.wave <= rollout.wave,
    )
    members = (await session.scalars(waiting.order_by(RolloutGateway.gateway_id).limit(_TOLD_A_ROUND))).all()
    if not members:
        return 0
    release: Release = await releases.of_id(session, rollout.release_id)
    payload = release.document + release.signature
    for member in members:
        try:
            command = await commands.queue_order(
                session, gateway_id=member.gateway_id, kind=COMMAND_UPDATE, payload=payload, now=now
            )
        except (Conflict, NotFound) as error:
            member.state, member.ended_at, member.outcome = rules.SKIPPED, now, str(error)[:300]
            continue
        member.state, member.command_id, member.ordered_at = rules.ORDERED, command.id, now
    await session.flush()
    return len(members)
