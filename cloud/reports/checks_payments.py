"""Payments against sales: what waits stands in suspense, and what was sold for is the tender of its purchase.

Each payment ends in tokens, on an account, or goes back; one that waits for a person is listed with its age.
"""

from collections.abc import Sequence

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.payments import rules
from cloud.payments.models import Payment
from cloud.reports.checks import Day, by_kind
from cloud.reports.reconciliation_rules import Finding, Found, Line
from cloud.vending.models import Vend

SECTION = "payments"
_HERE = (rules.VERIFIED, rules.LISTED, rules.REFUNDING)
_LISTED = (rules.LISTED, rules.REFUNDING, rules.DISPUTED)


async def check(session: AsyncSession, day: Day) -> Found:
    """Check what waits, what is for a person, and the sales of the day."""
    found = Found()
    found.lines += await _waiting(session, day)
    found.findings += [_listed(row) for row in await _for_people(session, day)]
    found.add(await _sold(session, day))
    return found


async def _waiting(session: AsyncSession, day: Day) -> list[Line]:
    here = (
        select(Payment.currency, func.sum(Payment.amount_minor - Payment.reversed_minor))
        .where(Payment.utility_id == day.utility_id, Payment.state.in_(_HERE), Payment.verified_at.is_not(None))
        .group_by(Payment.currency)
    )
    waiting = {currency: int(amount) for currency, amount in await session.execute(here)}
    lines = []
    suspense = {unit: kinds for (_, unit), kinds in (await by_kind(session, day.utility_id, "suspense")).items()}
    for unit in sorted(set(suspense) | set(waiting)):
        kinds = suspense.get(unit, {})
        others = tuple((f"posted as {kind}", -amount) for kind, amount in sorted(kinds.items()) if kind != "payment")
        lines.append(
            Line(SECTION, "suspense and payments that wait", unit, -sum(kinds.values()), waiting.get(unit, 0), others)
        )
    return lines


async def _for_people(session: AsyncSession, day: Day) -> Sequence[Payment]:
    # What was told of and never confirmed is stuck, too; what is confirmed is sold for within minutes.
    late = (Payment.state.in_(rules.OPEN)) & (Payment.received_at < day.now - max(rules.STUCK_S.values()))
    mine = select(Payment).where(Payment.utility_id == day.utility_id, Payment.state.in_(_LISTED) | late)
    return (await session.scalars(mine.order_by(Payment.id))).all()


def _listed(row: Payment) -> Finding:
    since = row.verified_at or row.received_at
    said = f"{row.provider} {row.reference}: {row.reason or row.code or row.state}"
    return Finding(SECTION, f"payment_{row.state}", f"payment:{row.id}", row.currency, row.left_minor, since, said)


async def _sold(session: AsyncSession, day: Day) -> Found:
    """What was released for the sales of the day, and the tenders of those sales."""
    key = literal("payment:") + cast(Payment.id, String) + literal(":sold")
    released = (
        select(BookEntry.key, func.sum(BookPosting.amount).label("amount"))
        .join(BookPosting, BookPosting.entry_id == BookEntry.id)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookEntry.utility_id == day.utility_id, BookEntry.kind == "payment", BookAccount.code == "suspense")
        .where(BookEntry.at >= day.from_s, BookEntry.at < day.until_s)
        .group_by(BookEntry.key)
        .subquery()
    )
    rows = await session.execute(
        select(Payment, released.c.amount, Vend.tender_minor)
        .join(released, released.c.key == key)
        .outerjoin(Vend, (Vend.purchase_id == Payment.purchase_id) & (Vend.part == 1))
        .where(Payment.utility_id == day.utility_id)
    )
    sums: dict[str, list[int]] = {}
    found = Found()
    for payment, amount, tender in rows:
        sum_of = sums.setdefault(payment.currency, [0, 0])
        sum_of[0] += int(amount)
        sum_of[1] += tender or 0
        if amount != tender:
            found.findings.append(_differs(payment, int(amount), tender))
    found.lines = [Line(SECTION, _OF_SALES, unit, left, right) for unit, (left, right) in sorted(sums.items())]
    return found


_OF_SALES = "payments sold for and tenders of the day"


def _differs(row: Payment, released: int, tender: int | None) -> Finding:
    code = "payment_without_sale" if tender is None else "tender_differs"
    said = f"{row.provider} {row.reference}: {released} released, the sale says {tender}"
    amount = released - (tender or 0)
    return Finding(SECTION, code, f"payment:{row.id}", row.currency, amount, row.verified_at or 0, said, _OF_SALES)
