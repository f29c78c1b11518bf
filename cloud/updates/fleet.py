"""What a running rollout does with its gateways: sees what became of each, gives commands, and takes them back.

A gateway speaks at any time, so its row is changed only where it still stands as it was seen.
"""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.commands import service as commands
from cloud.commands.models import Command, CommandCounter
from cloud.errors import Conflict, NotFound
from cloud.meters.models import Gateway
from cloud.updates import rules
from cloud.updates.models import Release, Rollout, RolloutGateway
from shared.command_results import OLD_FIRMWARE, OTHER_BOARD, UPDATE_RUNS, sentence_of
from shared.documents import COMMAND_UPDATE

_A_ROUND = 100
"""Gateways that are told in a round of 5 s: each then downloads for four minutes, so 5,000 do so at a time."""
_SEEN_A_ROUND = 1000
_AGAIN_AFTER_S = 3600
_NOT_MEANT = (OTHER_BOARD, OLD_FIRMWARE)


async def see(session: AsyncSession, rollout: Rollout, now: int) -> None:
    """What became of commands; whose device was replaced, whose board is known by now, and who is silent."""
    await _see_answers(session, rollout, now)
    of_command = Command.id == RolloutGateway.command_id
    replaced = exists().where(of_command, Gateway.id == RolloutGateway.gateway_id, Command.epoch < Gateway.epoch)
    await _change(session, rollout, (rules.LOADING,), replaced, state=rules.WAITING, ordered_at=None)
    reported = exists().where(Gateway.id == RolloutGateway.gateway_id, Gateway.board.is_not(None))
    await _change(session, rollout, (rules.UNKNOWN,), reported, state=rules.WAITING, outcome=None)
    since = now - rollout.silent_s
    heard = exists().where(
        of_command,
        CommandCounter.gateway_id == Command.gateway_id,
        CommandCounter.epoch == Command.epoch,
        CommandCounter.heard_at > since,
    )
    failed = {"state": rules.FAILED, "ended_at": now}
    on_trial, loaded = RolloutGateway.trial_at <= since, RolloutGateway.loaded_at <= since
    await _change(session, rollout, (rules.TRIAL,), and_(on_trial, ~heard), **failed, outcome=rules.SILENT_ON_TRIAL)
    await _change(session, rollout, (rules.LOADING,), and_(loaded, ~heard), **failed, outcome=rules.SILENT_WITH_IMAGE)


async def _see_answers(session: AsyncSession, rollout: Rollout, now: int) -> None:
    mine = select(RolloutGateway.gateway_id, Command.status, Command.result)
    mine = mine.join(Command, Command.id == RolloutGateway.command_id)
    mine = mine.where(RolloutGateway.rollout_id == rollout.id, RolloutGateway.state == rules.ORDERED)
    ended = mine.where(Command.status.not_in(commands.OUTSTANDING)).limit(_SEEN_A_ROUND)
    alike: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for gateway_id, status, result in (await session.execute(ended)).all():
        alike[status, result].append(gateway_id)
    for (status, result), gateways in alike.items():
        those = RolloutGateway.gateway_id.in_(gateways)
        await _change(session, rollout, (rules.ORDERED,), those, **_after(status, result, now))


def _after(status: str, result: int | None, now: int) -> dict[str, Any]:
    """What the end of a command means for its gateway."""
    if status == commands.APPLIED:
        return {"state": rules.LOADING}
    if status != commands.REFUSED or result == UPDATE_RUNS:
        return {"state": rules.WAITING}  # it was away, has a new device, or is on another trial: it is told again
    assert result is not None, "a refusal has a code"
    state = rules.SKIPPED if result in _NOT_MEANT else rules.FAILED
    return {"state": state, "outcome": f"refused: {sentence_of(result)}", "ended_at": now}


async def _change(
    session: AsyncSession, rollout: Rollout, states: tuple[str, ...], which: ColumnElement[bool], **values: Any
) -> None:
    mine = update(RolloutGateway).where(
        RolloutGateway.rollout_id == rollout.id, RolloutGateway.state.in_(states), which
    )
    await session.execute(mine.values(**values).execution_options(synchronize_session=False))


