"""Money of a customer that goes back to them: taken off their account when it is ordered, so that no sale spends it.

Above the limit another person approves. Who pays it out says from where and under which reference.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.accounts.change_models import LISTED, RefundOrder
from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import LIABILITY, Account, Draft, lines
from cloud.decided import DECLINED, DONE, WAITING
from cloud.errors import Conflict, Refused
from cloud.rows import of_actor, owned, rows_after
from cloud.vending import accounts

BANK, CASH = "bank", "cash"


async def order(
    session: AsyncSession,
    actor: Actor,
    customer_id: int,
    currency: str,
    amount_minor: int | None,
    reason: str,
    limit_minor: int,
    now: int,
) -> RefundOrder:
    """Order money of a customer to be paid out, None for all that is on the account; Refused beyond that."""
    customer = await owned(session, actor, Customer, customer_id, "customer")
    held = await accounts.held_minor(session, customer, currency)
    amount = held if amount_minor is None else amount_minor
    if not 0 < amount <= held:
        raise Refused("account_short", f"There are {held} minor units of {currency} on the account; order 1 to {held}.")
    if amount > limit_minor:
        actor.require_person()
    row = RefundOrder(
        utility_id=customer.utility_id,
        customer_id=customer.id,
        currency=currency,
        amount_minor=amount,
        source=None,
        reference=None,
        paid_at=None,
        **decided.asked(actor, reason, now),
    )
    row.state = WAITING if amount > limit_minor else LISTED
    session.add(row)
    await session.flush()
    mine = books.customer(customer.id, currency)
    await _post(session, actor, row, "asked", mine, payable(currency), now)
    await _record(session, actor, row, "refund.order", now)
    return row


def payable(currency: str) -> Account:
    """What is owed to customers and ordered to be paid out."""
    return Account("refunds_payable", currency, LIABILITY)


async def approve(session: AsyncSession, actor: Actor, order_id: int, now: int) -> RefundOrder:
    """Let money go back that another person ordered."""
    row = await decided.waiting(session, actor, RefundOrder, order_id, "refund order")
    decided.by_another(actor, row)
    decided.done(actor, row, now, LISTED)
    await _record(session, actor, row, "refund.approve", now)
    return row


async def decline(session: AsyncSession, actor: Actor, order_id: int, now: int) -> RefundOrder:
    """End an order that is not paid; its money is on the customer's account again."""
    row = await _locked(session, actor, order_id)
    if row.state not in (WAITING, LISTED):
        raise Conflict("refund_state", f"Refund order {row.id} is {row.state}; only one that is not paid is declined.")
    mine = books.customer(row.customer_id, row.currency)
    await _post(session, actor, row, "declined", payable(row.currency), mine, now)
    decided.done(actor, row, now, DECLINED)
    await _record(session, actor, row, "refund.decline", now)
    return row


async def pay(session: AsyncSession, actor: Actor, order_id: int, source: str, reference: str, now: int) -> RefundOrder:
    """Note that an order was paid out from the bank or in cash; the same again changes nothing."""
    row = await _locked(session, actor, order_id)
    if row.state == DONE and (row.source, row.reference) == (source, reference):
        return row
    if row.state != LISTED:
        raise Conflict("refund_state", f"Refund order {row.id} is {row.state}; only one that is listed is paid.")
    row.state, row.source, row.reference, row.paid_at = DONE, source, reference, now
    paid_from = books.bank(row.currency) if source == BANK else books.cash(CASH, row.currency)
    await _post(session, actor, row, "paid", payable(row.currency), paid_from, now)
    await _record(session, actor, row, "refund.pay", now)
    return row


async def _locked(session: AsyncSession, actor: Actor, order_id: int) -> RefundOrder:
    row = await owned(session, actor, RefundOrder, order_id, "refund order")
    await session.refresh(row, with_for_update=True)
    return row


async def _post(
    session: AsyncSession, actor: Actor, row: RefundOrder, event: str, debit: Account, credit: Account, now: int
) -> None:
    name = f"refund-order:{row.id}"
    moved = lines((debit, row.amount_minor, event), (credit, -row.amount_minor, event))
    draft = Draft(row.utility_id, f"{name}:{event}", "refund", name, row.reason, moved)
    await ledger_books.post(session, draft, actor, now)


async def _record(session: AsyncSession, actor: Actor, row: RefundOrder, action: str, now: int) -> None:
    detail = {
        "customer": row.customer_id,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "state": row.state,
        "source": row.source,
        "reference": row.reference,
        "reason": row.reason,
    }
    await audit.record(session, actor, action, f"refund-order:{row.id}", detail, utility_id=row.utility_id, now=now)


async def listed(session: AsyncSession, actor: Actor, state: str | None, query: PageQuery) -> Sequence[RefundOrder]:
    """A page of the orders that the caller may see, of one state or all."""
    mine = of_actor(select(RefundOrder), actor, RefundOrder.utility_id)
    if state is not None:
        mine = mine.where(RefundOrder.state == state)
    return await rows_after(session, mine, RefundOrder.id, query)
