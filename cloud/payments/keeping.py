"""Money that buys no token by itself: it pays its share of a debt, and the rest waits on the customer's account for the
next purchase."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import settling
from cloud.accounts.models import Customer
from cloud.meters.models import Meter
from cloud.notify import outbox, texts
from cloud.payments import money, rules
from cloud.payments.models import Payment
from cloud.payments.service import ACTOR, record

TOO_SMALL = "purchase_too_small"


async def keep(session: AsyncSession, payment: Payment, drn: str, now: int) -> bool:
    """Put a locked payment onto the account of the meter's customer; tell whether there is one."""
    meter = (await session.scalars(select(Meter).where(Meter.drn == drn))).one()
    if meter.customer_id is None:
        return False
    await money.kept(session, payment, meter.customer_id, ACTOR, now)
    payment.state, payment.used_at, payment.used_for = rules.USED, now, f"account:{meter.customer_id}"
    payment.code = payment.reason = payment.alarmed_at = None
    customer = await session.get_one(Customer, meter.customer_id)
    paid = settling.Paid(payment.left_minor, f"payment:{payment.id}")
    share = await settling.share_of_payment(session, ACTOR, customer, payment.currency, paid, now)
    detail = {"customer": meter.customer_id, "debt_minor": share}
    await record(session, ACTOR, "payment.keep", payment, detail, now)
    said = texts.kept(customer.language, drn, payment.left_minor, payment.currency, share)
    await outbox.add(
        session, utility_id=payment.utility_id, customer_id=customer.id, kind="payment_kept", text=said, now=now
    )
    return True