async def draw(session: AsyncSession, rollout: Rollout) -> None:
    """Bring as many gateways of later waves into the open one as were left out of it."""
    mine = RolloutGateway.rollout_id == rollout.id
    out = select(RolloutGateway.gateway_id).where(
        mine, RolloutGateway.state == rules.SKIPPED, RolloutGateway.wave == rollout.wave
    )
    places = len((await session.scalars(out)).all())
    later = select(RolloutGateway.gateway_id).where(
        mine, RolloutGateway.state == rules.WAITING, RolloutGateway.wave > rollout.wave
    )
    drawn = (await session.scalars(later.order_by(RolloutGateway.wave, RolloutGateway.gateway_id).limit(places))).all()
    await _change(session, rollout, (rules.WAITING,), RolloutGateway.gateway_id.in_(drawn), wave=rollout.wave)


async def tell(session: AsyncSession, rollout: Rollout, release: Release, now: int) -> int:
    """Give the command to gateways of the waves that are open; how many were told."""
    waiting = select(RolloutGateway.gateway_id, Gateway.board).join(Gateway, Gateway.id == RolloutGateway.gateway_id)
    waiting = waiting.where(
        RolloutGateway.rollout_id == rollout.id,
        RolloutGateway.state == rules.WAITING,
        RolloutGateway.wave <= rollout.wave,
        or_(RolloutGateway.ordered_at.is_(None), RolloutGateway.ordered_at <= now - _AGAIN_AFTER_S),
        ~_busy_elsewhere(),
    )
    found = (await session.execute(waiting.order_by(RolloutGateway.gateway_id).limit(_A_ROUND))).all()
    payload = release.document + release.signature
    for gateway_id, board in found:
        values = await _told(session, gateway_id, board, release.board, payload, now)
        await _change(session, rollout, (rules.WAITING,), RolloutGateway.gateway_id == gateway_id, **values)
    return len(found)


def _busy_elsewhere() -> ColumnElement[bool]:
    """Another rollout has it at a download: a second manifest would end that one unseen."""
    other = aliased(RolloutGateway)
    states = (rules.ORDERED, rules.LOADING, rules.STOPPING)
    return exists().where(
        other.gateway_id == RolloutGateway.gateway_id,
        other.rollout_id != RolloutGateway.rollout_id,
        other.state.in_(states),
    )


async def _told(
    session: AsyncSession, gateway_id: int, board: str | None, wanted: str, payload: bytes, now: int
) -> dict[str, Any]:
    """Give a gateway its command, if it is of the release's board; what its row says from now on."""
    if board is None:
        return {"state": rules.UNKNOWN, "outcome": rules.UNREACHED}
    if board != wanted:
        return _left_out(f"it is a {board}, and the release is for {wanted}", now)
    try:
        command = await _order(session, gateway_id, payload, now)
    except (Conflict, NotFound) as error:
        return _left_out(str(error)[:300], now)
    return {"state": rules.ORDERED, "command_id": command.id, "ordered_at": now, "loaded_at": None}


def _left_out(why: str, now: int) -> dict[str, Any]:
    return {"state": rules.SKIPPED, "ended_at": now, "outcome": why}


async def _order(session: AsyncSession, gateway_id: int, payload: bytes, now: int) -> Command:
    return await commands.queue_order(session, gateway_id=gateway_id, kind=COMMAND_UPDATE, payload=payload, now=now)


async def stop(session: AsyncSession, rollout: Rollout, now: int) -> int:
    """Tell gateways of a rollout that is over to give up its download; how many were told."""
    mine = RolloutGateway.rollout_id == rollout.id
    told = select(RolloutGateway.gateway_id).where(mine, RolloutGateway.state == rules.STOPPING)
    gateways = (await session.scalars(told.order_by(RolloutGateway.gateway_id).limit(_SEEN_A_ROUND))).all()
    for gateway_id in gateways:
        try:
            await _order(session, gateway_id, b"", now)
        except (Conflict, NotFound):
            continue  # it has no device any more
    those = RolloutGateway.gateway_id.in_(gateways)
    await _change(session, rollout, (rules.STOPPING,), those, state=rules.SKIPPED)
    return len(gateways)
