"""What a provider paid out and what came to the bank: the same money, found by amount and by the reference in its text.

The provider's statement moved it to `bank`; the bank's statement brings it as a payment that waits. Whichever is
imported second finds the other; then the payment is used up, and `bank` has only what is on its way.
"""

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, String, cast, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books import service as books
from cloud.books.rules import Draft, bank, lines, suspense
from cloud.payments import rules
from cloud.payments.models import Payment
from cloud.payments.service import ACTOR, record
from cloud.reports.models import SettlementLine

PAYOUT = "payout"
_BANK = "bank"
_WAITING = (rules.VERIFIED, rules.LISTED)
_OTHERS = re.compile(r"[^A-Za-z0-9]+")


async def of_payment(session: AsyncSession, reference: str, now: int) -> bool:
    """Look whether a new line of a bank statement is a payout; then it is used up, and no payment of a customer."""
    mine = select(Payment).where(Payment.provider == _BANK, Payment.reference == reference)
    payment = await session.scalar(mine.with_for_update())
    if payment is None or payment.state not in _WAITING:
        return False
    wanted = (
        SettlementLine.utility_id == payment.utility_id,
        SettlementLine.kind == PAYOUT,
        SettlementLine.currency == payment.currency,
        SettlementLine.amount_minor == -payment.amount_minor,
    )
    unseen = select(SettlementLine).where(*wanted, ~_is_seen()).order_by(SettlementLine.id)
    for line in await session.scalars(unseen):
        if _names(payment.account_reference, line.reference):
            await _use(session, payment, line, now)
            return True
    return False


async def of_line(session: AsyncSession, line_id: int, now: int) -> bool:
    """Look whether a new payout has come to the bank already."""
    line = await session.get_one(SettlementLine, line_id)
    wanted = (
        Payment.utility_id == line.utility_id,
        Payment.provider == _BANK,
        Payment.state.in_(_WAITING),
        Payment.currency == line.currency,
        Payment.amount_minor == -line.amount_minor,
    )
    waiting = select(Payment).where(*wanted).order_by(Payment.id).with_for_update()
    for payment in await session.scalars(waiting):
        if _names(payment.account_reference, line.reference):
            await _use(session, payment, line, now)
            return True
    return False


async def unseen(session: AsyncSession, utility_id: int) -> Sequence[SettlementLine]:
    """Return the payouts that no bank statement has shown."""
    mine = (SettlementLine.utility_id == utility_id, SettlementLine.kind == PAYOUT)
    return (await session.scalars(select(SettlementLine).where(*mine, ~_is_seen()).order_by(SettlementLine.id))).all()


def _is_seen() -> ColumnElement[bool]:
    return exists().where(Payment.used_for == literal(f"{PAYOUT}:") + cast(SettlementLine.id, String))


def _names(text: str, reference: str) -> bool:
    """Tell whether a payer's text has a reference, whatever stands between its letters and digits."""
    wanted = _OTHERS.sub("", reference).lower()
    return bool(wanted) and wanted in _OTHERS.sub("", text).lower()


async def _use(session: AsyncSession, payment: Payment, line: SettlementLine, now: int) -> None:
    amount = payment.left_minor
    moved = lines((suspense(payment.currency), amount, PAYOUT), (bank(payment.currency), -amount, PAYOUT))
    subject = f"payment:{payment.id}"
    reason = f"{line.channel}: payout {line.reference}"
    key = f"{subject}:{PAYOUT}"
    await books.post(session, Draft(payment.utility_id, key, "payment", subject, reason, moved), ACTOR, now)
    payment.state, payment.used_at, payment.used_for = rules.USED, now, f"{PAYOUT}:{line.id}"
    payment.code = payment.reason = payment.alarmed_at = None
    await record(session, ACTOR, "payment.payout", payment, {"channel": line.channel, "payout": line.reference}, now)
    await session.flush()
