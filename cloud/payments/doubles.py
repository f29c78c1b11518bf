"""Recognising a payment that somebody made again because the first seemed lost: it is flagged, and sold all the same.

Supply is never held back for a suspicion. Who paid twice by mistake calls, and a token that is not used is voided.
"""

import structlog
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.meters.models import Meter
from cloud.notify import outbox, texts
from cloud.payments import rules
from cloud.payments.models import Payment
from cloud.payments.service import ACTOR, record
from cloud.watchdog import stages

_LOOKED_AT = 100
_log = structlog.get_logger("payments")


async def mark(session: AsyncSession, payment: Payment, now: int) -> None:
    """Flag a payment whose meter is known if it repeats one that was stuck when it was made; once, and tell."""
    if payment.double_of is not None or payment.tender_kind == "voucher":  # two vouchers of one batch are alike
        return
    before = await _stuck_before(session, payment)
    if before is None:
        return
    payment.double_of = before.id
    await record(session, ACTOR, "payment.double", payment, {"of": before.id}, now)
    _log.warning("payment looks like a double", payment=payment.id, of=before.id, utility=payment.utility_id)
    minutes = max(1, (payment.received_at - before.received_at + 59) // 60)
    await _tell(session, payment, minutes, now)


async def _stuck_before(session: AsyncSession, payment: Payment) -> Payment | None:
    """The payment of the same amount for the meter, shortly before, whose credit was nowhere when this one came."""
    alike = select(Payment).where(
        Payment.utility_id == payment.utility_id,
        or_(Payment.drn == payment.drn, Payment.drn.is_(None)),
        Payment.amount_minor == payment.amount_minor,
        Payment.currency == payment.currency,
        Payment.id < payment.id,
        Payment.received_at.between(payment.received_at - rules.DOUBLE_WITHIN_S, payment.received_at),
        Payment.state.not_in((rules.VOID, rules.REFUNDED)),
    )
    found = (await session.scalars(alike.order_by(Payment.id.desc()).limit(_LOOKED_AT))).all()
    # One that is not sold for yet has the meter only in the words of its payer.
    mine = [one for one in found if payment.drn in (one.drn, rules.drn_of(one.account_reference))]
    before = mine[0] if mine else None
    if before is None or await _had_arrived(session, before, payment.received_at):
        return None
    return before


async def _had_arrived(session: AsyncSession, before: Payment, at: int) -> bool:
    if before.purchase_id is None:
        return before.used_at is not None and before.used_at < at
    progress = await stages.of_purchase(session, before.purchase_id)
    return progress.delivered_at is not None and progress.delivered_at < at


async def _tell(session: AsyncSession, payment: Payment, minutes: int, now: int) -> None:
    meter = (await session.scalars(select(Meter).where(Meter.drn == payment.drn))).one()
    if meter.customer_id is None:
        return
    customer = await session.get_one(Customer, meter.customer_id)
    said = texts.double(customer.language, meter.drn, payment.amount_minor, payment.currency, minutes)
    await outbox.add(
        session, utility_id=payment.utility_id, customer_id=customer.id, kind="payment_double", text=said, now=now
    )
