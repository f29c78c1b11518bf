"""Paying bills: the oldest first, once for each key; what no bill needs goes to the customer's account.

Everything that settles holds the lock of the customer's account, so a bill never takes more than its total, and what
`receivable` holds is what the customer's bills are open for.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import document, rules
from cloud.billing.models import Bill, BillPayment, BillReopening, BillSettlement, OpenBill
from cloud.billing.rules import Open
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.rules import Draft, Line
from cloud.errors import Conflict, Refused
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.vending.sale_models import PaymentDebt


@dataclass(frozen=True)
class Tendered:
    """Money for bills of a customer; `key` makes it happen once.

    `on_account`: a payment of a provider, that stands on the customer's account in the books already.
    """

    key: str
    customer_id: int
    tender_kind: str
    amount_minor: int
    currency: str
    on_account: bool = False


@dataclass(frozen=True)
class Plan:
    """How a debt is paid off: the share of each payment in percent, and the most in a month, None for all."""

    percent: int
    month_cap_minor: int | None
    reason: str


async def left_minor(session: AsyncSession, bill: Bill) -> int:
    """Return what of a bill is not settled."""
    return int(await session.scalar(select(OpenBill.left_minor).where(OpenBill.bill_id == bill.id)) or 0)


async def open_bills(session: AsyncSession, customer_id: int, currency: str | None = None) -> list[tuple[Bill, int]]:
    """Return a customer's bills that are open, each with what is left of it, the oldest first."""
    found = select(Bill, OpenBill.left_minor).join(OpenBill, OpenBill.bill_id == Bill.id)
    mine = found.where(OpenBill.customer_id == customer_id)
    if currency is not None:
        mine = mine.where(Bill.currency == currency)
    return [(row[0], int(row[1])) for row in await session.execute(mine.order_by(Bill.due_day, Bill.id))]


async def owe(session: AsyncSession, bill: Bill) -> None:
    """Let a bill that was issued be open, if it asks for anything."""
    if bill.total_minor:
        row = OpenBill(
            bill_id=bill.id, utility_id=bill.utility_id, customer_id=bill.customer_id, left_minor=bill.total_minor
        )
        session.add(row)
        await session.flush()


async def open_sums(session: AsyncSession, utility_id: int) -> dict[str, int]:
    """Return what all bills of a utility are open for, by currency: what its `receivable` accounts hold together."""
    billed = select(Bill.currency, func.sum(Bill.total_minor)).where(Bill.corrects_id.is_(None))
    settled = select(Bill.currency, func.sum(BillSettlement.amount_minor)).join(Bill, Bill.id == BillSettlement.bill_id)
    mine = Bill.utility_id == utility_id
    sums = {unit: int(total) for unit, total in await session.execute(billed.where(mine).group_by(Bill.currency))}
    for unit, paid in await session.execute(settled.where(mine).group_by(Bill.currency)):
        sums[unit] -= int(paid)
    again = select(Bill.currency, func.sum(BillReopening.amount_minor)).join(Bill, Bill.id == BillReopening.bill_id)
    for unit, opened in await session.execute(again.where(mine).group_by(Bill.currency)):
        sums[unit] += int(opened)
    return sums


async def pay(session: AsyncSession, actor: Actor, wanted: Tendered, now: int) -> BillPayment:
    """Take money for a customer's bills, or return what this key paid already; Conflict if that was something else."""
    customer = await owned(session, actor, Customer, wanted.customer_id, "customer")
    await books.locked(session, customer.utility_id, book_rules.customer(customer.id, wanted.currency))
    said = hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).digest()
    made = select(BillPayment).where(BillPayment.utility_id == customer.utility_id, BillPayment.key == wanted.key)
    if (first := await session.scalar(made)) is not None:
        if first.request_sha256 != said:
            raise Conflict("payment_id_used", f"{wanted.key} paid something else; a new payment needs a new id.")
        return first
    taken = await _taken(session, customer, wanted.currency, wanted.amount_minor)
    paid = sum(share.left_minor for share in taken)
    row = BillPayment(
        utility_id=customer.utility_id,
        key=wanted.key,
        request_sha256=said,
        customer_id=customer.id,
        tender_kind=wanted.tender_kind,
        amount_minor=wanted.amount_minor,
        kept_minor=wanted.amount_minor - paid,
        currency=wanted.currency,
        actor=actor.label,
        at=now,
    )
    used = Conflict("payment_id_used", f"{wanted.key} paid something else; a new payment needs a new id.")
    await insert(session, row, used)
    subject = f"customer:{customer.id}"
    lines = _paid_lines(wanted, paid)
    if lines:
        draft = Draft(row.utility_id, f"bill-payment:{row.id}", "bill-payment", subject, wanted.key, lines)
        await books.post(session, draft, actor, now)
    await settle(session, customer.utility_id, taken, f"payment:{row.id}", now)
    detail = {"amount_minor": row.amount_minor, "kept_minor": row.kept_minor, "currency": row.currency}
    detail |= {"tender_kind": row.tender_kind, "bills": [share.bill_id for share in taken]}
    await audit.record(session, actor, "bill.pay", subject, detail, utility_id=row.utility_id, now=now)
    return row


