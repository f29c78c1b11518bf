"""Where a payment stands on its way to the meter, with the time of each stage, as the tables of each part have it."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.notify.models import Message
from cloud.payments import rules
from cloud.payments.models import Payment
from cloud.vending.models import Vend

APPLY_STUCK_S = 3 * 86_400
"""How long tokens may be out before a person should ask: a gateway may be out of reach for days."""
DELIVER_STUCK_S = 900


async def of_payment(session: AsyncSession, payment: Payment, now: int) -> dict[str, Any]:
    """Return stage, delivered_at, applied_at and stuck_s of a payment."""
    if payment.purchase_id is None:
        return _before_sale(payment, now)
    parts = select(func.count(), func.count(Vend.consumed_at), func.max(Vend.consumed_at), func.min(Vend.id))
    found = await session.execute(parts.where(Vend.purchase_id == payment.purchase_id))
    sold, taken, last, first_vend = found.one()
    told = await session.scalar(select(func.min(Message.delivered_at)).where(Message.vend_id == first_vend))
    applied = last if sold and sold == taken else None
    delivered = told if told is not None else applied
    stage = "applied" if applied is not None else "delivered" if delivered is not None else "vended"
    return {"stage": stage, "delivered_at": delivered, "applied_at": applied, "stuck_s": _late(payment, stage, now)}


def _late(payment: Payment, stage: str, now: int) -> int:
    limit = {"vended": DELIVER_STUCK_S, "delivered": APPLY_STUCK_S}.get(stage)
    waited = now - (payment.vended_at or now)
    return waited if limit is not None and waited > limit else 0


def _before_sale(payment: Payment, now: int) -> dict[str, Any]:
    stage = "received" if payment.verified_at is None else "verified"
    stage = {rules.REFUNDED: "refunded", rules.VOID: "void"}.get(payment.state, stage)
    since = payment.verified_at or payment.received_at
    stuck = rules.stuck_for_s(payment.state, since, now)
    if payment.state in rules.WAITING_FOR_PERSON:
        stuck = now - since
    return {"stage": stage, "delivered_at": None, "applied_at": None, "stuck_s": stuck}
