"""Agreements on instalments: what a customer owes of several debts becomes one, with a plan, a share and a cap.

Sales take the share first, as of any debt; the plan says what is due by when, and who is behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import rules, settling
from cloud.accounts.change_models import DebtInstalment
from cloud.accounts.models import Customer
from cloud.accounts.rules import Instalment, PlanStanding
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import settling as bills
from cloud.books import service as ledger_books
from cloud.errors import Conflict, Refused
from cloud.rows import insert, owned
from cloud.vending import accounts, booking, debts
from cloud.vending.sale_models import PaymentDebt

TAKEN_OVER = "agreement"


@dataclass(frozen=True)
class Item:
    """Something that is owed and stands in no debt and no bill yet."""

    what: str
    amount_minor: int


@dataclass(frozen=True)
class NewAgreement:
    """Several debts that become one: the debt that is open, the bills that are open if `with_bills`, and further items.

    `due` are the times of the instalments, in order; empty for a debt without a plan.
    """

    customer_id: int
    currency: str
    items: Sequence[Item]
    with_bills: bool
    percent: int
    month_cap_minor: int | None
    due: Sequence[int]
    reason: str


async def agree(session: AsyncSession, actor: Actor, wanted: NewAgreement, now: int) -> PaymentDebt:
    """Make one debt of all that, with its plan; Refused if nothing is owed."""
    customer = await owned(session, actor, Customer, wanted.customer_id, "customer")
    if wanted.due and wanted.due[0] <= now:
        raise Refused("plan_wrong", "The first instalment is due in the past; begin later than now.")
    await accounts.held_minor(session, customer, wanted.currency)
    taken_minor, parts = await _take_over(session, actor, customer, wanted, now)
    new_minor = sum(item.amount_minor for item in wanted.items)
    principal = taken_minor + new_minor
    if principal == 0:
        raise Refused("nothing_owed", f"Customer {customer.id} owes nothing in {wanted.currency}; name what is owed.")
    plan = rules.instalments(principal, wanted.due) if wanted.due else []
    row = await _debt(session, actor, wanted, customer, principal, now)
    for part in plan:
        session.add(
            DebtInstalment(
                debt_id=row.id,
                number=part.number,
                utility_id=row.utility_id,
                due_at=part.due_at,
                amount_minor=part.amount_minor,
            )
        )
    await session.flush()
    if new_minor:
        await ledger_books.post(session, booking.debt_moved(row, new_minor, "opened", wanted.reason), actor, now)
    detail = {"customer": customer.id, "principal_minor": principal, "currency": row.currency, "percent": row.percent}
    detail |= {"month_cap_minor": row.month_cap_minor, "instalments": len(plan), "debts": parts, "reason": row.reason}
    await audit.record(session, actor, "debt.agree", f"debt:{row.id}", detail, utility_id=row.utility_id, now=now)
    return row


async def _take_over(
    session: AsyncSession, actor: Actor, customer: Customer, wanted: NewAgreement, now: int
) -> tuple[int, list[int]]:
    """Close what is open into the agreement; the customer's account of debts in the books holds it already."""
    total, parts = await _close_open(session, customer, wanted.currency, now)
    if wanted.with_bills and await bills.open_bills(session, customer.id, wanted.currency):
        plan = bills.Plan(wanted.percent, wanted.month_cap_minor, wanted.reason)
        await bills.to_debt(session, actor, customer.id, wanted.currency, plan, now)
        more, others = await _close_open(session, customer, wanted.currency, now)
        total, parts = total + more, parts + others
    return total, parts


async def _close_open(session: AsyncSession, customer: Customer, currency: str, now: int) -> tuple[int, list[int]]:
    row = await debts.open_of(session, customer.id, currency, lock=True)
    if row is None:
        return 0, []
    owed = row.principal_minor - row.paid_minor
    await settling.settle(session, row, owed, TAKEN_OVER, now)
    return owed, [row.id]


async def _debt(
    session: AsyncSession, actor: Actor, wanted: NewAgreement, customer: Customer, principal_minor: int, now: int
) -> PaymentDebt:
    row = PaymentDebt(
        utility_id=customer.utility_id,
        customer_id=customer.id,
        currency=wanted.currency,
        reason=wanted.reason,
        principal_minor=principal_minor,
        paid_minor=0,
        percent=wanted.percent,
        month_cap_minor=wanted.month_cap_minor,
        created_by=actor.label,
        created_at=now,
    )
    await insert(session, row, Conflict("debt_open", f"Customer {customer.id} has another open debt; look again."))
    return row


async def plan_of(session: AsyncSession, actor: Actor, debt_id: int) -> tuple[PaymentDebt, list[Instalment]]:
    """A debt and its instalments in order; none for a debt without a plan."""
    row = await owned(session, actor, PaymentDebt, debt_id, "debt")
    mine = select(DebtInstalment).where(DebtInstalment.debt_id == row.id).order_by(DebtInstalment.number)
    return row, [Instalment(one.number, one.due_at, one.amount_minor) for one in await session.scalars(mine)]


def standing(row: PaymentDebt, plan: Sequence[Instalment], now: int) -> PlanStanding:
    """Where the plan of a debt stands now; a debt that was closed is behind with nothing."""
    if row.closed_at is not None:
        return PlanStanding(0, 0, None, 0)
    return rules.plan_standing(plan, row.paid_minor, now)
