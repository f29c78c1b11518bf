"""Paying a debt otherwise than by a sale's share: from the customer's account, or by an agreement with all of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.change_models import DebtSettlement
from cloud.accounts.models import Customer
from cloud.audit.service import Named
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import Draft, lines
from cloud.vending import accounts, debts
from cloud.vending.sale_models import PaymentDebt


async def from_account(session: AsyncSession, actor: Named, customer: Customer, currency: str, now: int) -> int:
    """Pay what a customer owes out of what is on their account; return how much that was."""
    held = await accounts.held_minor(session, customer, currency)
    row = await debts.open_of(session, customer.id, currency, lock=True)
    amount = 0 if row is None else min(held, row.principal_minor - row.paid_minor)
    if row is None or amount == 0:
        return 0
    number = await settle(session, row, amount, "account", now)
    mine, owed = books.customer(customer.id, currency), books.debt(customer.id, currency)
    moved = lines((mine, amount, "used"), (owed, -amount, "settled"))
    key = f"debt:{row.id}:settled:{number}"
    draft = Draft(customer.utility_id, key, "debt", f"debt:{row.id}", "paid from the account", moved)
    await ledger_books.post(session, draft, actor, now)
    return amount


async def settle(session: AsyncSession, row: PaymentDebt, amount_minor: int, source: str, now: int) -> int:
    """Note that a locked debt is paid by so much; its last part closes it. Return the settlement's number."""
    if amount_minor == row.principal_minor - row.paid_minor:
        await debts.check_sure(session, row)
    row.paid_minor += amount_minor
    owed = row.principal_minor - row.paid_minor
    assert amount_minor > 0 and owed >= 0, "no more is settled than is owed"
    if owed == 0:
        row.closed_at = now
    paid = DebtSettlement(
        utility_id=row.utility_id,
        debt_id=row.id,
        amount_minor=amount_minor,
        owed_after_minor=owed,
        source=source,
        at=now,
    )
    session.add(paid)
    await session.flush()
    return paid.id
