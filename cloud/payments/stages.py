"""Where a payment stands on its way to the meter, with the time of each stage, as the tables of each part have it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.payments import rules
from cloud.payments.models import Payment
from cloud.watchdog import stages


async def of_payment(session: AsyncSession, payment: Payment, now: int) -> dict[str, Any]:
    """Return stage, delivered_at, applied_at and stuck_s of a payment."""
    if payment.purchase_id is None:
        return _before_sale(payment, now)
    found = await stages.of_purchase(session, payment.purchase_id)
    times = {"delivered_at": found.delivered_at, "applied_at": found.applied_at}
    return {"stage": found.stage, **times, "stuck_s": found.stuck_s(now)}


def _before_sale(payment: Payment, now: int) -> dict[str, Any]:
    stage = "received" if payment.verified_at is None else "verified"
    stage = {rules.REFUNDED: "refunded", rules.VOID: "void", rules.USED: "used"}.get(payment.state, stage)
    since = payment.verified_at or payment.received_at
    stuck = rules.stuck_for_s(payment.state, since, now)
    if payment.state in rules.WAITING_FOR_PERSON:
        stuck = now - since
    return {"stage": stage, "delivered_at": None, "applied_at": None, "stuck_s": stuck}