def _paid_lines(wanted: Tendered, paid: int) -> tuple[Line, ...]:
    """From the till, or from the account: what the bills took, and what of the tender they did not."""
    account = book_rules.customer(wanted.customer_id, wanted.currency)
    taken = (document.receivable(wanted.customer_id, wanted.currency), -paid, "bill")
    if wanted.on_account:
        return book_rules.lines((account, paid, "bill"), taken)
    till = (book_rules.cash(wanted.tender_kind, wanted.currency), wanted.amount_minor, "tender")
    return book_rules.lines(till, taken, (account, paid - wanted.amount_minor, "kept"))


async def from_account(session: AsyncSession, actor: Actor, customer: Customer, currency: str, now: int) -> int:
    """Pay open bills with what is on the customer's account; return how much that was, in minor units."""
    held = (await books.locked(session, customer.utility_id, book_rules.customer(customer.id, currency))).held
    taken = await _taken(session, customer, currency, held)
    paid = sum(share.left_minor for share in taken)
    if not paid:
        return 0
    settled = await settle(session, customer.utility_id, taken, "account", now)
    lines = book_rules.lines(
        (book_rules.customer(customer.id, currency), paid, "bill"),
        (document.receivable(customer.id, currency), -paid, "bill"),
    )
    key = f"bill-account:{settled[0].id}"
    draft = Draft(customer.utility_id, key, "bill-payment", f"customer:{customer.id}", "from the account", lines)
    await books.post(session, draft, actor, now)
    return paid


async def to_debt(
    session: AsyncSession, actor: Actor, customer_id: int, currency: str, plan: Plan, now: int
) -> PaymentDebt:
    """Turn all open bills of a customer into one debt that sales pay off; Refused if none is open."""
    customer = await owned(session, actor, Customer, customer_id, "customer")
    await books.locked(session, customer.utility_id, book_rules.customer(customer.id, currency))
    found = [Open(bill.id, left) for bill, left in await open_bills(session, customer.id, currency)]
    owed = sum(bill.left_minor for bill in found)
    if not owed:
        raise Refused("nothing_owed", f"Customer {customer.id} has no open bill in {currency}.")
    debt = PaymentDebt(
        utility_id=customer.utility_id,
        customer_id=customer.id,
        currency=currency,
        reason=plan.reason,
        principal_minor=owed,
        paid_minor=0,
        percent=plan.percent,
        month_cap_minor=plan.month_cap_minor,
        created_by=actor.label,
        created_at=now,
    )
    there = f"Customer {customer.id} pays off a debt in {currency} already; agree on instalments of both together."
    await insert(session, debt, Conflict("debt_open", there))
    lines = book_rules.lines(
        (book_rules.debt(customer.id, currency), owed, "bills"),
        (document.receivable(customer.id, currency), -owed, "bills"),
    )
    draft = Draft(debt.utility_id, f"debt:{debt.id}:bills", "bill-debt", f"debt:{debt.id}", plan.reason, lines)
    await books.post(session, draft, actor, now)
    await settle(session, customer.utility_id, found, f"debt:{debt.id}", now)
    detail = {"customer": customer.id, "principal_minor": owed, "bills": [bill.bill_id for bill in found]}
    detail |= {"percent": plan.percent, "month_cap_minor": plan.month_cap_minor, "reason": plan.reason}
    await audit.record(session, actor, "bill.debt", f"debt:{debt.id}", detail, utility_id=debt.utility_id, now=now)
    return debt


async def _taken(session: AsyncSession, customer: Customer, currency: str, money_minor: int) -> list[Open]:
    owed = [Open(bill.id, left) for bill, left in await open_bills(session, customer.id, currency)]
    return rules.allocate(money_minor, owed)


async def settle(
    session: AsyncSession, utility_id: int, taken: Sequence[Open], source: str, now: int
) -> list[BillSettlement]:
    """Note what settled bills, whose customer's account is locked; the entry in the books is the caller's."""
    rows = []
    for share in taken:
        row = BillSettlement(
            utility_id=utility_id, bill_id=share.bill_id, source=source, amount_minor=share.left_minor, at=now
        )
        rows.append(row)
        left = await session.get_one(OpenBill, share.bill_id, populate_existing=True)
        if left.left_minor == share.left_minor:
            await session.delete(left)
        else:
            left.left_minor -= share.left_minor
    session.add_all(rows)
    await session.flush()
    return rows


async def listed(
    session: AsyncSession, actor: Actor, customer_id: int | None, query: PageQuery
) -> Sequence[BillPayment]:
    """A page of the payments of bills that the caller may see."""
    mine = of_actor(select(BillPayment), actor, BillPayment.utility_id)
    if customer_id is not None:
        mine = mine.where(BillPayment.customer_id == customer_id)
    return await rows_after(session, mine, BillPayment.id, query)
