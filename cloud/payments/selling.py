"""From a verified payment to tokens: whom it is for, and the sale, in the transaction that ends the payment."""

import re

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.errors import CloudError, Unavailable
from cloud.meters.models import Meter
from cloud.payments import billed, doubles, floats, keeping, money, rules
from cloud.payments.models import Payment
from cloud.payments.service import ACTOR, list_for_person
from cloud.vending import service as vending
from cloud.vending.store import KeyStore

_CUSTOMER = re.compile(r"[Cc]([1-9][0-9]{0,17})")


async def sell(session: AsyncSession, key_store: KeyStore, payment: Payment, now: int, *, keeps: bool = True) -> None:
    """Sell tokens for a locked, verified payment, or list it with the reason; Unavailable: try again later.

    What is too small for a token is kept on the customer's account, if it `keeps`.
    """
    if payment.state != rules.VERIFIED or await floats.topped_up(session, payment, now):
        return
    drn = payment.drn or await find_drn(session, payment)
    if drn is None:
        said = f"No meter of the utility fits {payment.account_reference!r}; assign the payment to one, or refund it."
        await list_for_person(session, payment, "account_unknown", said, now)
        return
    payment.drn = drn
    await doubles.mark(session, payment, now)
    try:
        async with session.begin_nested():
            if not await billed.paid(session, payment, drn, now):
                await _vend(session, key_store, payment, drn, now)
    except Unavailable:
        raise
    except CloudError as error:
        if keeps and error.code == keeping.TOO_SMALL and await keeping.keep(session, payment, drn, now):
            return
        await list_for_person(session, payment, error.code, error.message, now)


async def _vend(session: AsyncSession, key_store: KeyStore, payment: Payment, drn: str, now: int) -> None:
    order = vending.Order(
        purchase_id=rules.purchase_id(payment.provider, payment.reference),
        drn=drn,
        volume_ml=None,
        tender_kind=payment.tender_kind,
        tender_minor=payment.left_minor,
        currency=payment.currency,
        delivery="remote",
        change=vending.ACCOUNT,
    )
    await money.released(session, payment, ACTOR, now)
    await vending.vend(session, key_store, ACTOR, order, now)
    payment.state, payment.vended_at, payment.drn, payment.purchase_id = rules.VENDED, now, drn, order.purchase_id
    payment.code = payment.reason = payment.alarmed_at = None
    await session.flush()


async def find_drn(session: AsyncSession, payment: Payment) -> str | None:
    """Return the meter that a payer meant: its number, or C and the number of a customer who has just one meter."""
    of_utility = select(Meter.drn).where(Meter.utility_id == payment.utility_id)
    drn = rules.drn_of(payment.account_reference)
    if drn is not None:
        return await session.scalar(of_utility.where(Meter.drn == drn))
    customer = _CUSTOMER.fullmatch(payment.account_reference.strip())
    if customer is None:
        return None
    found = (await session.scalars(of_utility.where(Meter.customer_id == int(customer[1])).limit(2))).all()
    return found[0] if len(found) == 1 else None
