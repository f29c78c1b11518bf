"""Rollouts as people see them: asked for, approved by a second person, paused, resumed, cancelled. All are audited."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.commands import service as commands
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Gateway
from cloud.rows import of_actor, owned, rows_after
from cloud.updates import releases, rules
from cloud.updates.models import GatewayFirmware, Rollout, RolloutGateway
from shared.documents import COMMAND_UPDATE
from shared.update import version_text

WAITING, RUNNING, PAUSED = "waiting", "running", "paused"
STOPPED, CANCELLED, FINISHED, DECLINED = "stopped", "cancelled", "finished", "declined"


async def ask(
    session: AsyncSession, actor: Actor, *, gateways: Sequence[int] | None, terms: dict[str, Any], now: int
) -> Rollout:
    """Ask for a rollout; `terms` are columns of the table. Without a list it goes to all enrolled gateways of the
    utility whose board is the release's or is not known yet: a gateway of another kind refuses."""
    actor.require_utility(terms["utility_id"])
    release = await releases.of_id(session, terms["release_id"])
    if release.withdrawn_at is not None:
        raise Conflict("release_withdrawn", f"Release {release.id} is withdrawn; roll out another one.")
    if not await releases.is_whole(session, release.id):
        raise Conflict("release_unfinished", f"An image of release {release.id} is missing; upload it first.")
    members = await _members(session, terms["utility_id"], release.board, gateways)
    if not members:
        raise Refused("no_gateways", f"The utility has no enrolled gateway that may be a {release.board}.")
    reason = terms.pop("reason")
    rollout = Rollout(**terms, **decided.asked(actor, reason, now), wave=0)
    session.add(rollout)
    await session.flush()
    placed = rules.spread(rollout.id, members, rollout.waves)
    session.add_all(
        RolloutGateway(rollout_id=rollout.id, gateway_id=gateway, wave=wave, state=rules.WAITING)
        for gateway, wave in placed.items()
    )
    detail = {"release": version_text(release.version), "board": release.board, "gateways": len(placed)}
    await _record(session, actor, "rollout.ask", rollout, {**detail, "waves": rollout.waves, "reason": reason}, now)
    return rollout


async def _members(session: AsyncSession, utility_id: int, board: str, wanted: Sequence[int] | None) -> list[int]:
    mine = select(Gateway.id).where(Gateway.utility_id == utility_id, Gateway.epoch > 0)
    if wanted is not None:
        found = list(await session.scalars(mine.where(Gateway.id.in_(wanted)).order_by(Gateway.id)))
        missing = sorted(set(wanted) - set(found))
        if missing:
            raise Refused("gateway_unknown", f"Gateway {missing[0]} is not enrolled, or not of this utility.")
        return found
    mine = mine.outerjoin(GatewayFirmware, GatewayFirmware.gateway_id == Gateway.id)
    of_board = or_(GatewayFirmware.board.is_(None), GatewayFirmware.board == board)
    return list(await session.scalars(mine.where(of_board).order_by(Gateway.id)))


async def approve(session: AsyncSession, actor: Actor, rollout_id: int, now: int) -> Rollout:
    """Start what another person has asked for."""
    rollout = await _locked(session, actor, rollout_id, (WAITING,))
    decided.by_another(actor, rollout)
    release = await releases.of_id(session, rollout.release_id)
    if release.withdrawn_at is not None:
        raise Conflict("release_withdrawn", f"Release {release.id} is withdrawn; decline the rollout.")
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
    """End a rollout in a state. Gateways that were told and have not begun their trial are told to stop."""
    rollout.state, rollout.outcome, rollout.ended_at = state, outcome, now
    mine = RolloutGateway.rollout_id == rollout.id
    told = select(RolloutGateway.gateway_id).where(mine, RolloutGateway.state.in_((rules.ORDERED, rules.LOADING)))
    for gateway_id in (await session.scalars(told.order_by(RolloutGateway.gateway_id))).all():
        try:
            await commands.queue_order(session, gateway_id=gateway_id, kind=COMMAND_UPDATE, payload=b"", now=now)
        except (Conflict, NotFound):
            continue  # it has no device any more
    left = update(RolloutGateway).where(mine, RolloutGateway.state.in_((rules.WAITING, rules.ORDERED, rules.LOADING)))
    values = {"state": rules.SKIPPED, "ended_at": now, "outcome": f"the rollout was {state}"}
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


async def members(session: AsyncSession, rollout_id: int, query: PageQuery) -> Sequence[RolloutGateway]:
    """A page of the gateways of a rollout."""
    mine = select(RolloutGateway).where(RolloutGateway.rollout_id == rollout_id)
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
