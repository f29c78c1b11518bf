"""What people do with payments that wait for them: assign to a meter, return with a second person, or close."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor, require_another_person
from cloud.errors import Conflict, Refused
from cloud.meters import service as meters
from cloud.payments import money, rules, service
from cloud.payments.models import Payment
from cloud.rows import of_actor, owned, rows_after

_KINDS = {
    "waiting": Payment.state.in_(rules.WAITING_FOR_PERSON),
    "stuck": Payment.state.in_(rules.OPEN) & Payment.alarmed_at.is_not(None),
    "double": Payment.double_of.is_not(None),
}


async def of_id(session: AsyncSession, actor: Actor, payment_id: int) -> Payment:
    """One payment; NotFound if there is none or the caller may not see it."""
    return await owned(session, actor, Payment, payment_id, "payment")


async def listed(session: AsyncSession, actor: Actor, wanted: str | None, query: PageQuery) -> Sequence[Payment]:
    """A page of the payments that the caller may see: of a state, waiting for a person, stuck, or doubles; or all."""
    mine = of_actor(select(Payment), actor, Payment.utility_id)
    if wanted is not None:
        mine = mine.where(_KINDS.get(wanted, Payment.state == wanted))
    return await rows_after(session, mine, Payment.id, query)


async def assign(session: AsyncSession, actor: Actor, payment_id: int, drn: str, now: int) -> Payment:
    """Say which meter a listed payment is for; it is sold for at once, after a confirmation if that is missing."""
    payment = await _in(session, actor, payment_id, (rules.LISTED,))
    meter = await meters.meter_of(session, actor, drn)
    if meter.utility_id != payment.utility_id:
        raise Refused("other_utility", f"Meter {drn} is of another utility than the payment.")
    if payment.reversed_minor:
        raise Refused("reversed_in_part", "A part of this payment was taken back; return the rest instead.")
    payment.drn = drn
    payment.state = rules.RECEIVED if payment.verified_at is None else rules.VERIFIED
    payment.code, payment.reason, payment.attempts, payment.next_attempt_at = None, None, 0, now
    await service.record(session, actor, "payment.assign", payment, {"drn": drn}, now)
    return payment


async def ask_refund(
    session: AsyncSession, actor: Actor, payment_id: int, reference: str, limit_minor: int, now: int
) -> Payment:
    """Say that a listed payment goes back under this reference of the transfer; above the limit another approves."""
    payment = await _in(session, actor, payment_id, (rules.LISTED,))
    if payment.verified_at is None:
        raise Refused("not_verified", "Nothing says that this money ever came; close the payment instead.")
    payment.refund_asked_by, payment.refund_reference = actor.require_person(), reference
    if payment.left_minor > limit_minor:
        payment.state = rules.REFUNDING
        await service.record(session, actor, "payment.refund-ask", payment, {"refund": reference}, now)
    else:
        await _refund(session, actor, payment, now)
    return payment


async def approve_refund(session: AsyncSession, actor: Actor, payment_id: int, now: int) -> Payment:
    """Let a payment go back that another person asked to return."""
    payment = await _in(session, actor, payment_id, (rules.REFUNDING,))
    require_another_person(actor, payment.refund_asked_by)
    await _refund(session, actor, payment, now)
    return payment


async def decline_refund(session: AsyncSession, actor: Actor, payment_id: int, now: int) -> Payment:
    """Put a payment back into the queue that was to be returned."""
    payment = await _in(session, actor, payment_id, (rules.REFUNDING,))
    payment.state, payment.refund_reference, payment.refund_asked_by = rules.LISTED, None, None
    await service.record(session, actor, "payment.refund-decline", payment, {}, now)
    return payment


async def close(session: AsyncSession, actor: Actor, payment_id: int, note: str, now: int) -> Payment:
    """End a case: a payment that never came is void, a disputed one goes back to how it ended."""
    payment = await _in(session, actor, payment_id, (rules.LISTED, rules.DISPUTED))
    if payment.state == rules.LISTED and payment.verified_at is not None:
        raise Refused("money_here", "The money of this payment is here; assign it to a meter, or refund it.")
    ended = rules.USED if payment.used_at is not None else rules.REFUNDED
    ended = rules.VENDED if payment.vended_at is not None else ended
    payment.state = rules.VOID if payment.state == rules.LISTED else ended
    payment.reason = note
    await service.record(session, actor, "payment.close", payment, {"note": note}, now)
    return payment


async def _refund(session: AsyncSession, actor: Actor, payment: Payment, now: int) -> None:
    await money.returned(session, payment, actor, now)
    payment.state, payment.refunded_at, payment.look_again_at = rules.REFUNDED, now, None
    payment.code = payment.reason = None
    await service.record(session, actor, "payment.refund", payment, {"refund": payment.refund_reference}, now)


async def _in(session: AsyncSession, actor: Actor, payment_id: int, states: tuple[str, ...]) -> Payment:
    payment = await of_id(session, actor, payment_id)
    await session.refresh(payment, with_for_update=True)
    if payment.state not in states:
        raise Conflict("payment_state", f"Payment {payment.id} is {payment.state}, not {' or '.join(states)}.")
    return payment
