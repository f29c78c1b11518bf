"""Payments in the books: money that came stands in suspense until it is sold for, returned, or taken back."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.service import Named
from cloud.books import service as books
from cloud.books.rules import EXPENSE, Account, Draft, Line, cash, customer, lines, suspense
from cloud.payments.models import Payment


async def came(session: AsyncSession, payment: Payment, actor: Named, now: int) -> None:
    """The provider's records say that the money is there."""
    amount = payment.amount_minor
    await _post(session, payment, "came", _clearing(payment), suspense(payment.currency), amount, actor, now)


async def released(session: AsyncSession, payment: Payment, actor: Named, now: int) -> None:
    """It becomes the tender of a sale, which is an entry of its own."""
    amount = payment.left_minor
    await _post(session, payment, "sold", suspense(payment.currency), _clearing(payment), amount, actor, now)


async def returned(session: AsyncSession, payment: Payment, actor: Named, now: int) -> None:
    """It goes back to the payer."""
    amount = payment.left_minor
    await _post(session, payment, "returned", suspense(payment.currency), _clearing(payment), amount, actor, now)


async def kept(session: AsyncSession, payment: Payment, customer_id: int, actor: Named, now: int) -> None:
    """It buys nothing by itself, so it waits on the customer's account and pays the next purchase."""
    to, amount = customer(customer_id, payment.currency), payment.left_minor
    await _post(session, payment, "kept", suspense(payment.currency), to, amount, actor, now)


async def for_bills(session: AsyncSession, payment: Payment, customer_id: int, actor: Named, now: int) -> None:
    """It pays bills, from the customer's account: those take what they need, in an entry of their own."""
    to, amount = customer(customer_id, payment.currency), payment.left_minor
    await _post(session, payment, "bills", suspense(payment.currency), to, amount, actor, now)


async def taken_back(
    session: AsyncSession,
    payment: Payment,
    amount_minor: int,
    owed: Sequence[tuple[Account, int]],
    actor: Named,
    now: int,
) -> None:
    """The provider took some of it back: `owed` of it a customer owes again; after its end the rest is a loss."""
    rest = Account("chargebacks", payment.currency, EXPENSE) if payment.has_ended else suspense(payment.currency)
    left = amount_minor - sum(amount for _, amount in owed)
    taken = [(account, amount, "back") for account, amount in (*owed, (rest, left))]
    moved = lines(*taken, (_clearing(payment), -amount_minor, "back"))
    await books.post(session, _draft(payment, f"back:{payment.reversed_minor}", moved), actor, now)


def _clearing(payment: Payment) -> Account:
    return cash(payment.tender_kind, payment.currency)


async def _post(
    session: AsyncSession,
    payment: Payment,
    event: str,
    debit: Account,
    credit: Account,
    amount: int,
    by: Named,
    at: int,
) -> None:
    if amount == 0:
        return
    await books.post(session, _draft(payment, event, lines((debit, amount, event), (credit, -amount, event))), by, at)


def _draft(payment: Payment, event: str, moved: tuple[Line, ...]) -> Draft:
    return Draft(
        utility_id=payment.utility_id,
        key=f"payment:{payment.id}:{event}",
        kind="payment",
        subject=f"payment:{payment.id}",
        reason=f"{payment.provider} {payment.reference}",
        lines=moved,
    )
