"""Paying a debt otherwise than by a sale's share: from the customer's account, by the share of a payment that bought
nothing, or by an agreement with all of it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.change_models import DebtSettlement
from cloud.accounts.models import Customer
from cloud.audit.service import Named
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import Draft, lines
from cloud.errors import Refused
from cloud.meters import policies
from cloud.vending import accounts, debts
from cloud.vending.purchase import service_of
from cloud.vending.sale_models import PaymentDebt
from shared.civil import Zone, month_of
from shared.policy import decode_policy


@dataclass(frozen=True)
class Paid:
    """A payment of so much, by what it is called in the books."""

    amount_minor: int
    source: str


async def from_account(session: AsyncSession, actor: Named, customer: Customer, currency: str, now: int) -> int:
    """Pay what a customer owes out of what is on their account; return how much that was."""
    held = await accounts.held_minor(session, customer, currency)
    row = await debts.open_of(session, customer.id, currency, lock=True)
    amount = 0 if row is None else min(held, row.principal_minor - row.paid_minor)
    if row is None or amount == 0:
        return 0
    number = await settle(session, row, amount, "account", now)
    await _post(session, actor, row, number, amount, "paid from the account", now)
    return amount


async def share_of_payment(
    session: AsyncSession, actor: Named, customer: Customer, currency: str, paid: Paid, now: int
) -> int:
    """Let a payment that stands on a customer's account pay its share of their debt, as a sale would; return that."""
    await accounts.held_minor(session, customer, currency)
    row = await debts.open_of(session, customer.id, currency, lock=True)
    policy = decode_policy((await policies.latest(session, customer.utility_id)).document)
    month = month_of(Zone(policy.zone).local(now)[0])
    standing = await debts.standing(session, row, month)
    share = paid.amount_minor - service_of(paid.amount_minor, standing, policy.min_service_percent)
    if row is None or share == 0:
        return 0
    try:
        number = await settle(session, row, share, paid.source, now, month)
    except Refused:
        return 0  # its last part waits for a held purchase; the next sale takes what is left
    await _post(session, actor, row, number, share, "share of a payment", now)
    return share


async def _post(
    session: AsyncSession, actor: Named, row: PaymentDebt, number: int, amount_minor: int, reason: str, now: int
) -> None:
    mine, owed = books.customer(row.customer_id, row.currency), books.debt(row.customer_id, row.currency)
    moved = lines((mine, amount_minor, "used"), (owed, -amount_minor, "settled"))
    draft = Draft(row.utility_id, f"debt:{row.id}:settled:{number}", "debt", f"debt:{row.id}", reason, moved)
    await ledger_books.post(session, draft, actor, now)


async def settle(
    session: AsyncSession, row: PaymentDebt, amount_minor: int, source: str, now: int, month: int | None = None
) -> int:
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
        month=month,
        at=now,
    )
    session.add(paid)
    await session.flush()
    return paid.id
