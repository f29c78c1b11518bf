"""Bills that are open again, since the payment that settled them was taken back by its provider.

What the payment settled is owed again, under the lock of the customer's account; what it left on that account is taken
from there, as far as it is there. Nothing is edited: a reopening is a row of its own.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.accounts.models import Customer
from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.billing import document, rules, settling
from cloud.billing.models import Bill, BillPayment, BillReopening, BillSettlement, OpenBill
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.rules import Account
from cloud.notify import outbox, texts

ACTOR = system("billing")


@dataclass(frozen=True)
class Owed:
    """What of money that was taken back is a customer's again: the accounts to debit, and the bills that are open."""

    debits: tuple[tuple[Account, int], ...]
    bills: tuple[Bill, ...]


async def take_back(session: AsyncSession, utility_id: int, key: str, amount_minor: int, source: str, now: int) -> Owed:
    """Open what a payment, by its key, settled again, the bill that is due last first; the caller posts the entry."""
    mine = select(BillPayment).where(BillPayment.utility_id == utility_id, BillPayment.key == key)
    payment = await session.scalar(mine)
    if payment is None:
        return Owed((), ())
    account = book_rules.customer(payment.customer_id, payment.currency)
    held = (await books.locked(session, utility_id, account)).held
    left, opened = amount_minor, []
    for settlement, bill, settled in await _settled(session, payment):
        again = min(left, settled)
        if again:
            await _open(session, bill, settlement, again, source, now)
            opened.append(bill)
            left -= again
    owed = (document.receivable(payment.customer_id, payment.currency), amount_minor - left)
    return Owed((owed, (account, min(left, held))), tuple(opened))


async def _settled(session: AsyncSession, payment: BillPayment) -> list[tuple[BillSettlement, Bill, int]]:
    """What a payment settled and still does. A bill that a credit note took back is owed no more."""
    note = aliased(Bill)
    undone = select(func.coalesce(func.sum(BillReopening.amount_minor), 0))
    undone = undone.where(BillReopening.settlement_id == BillSettlement.id)
    found = (
        select(BillSettlement, Bill, BillSettlement.amount_minor - undone.scalar_subquery())
        .join(Bill, Bill.id == BillSettlement.bill_id)
        .where(BillSettlement.source == f"payment:{payment.id}")
        .where(~select(note.id).where(note.corrects_id == Bill.id).exists())
        .order_by(Bill.due_day.desc(), Bill.id.desc())
    )
    return [(row[0], row[1], int(row[2])) for row in await session.execute(found)]


async def _open(
    session: AsyncSession, bill: Bill, settlement: BillSettlement, amount_minor: int, source: str, now: int
) -> None:
    row = BillReopening(
        utility_id=bill.utility_id,
        bill_id=bill.id,
        settlement_id=settlement.id,
        source=source,
        amount_minor=amount_minor,
        at=now,
    )
    session.add(row)
    there = await session.get(OpenBill, bill.id, populate_existing=True)
    if there is None:
        there = OpenBill(bill_id=bill.id, utility_id=bill.utility_id, customer_id=bill.customer_id, left_minor=0)
        session.add(there)
    there.left_minor += amount_minor
    await session.flush()
    detail = {"number": bill.number, "amount_minor": amount_minor, "currency": bill.currency, "source": source}
    await audit.record(session, ACTOR, "bill.reopen", f"bill:{bill.id}", detail, utility_id=bill.utility_id, now=now)


async def follow_up(session: AsyncSession, owed: Owed, now: int) -> None:
    """When the entry stands: pay what is open again from what is on the account, and tell the customer of the rest."""
    for bill in owed.bills:
        customer = await session.get_one(Customer, bill.customer_id)
        await settling.from_account(session, ACTOR, customer, bill.currency, now)
        left = await settling.left_minor(session, bill)
        if left:
            due = rules.date_text(bill.due_day)
            said = texts.bill(customer.language, bill.number, bill.total_minor, left, bill.currency, due)
            await outbox.add(
                session, utility_id=bill.utility_id, customer_id=customer.id, kind="bill", text=said, now=now
            )
