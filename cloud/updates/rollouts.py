"""Rollouts as people see them: asked for, approved by a second person, paused, resumed, cancelled. All are audited."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, Refused
from cloud.meters.models import Gateway
from cloud.rows import of_actor, owned, rows_after
from cloud.updates import releases, rules
from cloud.updates.models import GatewayFirmware, Release, Rollout, RolloutGateway
from shared.update import decode_manifest, version_text

WAITING, RUNNING, PAUSED = "waiting", "running", "paused"
STOPPED, CANCELLED, FINISHED, DECLINED = "stopped", "cancelled", "finished", "declined"
_ROWS_AT_ONCE = 5000


async def ask(
    session: AsyncSession, actor: Actor, *, gateways: Sequence[int] | None, terms: dict[str, Any], now: int
) -> Rollout:
    """Ask for a rollout; `terms` are columns of the table. Without a list it goes to all enrolled gateways of the
    utility that are of the release's board. Those whose board is not known are in its last wave, and wait there until
    it is."""
    actor.require_utility(terms["utility_id"])
    release = await releases.of_id(session, terms["release_id"])
    _require_offered(release)
    if not await releases.is_whole(session, release.id):
        raise Conflict("release_unfinished", f"An image of release {release.id} is missing; upload it first.")
    known, unknown = await _members(session, terms["utility_id"], release, gateways)
    if not known:
        told = f"{len(unknown)} have not told their board; enrol them again" if unknown else "it has none"
        raise Refused("no_gateways", f"The utility has no enrolled gateway that is a {release.board}: {told}.")
    reason = terms.pop("reason")
    rollout = Rollout(**terms, **decided.asked(actor, reason, now), wave=0)
    session.add(rollout)
    await session.flush()
    placed = await asyncio.to_thread(rules.spread, rollout.id, known, rollout.waves)  # a second for a million
    await _add_members(session, rollout, placed, unknown)
    detail = {"release": version_text(release.version), "board": release.board, "gateways": len(placed)}
    detail |= {"unknown": len(unknown), "waves": rollout.waves, "reason": reason}
    await _record(session, actor, "rollout.ask", rollout, detail, now)
    return rollout


def _require_offered(release: Release) -> None:
    if release.withdrawn_at is not None:
        raise Conflict("release_withdrawn", f"Release {release.id} is withdrawn; roll out another one.")


async def _members(
    session: AsyncSession, utility_id: int, release: Release, wanted: Sequence[int] | None
) -> tuple[list[int], list[int]]:
    """The gateways that it goes to, and those of them whose board is not known."""
    permitted = decode_manifest(release.document).gateway
    if permitted:  # it may be older than what others run, too
        if wanted not in (None, [permitted]):
            raise Refused("gateway_not_permitted", f"The release is for gateway {permitted} alone; list only that one.")
        wanted = [permitted]
    mine = select(Gateway.id, Gateway.board).where(Gateway.utility_id == utility_id, Gateway.epoch > 0)
    if wanted is None:
        mine = mine.where(or_(Gateway.board.is_(None), Gateway.board == release.board))
    else:
        mine = mine.where(Gateway.id.in_(wanted))
    boards: dict[int, str | None] = {row.id: row.board for row in await session.execute(mine)}
    for gateway in wanted or ():
        if gateway not in boards:
            raise Refused("gateway_unknown", f"Gateway {gateway} is not enrolled, or not of this utility.")
        if boards[gateway] not in (None, release.board):
            raise Refused(
                "gateway_other_board", f"Gateway {gateway} is a {boards[gateway]}; the release is for {release.board}."
            )
    unknown = [gateway for gateway, board in boards.items() if board is None]
    return [gateway for gateway, board in boards.items() if board is not None], unknown


async def _add_members(session: AsyncSession, rollout: Rollout, placed: dict[int, int], unknown: Sequence[int]) -> None:
    last = len(rollout.waves) - 1
    states: list[tuple[int, int, str, str | None]] = [
        (gateway, wave, rules.WAITING, None) for gateway, wave in placed.items()
    ]
    states += [(gateway, last, rules.UNKNOWN, rules.UNREACHED) for gateway in unknown]
    names = ("gateway_id", "wave", "state", "outcome")
    for at in range(0, len(states), _ROWS_AT_ONCE):
        rows = [
            {"rollout_id": rollout.id, **dict(zip(names, one, strict=True))} for one in states[at : at + _ROWS_AT_ONCE]
        ]
        await session.execute(insert(RolloutGateway), rows)


async def approve(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """Start what another person has asked for."""
    rollout = await _locked(session, actor, rollout_id, (WAITING,))
    decided.by_another(actor, rollout)
    _require_offered(await releases.of_id(session, rollout.release_id))
    decided.done(actor, rollout, now, RUNNING)
    rollout.wave_began_at = now
    await _record(session, actor, "rollout.approve", rollout, {"requested_by": rollout.requested_by}, now)
    return rollout


async def decline(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """End what was asked for."""
    rollout = await _locked(session, actor, rollout_id, (WAITING,))
    decided.done(actor, rollout, now, DECLINED)
    rollout.ended_at = now
    await _record(session, actor, "rollout.decline", rollout, {"requested_by": rollout.requested_by}, now)
    return rollout


async def pause(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """No further gateway is told; those that were told go on."""
    rollout = await _locked(session, actor, rollout_id, (RUNNING,))
    rollout.state, rollout.outcome = PAUSED, f"paused by {actor.label}"
    await _record(session, actor, "rollout.pause", rollout, {}, now)
    return rollout


async def resume(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """Go on with the wave that was open; its time begins anew. What was stopped for its failures stays so."""
    rollout = await _locked(session, actor, rollout_id, (PAUSED,))
    _require_offered(await releases.of_id(session, rollout.release_id))
    rollout.state, rollout.outcome, rollout.wave_began_at = RUNNING, None, now
    await _record(session, actor, "rollout.resume", rollout, {}, now)
    return rollout


async def cancel(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """End it, and tell the gateways that are still downloading to stop; what is on trial or kept stays."""
    rollout = await _locked(session, actor, rollout_id, (RUNNING, PAUSED))
    await end(session, rollout, CANCELLED, f"cancelled by {actor.label}", now)
    await _record(session, actor, "rollout.cancel", rollout, {}, now)
    return rollout


async def end(session: AsyncSession, rollout: Rollout, state: str, outcome: str | None, now: int) -> None:
    """End a rollout in a state. Gateways that were told and have not begun their trial are yet to be told to stop: a
    million commands are more than one transaction."""
    rollout.state, rollout.outcome, rollout.ended_at = state, outcome, now
    told = RolloutGateway.state.in_((rules.ORDERED, rules.LOADING))
    for which, becomes in ((RolloutGateway.state == rules.WAITING, rules.SKIPPED), (told, rules.STOPPING)):
        left = update(RolloutGateway).where(RolloutGateway.rollout_id == rollout.id, which)
        values = {"state": becomes, "ended_at": now, "outcome": f"the rollout was {state}"}
        await session.execute(left.values(**values).execution_options(synchronize_session=False))
    await session.flush()


async def _locked(session: AsyncSession, actor: Actor, rollout_id: int, states: tuple[str, ...]) -> Rollout:
    rollout = await of_id(session, actor, rollout_id)
    await session.refresh(rollout, with_for_update=True)
    if rollout.state not in states:
        raise Conflict("rollout_state", f"Rollout {rollout_id} is {rollout.state}, and not {' or '.join(states)}.")
    return rollout


async def _record(
    session: AsyncSession, actor: Actor, action: str, rollout: Rollout, detail: dict[str, Any], now: int
) -> None:
    await session.flush()
    subject = f"rollout:{rollout.id}"
    await audit.record(session, actor, action, subject, detail, utility_id=rollout.utility_id, now=now)


async def of_id(session: AsyncSession, actor: Actor, rollout_id: int) -> Rollout:
    """One rollout that the caller may see."""
    return await owned(session, actor, Rollout, rollout_id, "rollout")


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Rollout]:
    """A page of the rollouts that the caller may see."""
    return await rows_after(session, of_actor(select(Rollout), actor, Rollout.utility_id), Rollout.id, query)


async def members(
    session: AsyncSession, rollout_id: int, query: PageQuery, state: str | None = None
) -> Sequence[RolloutGateway]:
    """A page of the gateways of a rollout, of all or those in a state."""
    mine = select(RolloutGateway).where(RolloutGateway.rollout_id == rollout_id)
    if state is not None:
        mine = mine.where(RolloutGateway.state == state)
    return await rows_after(session, mine, RolloutGateway.gateway_id, query)


async def counts(session: AsyncSession, rollout_id: int) -> dict[tuple[int, str], int]:
    """How many gateways of a rollout there are by (wave, state)."""
    by = (RolloutGateway.wave, RolloutGateway.state)
    found = select(*by, func.count()).where(RolloutGateway.rollout_id == rollout_id).group_by(*by)
    return {(wave, state): number for wave, state, number in (await session.execute(found)).all()}


async def running_on(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[GatewayFirmware]:
    """A page of what runs on the gateways that the caller may see."""
    mine = of_actor(select(GatewayFirmware), actor, GatewayFirmware.utility_id)
    return await rows_after(session, mine, GatewayFirmware.gateway_id, query)
