"""Asking a customer's phone to pay: written down before it is sent, so that its answer always finds it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import NotFound, Refused
from cloud.meters import service as meters
from cloud.notify.texts import minor_digits
from cloud.payments.channels import Channel, Channels
from cloud.payments.models import PushRequest
from cloud.payments.providers.mpesa import Mpesa
from cloud.rows import owned

ASKED, SENT, FAILED, ENDED, PAID = "asked", "sent", "failed", "ended", "paid"
LOOK_AFTER_S = 120
"""A phone asks its owner for about a minute; an answer that is not here by then may be lost."""
_CURRENCY = "KES"


@dataclass(frozen=True)
class Wanted:
    """Who is to pay how much, in minor units, for which meter, by which channel."""

    channel: str
    drn: str
    phone: str
    amount_minor: int


def mpesa_channel(channels: Channels, actor: Actor, name: str) -> tuple[Channel, Mpesa]:
    """Return a channel that can ask phones; NotFound if there is none of that name for the caller."""
    channel = channels.get(name)
    if channel is None or not actor.may_see(channel.utility_id) or not isinstance(channel.provider, Mpesa):
        raise NotFound("channel_unknown", f"There is no M-Pesa channel {name}.")
    return channel, channel.provider


async def begin(session: AsyncSession, actor: Actor, channel: Channel, wanted: Wanted, now: int) -> PushRequest:
    """Write the request down; Refused for what M-Pesa cannot ask."""
    if wanted.amount_minor % 10 ** minor_digits(_CURRENCY):
        raise Refused("whole_shillings", "M-Pesa asks for whole shillings; leave the cents out.")
    meter = await meters.meter_of(session, actor, wanted.drn)
    if meter.utility_id != channel.utility_id:
        raise Refused("other_utility", f"Meter {wanted.drn} is of another utility than the channel.")
    request = PushRequest(
        utility_id=channel.utility_id,
        channel=channel.name,
        drn=wanted.drn,
        amount_minor=wanted.amount_minor,
        currency=_CURRENCY,
        state=ASKED,
        requested_at=now,
        look_again_at=now + LOOK_AFTER_S,
        looks=0,
    )
    session.add(request)
    await session.flush()
    detail = {"drn": wanted.drn, "amount_minor": wanted.amount_minor, "channel": channel.name}
    subject = f"push-request:{request.id}"
    await audit.record(session, actor, "payment.push", subject, detail, utility_id=channel.utility_id, now=now)
    return request


def shillings(wanted: Wanted) -> int:
    """What M-Pesa is asked for."""
    return int(wanted.amount_minor // 10 ** minor_digits(_CURRENCY))


async def sent(session: AsyncSession, push_id: int, checkout_id: str | None) -> PushRequest:
    """Note that M-Pesa took the request, or did not; its end may have come first."""
    request = await session.get_one(PushRequest, push_id, with_for_update=True)
    request.look_again_at = request.look_again_at if checkout_id else None
    if request.state == ASKED:
        request.state = SENT if checkout_id else FAILED
    request.checkout_id = checkout_id
    return request


async def of_id(session: AsyncSession, actor: Actor, push_id: int) -> PushRequest:
    """One request; NotFound if there is none or the caller may not see it."""
    return await owned(session, actor, PushRequest, push_id, "push request")
