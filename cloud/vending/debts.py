"""What customers pay off in instalments: opened with a share and a cap, taken first at each sale, closed when paid.

In the books a debt is the customer's own account, which opening debits and each instalment of a sale credits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.change_models import DebtSettlement
from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.errors import Conflict, Refused
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.vending import booking
from cloud.vending.hold_models import SaleHold, is_open, was_cancelled
from cloud.vending.purchase import Debt
from cloud.vending.sale_models import DebtPayment, PaymentDebt


@dataclass(frozen=True)
class NewDebt:
    """What is owed, why, the share of each payment in percent, and the most that it takes in a month, None for all."""

    customer_id: int
    currency: str
    principal_minor: int
    percent: int
    month_cap_minor: int | None
    reason: str


async def add(session: AsyncSession, actor: Actor, wanted: NewDebt, now: int) -> PaymentDebt:
    """Open a debt; Conflict while the customer has one in this currency."""
    customer = await owned(session, actor, Customer, wanted.customer_id, "customer")
    row = PaymentDebt(
        utility_id=customer.utility_id,
        customer_id=customer.id,
        currency=wanted.currency,
        reason=wanted.reason,
        principal_minor=wanted.principal_minor,
        paid_minor=0,
        percent=wanted.percent,
        month_cap_minor=wanted.month_cap_minor,
        created_by=actor.label,
        created_at=now,
    )
    there = f"Customer {customer.id} pays off a debt in {wanted.currency} already; close it, and open one of both."
    await insert(session, row, Conflict("debt_open", there))
    await books.post(session, booking.debt_moved(row, row.principal_minor, "opened", row.reason), actor, now)
    await _record(session, actor, row, "debt.open", now)
    return row


async def close(session: AsyncSession, actor: Actor, debt_id: int, reason: str, now: int) -> PaymentDebt:
    """End a debt: sales take nothing for it any more, and what is left of it stands in the audit."""
    row = await owned(session, actor, PaymentDebt, debt_id, "debt")
    await session.refresh(row, with_for_update=True)
    if row.closed_at is not None:
        raise Conflict("debt_closed", f"Debt {debt_id} is closed.")
    await check_sure(session, row)
    row.closed_at = now
    await session.flush()
    left_minor = row.principal_minor - row.paid_minor
    await books.post(session, booking.debt_moved(row, -left_minor, "written off", reason), actor, now)
    await _record(session, actor, row, "debt.close", now, reason)
    return row


async def check_limit(session: AsyncSession, actor: Actor, debt_id: int, limit_minor: int) -> None:
    """Refused if more is left of a debt than one person may write off."""
    row = await owned(session, actor, PaymentDebt, debt_id, "debt")
    left = row.principal_minor - row.paid_minor
    if row.closed_at is None and left > limit_minor:
        two = f"{left} minor units are left, and above {limit_minor} two people write off"
        raise Refused("write_off_limit", f"{two}; ask with POST /debts/{debt_id}/write-off.")


async def _record(
    session: AsyncSession, actor: Actor, row: PaymentDebt, action: str, now: int, reason: str = ""
) -> None:
    detail = {
        "customer": row.customer_id,
        "currency": row.currency,
        "principal_minor": row.principal_minor,
        "paid_minor": row.paid_minor,
        "percent": row.percent,
        "month_cap_minor": row.month_cap_minor,
        "reason": reason or row.reason,
    }
    await audit.record(session, actor, action, f"debt:{row.id}", detail, utility_id=row.utility_id, now=now)


async def open_of(session: AsyncSession, customer_id: int, currency: str, *, lock: bool) -> PaymentDebt | None:
    """The debt that sales to a customer pay off now; locked, so that two sales take no cap twice."""
    mine = select(PaymentDebt).where(
        PaymentDebt.customer_id == customer_id, PaymentDebt.currency == currency, PaymentDebt.closed_at.is_(None)
    )
    if lock:
        mine = mine.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(mine)


async def standing(session: AsyncSession, row: PaymentDebt | None, month: int) -> Debt:
    """What a debt may take in a month of the utility."""
    if row is None:
        return Debt()
    owed = row.principal_minor - row.paid_minor
    if row.month_cap_minor is None:
        return Debt(owed, row.percent, owed)
    mine = (DebtPayment.debt_id == row.id, DebtPayment.month == month, ~was_cancelled(DebtPayment.purchase_id))
    sold = select(func.coalesce(func.sum(DebtPayment.amount_minor), 0)).where(*mine).scalar_subquery()
    shares = (DebtSettlement.debt_id == row.id, DebtSettlement.month == month)
    kept = select(func.coalesce(func.sum(DebtSettlement.amount_minor), 0)).where(*shares).scalar_subquery()
    taken = await session.scalar(select(sold + kept))
    return Debt(owed, row.percent, max(0, row.month_cap_minor - int(taken or 0)))


async def take_share(
    session: AsyncSession, row: PaymentDebt | None, purchase_id: str, amount_minor: int, month: int, now: int
) -> None:
    """Book the instalment of a purchase on its locked debt, if it took one; the last one closes the debt."""
    if amount_minor == 0:
        return
    assert row is not None, "only what is owed is taken"
    row.paid_minor += amount_minor
    owed = row.principal_minor - row.paid_minor
    assert amount_minor > 0 and owed >= 0, "no more is taken than is owed"
    if owed == 0 and not await _waits(session, row):
        row.closed_at = now
    paid = DebtPayment(
        purchase_id=purchase_id, debt_id=row.id, month=month, amount_minor=amount_minor, owed_after_minor=owed, at=now
    )
    session.add(paid)
    await session.flush()


async def _waits(session: AsyncSession, row: PaymentDebt) -> bool:
    """Tell whether an instalment of a locked debt is of a purchase that may still be cancelled."""
    mine = select(DebtPayment.purchase_id).join(SaleHold, SaleHold.purchase_id == DebtPayment.purchase_id)
    return await session.scalar(mine.where(DebtPayment.debt_id == row.id, is_open()).limit(1)) is not None


async def check_sure(session: AsyncSession, row: PaymentDebt) -> None:
    """Refused while an instalment of a locked debt may still come back."""
    if await _waits(session, row):
        raise Refused("debt_held", f"A held purchase pays off debt {row.id}; confirm or cancel that purchase first.")


async def settle_if_paid(session: AsyncSession, paid: DebtPayment | None, now: int) -> None:
    """A purchase with this instalment is sure: if that was the last of its debt, the debt is over."""
    if paid is None:
        return
    row = await session.get_one(PaymentDebt, paid.debt_id, with_for_update=True, populate_existing=True)
    if row.closed_at is None and row.paid_minor == row.principal_minor and not await _waits(session, row):
        row.closed_at = now
        await session.flush()


async def give_back(session: AsyncSession, paid: DebtPayment | None) -> None:
    """A purchase with this instalment is cancelled: its debt, which is open, is owed as before."""
    if paid is None:
        return
    row = await session.get_one(PaymentDebt, paid.debt_id, with_for_update=True, populate_existing=True)
    assert row.closed_at is None, "a debt stays open while an instalment may come back"
    row.paid_minor -= paid.amount_minor
    await session.flush()


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[PaymentDebt]:
    """A page of the debts that the caller may see."""
    return await rows_after(
        session, of_actor(select(PaymentDebt), actor, PaymentDebt.utility_id), PaymentDebt.id, query
    )
