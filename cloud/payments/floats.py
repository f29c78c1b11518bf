"""Payments that top up an agent's float instead of buying tokens: by their reference, or because a person says so."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import floats
from cloud.auth.actor import Actor
from cloud.errors import CloudError, Conflict, Refused
from cloud.payments import rules, service
from cloud.payments.models import Payment
from cloud.rows import owned


async def topped_up(session: AsyncSession, payment: Payment, now: int) -> bool:
    """Tell whether a locked, verified payment names an agent: then it is in the float, or listed with the reason."""
    agent_id = floats.agent_meant(payment.account_reference)
    if agent_id is None or payment.drn is not None:
        return False
    try:
        async with session.begin_nested():
            await _pay_in(session, service.ACTOR, payment, agent_id, now)
    except CloudError as error:
        await service.list_for_person(session, payment, error.code, error.message, now)
    return True


async def assign(session: AsyncSession, actor: Actor, payment_id: int, agent_id: int, now: int) -> Payment:
    """Put a listed payment, whose money is here, into an agent's float."""
    payment = await owned(session, actor, Payment, payment_id, "payment")
    await session.refresh(payment, with_for_update=True)
    if payment.state != rules.LISTED:
        raise Conflict("payment_state", f"Payment {payment.id} is {payment.state}, not listed.")
    if payment.verified_at is None or payment.reversed_minor:
        raise Refused("not_verified", "The money of this payment is not here, or not all of it; it tops up no float.")
    await _pay_in(session, actor, payment, agent_id, now)
    return payment


async def _pay_in(session: AsyncSession, actor: Actor, payment: Payment, agent_id: int, now: int) -> None:
    agent = await floats.pay_in(
        session,
        actor,
        agent_id,
        utility_id=payment.utility_id,
        payment_id=payment.id,
        amount_minor=payment.left_minor,
        currency=payment.currency,
        reference=payment.reference,
        now=now,
    )
    payment.state, payment.used_for, payment.used_at = rules.USED, f"agent:{agent.id}", now
    payment.code = payment.reason = payment.alarmed_at = None
    await session.flush()
    await service.record(session, actor, "payment.float", payment, {"agent": agent.id}, now)
