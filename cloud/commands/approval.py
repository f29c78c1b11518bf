"""Requests that a second person decides on: nobody approves their own, and an old one must be made again.

Two people are two operators: a second session or API key of the same one is no second person.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.billing import by_hand
from cloud.commands import service
from cloud.commands.models import CommandRequest
from cloud.commands.orders import WAITING
from cloud.errors import Conflict, Forbidden
from cloud.meters.models import Meter
from cloud.rows import of_actor, owned, rows_after
from shared.documents import COMMAND_CONTROL, CONTROL_PAYLOAD

APPROVED, DECLINED = "approved", "declined"
LIFE_S = 24 * 3600


async def approve(session: AsyncSession, actor: Actor, request_id: int, now: int) -> CommandRequest:
    """Give the command that was asked for."""
    asked = await _waiting(session, actor, request_id)
    require_another_person(actor, asked.requested_person_id)
    if now - asked.requested_at > LIFE_S or _is_over(asked, now):
        raise Conflict("request_old", "The request is too old; decline it, and make it again if it is still wanted.")
    meter = await session.scalar(select(Meter).where(Meter.drn == asked.drn))
    if meter is None or (meter.gateway_id, meter.channel) != (asked.gateway_id, asked.channel):
        raise Conflict("meter_moved", f"Meter {asked.drn} is on another gateway or channel now; decline the request.")
    await by_hand.check_request(session, asked, meter)
    await _decided(session, actor, asked, APPROVED, now)
    command = await service.queue_order(
        session,
        gateway_id=asked.gateway_id,
        kind=asked.kind,
        payload=asked.payload,
        channel=asked.channel,
        drn=asked.drn,
        reason=asked.reason,
        now=now,
    )
    asked.command_id = command.id
    await session.flush()
    return asked


async def decline(session: AsyncSession, actor: Actor, request_id: int, now: int) -> CommandRequest:
    """End a request without a command."""
    return await _decided(session, actor, await _waiting(session, actor, request_id), DECLINED, now)


async def withdraw(session: AsyncSession, actor: Actor, request_id: int, now: int) -> CommandRequest:
    """End one's own request; Forbidden for that of another person."""
    asked = await _waiting(session, actor, request_id)
    if asked.requested_by != actor.label and asked.requested_person_id != actor.require_person():
        raise Forbidden("not_your_request", "Another person has made this request; only they withdraw it.")
    return await _decided(session, actor, asked, DECLINED, now)


async def _waiting(session: AsyncSession, actor: Actor, request_id: int) -> CommandRequest:
    asked = await owned(session, actor, CommandRequest, request_id, "command request")
    await session.refresh(asked, with_for_update=True)
    if asked.state != WAITING:
        raise Conflict("request_decided", f"Request {asked.id} was {asked.state} by {asked.decided_by}.")
    return asked


def _is_over(asked: CommandRequest, now: int) -> bool:
    if asked.kind != COMMAND_CONTROL:
        return False
    until_s = CONTROL_PAYLOAD.decode(asked.payload)["until_s"]
    return bool(until_s) and until_s <= now


async def _decided(session: AsyncSession, actor: Actor, asked: CommandRequest, state: str, now: int) -> CommandRequest:
    asked.state, asked.decided_by, asked.decided_at = state, actor.label, now
    asked.decided_person_id = actor.person_id
    detail = {"drn": asked.drn, "what": asked.what, "requested_by": asked.requested_by}
    subject = f"command-request:{asked.id}"
    action = "command.approve" if state == APPROVED else "command.decline"
    await audit.record(session, actor, action, subject, detail, utility_id=asked.utility_id, now=now)
    return asked


async def of_id(session: AsyncSession, actor: Actor, request_id: int) -> CommandRequest:
    """One request; NotFound if there is none or the caller may not see it."""
    return await owned(session, actor, CommandRequest, request_id, "command request")


async def listed(session: AsyncSession, actor: Actor, state: str | None, query: PageQuery) -> Sequence[CommandRequest]:
    """A page of the requests that the caller may see."""
    mine = of_actor(select(CommandRequest), actor, CommandRequest.utility_id)
    if state is not None:
        mine = mine.where(CommandRequest.state == state)
    return await rows_after(session, mine, CommandRequest.id, query)
