"""Payments for meters that are billed: they pay the customer's bills, the oldest first, and no tokens."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing import settling
from cloud.billing.settling import Tendered
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.payments import money, rules, service
from cloud.payments.models import Payment


async def paid(session: AsyncSession, payment: Payment, drn: str, now: int) -> bool:
    """Tell whether a locked, verified payment is for a meter in credit mode: then its bills have it."""
    meter = (await session.scalars(select(Meter).where(Meter.drn == drn))).one()
    if meter.payment != "credit":
        return False
    if meter.customer_id is None:
        raise Refused("no_customer", f"Meter {drn} is billed and has no customer; link one, or refund the payment.")
    await money.for_bills(session, payment, meter.customer_id, service.ACTOR, now)
    wanted = Tendered(
        key=f"payment:{payment.id}",
        customer_id=meter.customer_id,
        tender_kind=payment.tender_kind,
        amount_minor=payment.left_minor,
        currency=payment.currency,
        on_account=True,
    )
    await settling.pay(session, service.ACTOR, wanted, now)
    payment.state, payment.used_for, payment.used_at = rules.USED, f"bills:{meter.customer_id}", now
    payment.code = payment.reason = payment.alarmed_at = None
    await session.flush()
    await service.record(session, service.ACTOR, "payment.bills", payment, {"customer": meter.customer_id}, now)
    return True
