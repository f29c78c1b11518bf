"""Providers' statements against payments and their clearing accounts, line by line from the first statement on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.payments.models import Payment
from cloud.reports import payouts
from cloud.reports.checks import Day, by_kind
from cloud.reports.models import Settlement, SettlementLine, TenderProof
from cloud.reports.reconciliation_rules import Finding, Found, Line
from cloud.reports.settlements import FEE, PAYMENT, PAYOUT, REFUND
from cloud.vending.hold_models import was_cancelled
from cloud.vending.models import Vend

SECTION = "providers"
MARGIN_S = 2 * 86_400
"""A payment so near the end of a statement may stand in the next one."""
PAYOUT_S = 5 * 86_400
"""How long a payout may be on its way to the bank."""
_OUT = Payment.reversed_minor + case(
    (Payment.refunded_at.is_not(None), Payment.amount_minor - Payment.reversed_minor), else_=0
)
"""What of a payment went back."""


@dataclass(frozen=True)
class Covered:
    """A channel in one currency, and the time that its statements cover."""

    channel: str
    currency: str
    from_s: int
    until_s: int


@dataclass(frozen=True)
class Pair:
    """A line of a statement and the payment that it is of; one of them may be missing."""

    reference: str
    at: int
    said: int | None
    ours: int | None
    payment_id: int | None = None
    proves: bool = False

    @property
    def difference(self) -> int:
        """What the provider says less what the payments say."""
        return (self.said or 0) - (self.ours or 0)


async def check(session: AsyncSession, day: Day) -> Found:
    """Check every channel that has statements, and every clearing account."""
    found = Found()
    for covered in await _covered(session, day):
        _weigh(found, covered, PAYMENT, await _payments(session, covered))
        _weigh(found, covered, REFUND, await _refunds(session, covered))
    found.lines += await _clearing(session, day)
    await _payouts(session, day, found)
    return found


async def _covered(session: AsyncSession, day: Day) -> Sequence[Covered]:
    spans = (
        select(
            SettlementLine.channel,
            SettlementLine.currency,
            func.min(SettlementLine.at),
            func.max(Settlement.covers_until),
        )
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(SettlementLine.utility_id == day.utility_id)
        .group_by(SettlementLine.channel, SettlementLine.currency)
        .order_by(SettlementLine.channel, SettlementLine.currency)
    )
    return [Covered(*row) for row in await session.execute(spans)]


async def _payments(session: AsyncSession, covered: Covered) -> list[Pair]:
    """Every line of a payment with its payment, and every payment that stands in no statement."""
    lines = _lines(covered, PAYMENT)
    same = (Payment.provider == SettlementLine.provider) & (Payment.reference == SettlementLine.reference)
    proves = exists().where(
        TenderProof.utility_id == SettlementLine.utility_id,
        TenderProof.provider == SettlementLine.provider,
        TenderProof.reference == SettlementLine.reference,
    )
    joined = select(
        SettlementLine.reference,
        SettlementLine.at,
        SettlementLine.amount_minor,
        Payment.amount_minor,
        Payment.id,
        proves,
    ).outerjoin(Payment, same & Payment.verified_at.is_not(None))
    pairs = [Pair(*row) for row in await session.execute(joined.where(*lines))]
    known = exists().where(
        *lines, SettlementLine.provider == Payment.provider, SettlementLine.reference == Payment.reference
    )
    rest = select(Payment.reference, Payment.paid_at, Payment.amount_minor, Payment.id).where(*_mine(covered), ~known)
    return pairs + [Pair(row[0], row[1], None, row[2], row[3]) for row in await session.execute(rest)]


async def _refunds(session: AsyncSession, covered: Covered) -> list[Pair]:
    lines = _lines(covered, REFUND)
    named = or_(SettlementLine.reference == Payment.reference, SettlementLine.reference == Payment.refund_reference)
    same = (Payment.provider == SettlementLine.provider) & named & Payment.verified_at.is_not(None)
    joined = select(
        SettlementLine.reference, SettlementLine.at, SettlementLine.amount_minor, -_OUT, Payment.id
    ).outerjoin(Payment, same)
    pairs = [Pair(*row) for row in await session.execute(joined.where(*lines))]
    known = exists().where(*lines, SettlementLine.provider == Payment.provider, named)
    went = func.coalesce(Payment.refunded_at, Payment.received_at)
    rest = select(Payment.reference, went, -_OUT, Payment.id).where(*_mine(covered), _OUT > 0, ~known)
    return pairs + [Pair(row[0], row[1], None, row[2], row[3]) for row in await session.execute(rest)]


def _lines(covered: Covered, kind: str):  # type: ignore[no-untyped-def]  # conditions
    mine = (SettlementLine.channel == covered.channel, SettlementLine.currency == covered.currency)
    return (*mine, SettlementLine.kind == kind)


def _mine(covered: Covered):  # type: ignore[no-untyped-def]  # conditions
    mine = (Payment.channel == covered.channel, Payment.currency == covered.currency)
    return (*mine, Payment.verified_at.is_not(None), Payment.paid_at >= covered.from_s)


def _weigh(found: Found, covered: Covered, kind: str, pairs: Sequence[Pair]) -> None:
    """One line of sums, and what differs in it: in no statement yet, or listed."""
    name = f"{covered.channel}: {kind}s in statements, and here"
    explained: dict[str, int] = defaultdict(int)
    for pair in pairs:
        if pair.difference == 0:
            continue
        if pair.said is None and pair.at > covered.until_s - MARGIN_S:
            explained["in no statement yet"] += pair.difference
        elif pair.ours is None and pair.proves:
            explained["proves tenders that were typed"] += pair.difference
        else:
            found.findings.append(_finding(covered, kind, pair, name))
    left, right = sum(pair.said or 0 for pair in pairs), sum(pair.ours or 0 for pair in pairs)
    found.lines.append(Line(SECTION, name, covered.currency, left, right, tuple(explained.items())))


def _finding(covered: Covered, kind: str, pair: Pair, name: str) -> Finding:
    what = "missing" if pair.said is None else "unknown" if pair.ours is None else "differs"
    subject = f"{covered.channel}:{pair.reference}"[:120] if pair.payment_id is None else f"payment:{pair.payment_id}"
    said = f"{kind} {pair.reference}: the provider says {pair.said}, here stands {pair.ours}"
    return Finding(SECTION, f"{kind}_{what}", subject, covered.currency, pair.difference, pair.at, said, name)


async def _payouts(session: AsyncSession, day: Day, found: Found) -> None:
    """What providers paid out, and what of it bank statements have shown."""
    mine = (SettlementLine.utility_id == day.utility_id, SettlementLine.kind == PAYOUT)
    sums = select(SettlementLine.currency, -func.sum(SettlementLine.amount_minor)).where(*mine)
    paid = {unit: int(amount) for unit, amount in await session.execute(sums.group_by(SettlementLine.currency))}
    if not paid:
        return
    name = "payouts, and what came to the bank"
    banked = exists().where(Payment.utility_id == day.utility_id, Payment.provider == "bank")
    has_bank = await session.scalar(select(banked))
    unseen: dict[str, int] = defaultdict(int)
    way: dict[str, int] = defaultdict(int)
    for line in await payouts.unseen(session, day.utility_id):
        unseen[line.currency] -= line.amount_minor
        if not has_bank or line.at > day.now - PAYOUT_S:
            way[line.currency] -= line.amount_minor
        else:
            said = f"{line.channel} paid {line.reference} out, and no bank statement shows it"
            subject = f"payout:{line.id}"
            amount = -line.amount_minor
            found.findings.append(
                Finding(SECTION, "payout_missing", subject, line.currency, amount, line.at, said, name)
            )
    what = "on its way" if has_bank else "no bank statement is imported"
    for unit, amount in sorted(paid.items()):
        explained = ((what, way[unit]),) if way[unit] else ()
        found.lines.append(Line(SECTION, name, unit, amount, amount - unseen[unit], explained))


async def _clearing(session: AsyncSession, day: Day) -> list[Line]:
    """What providers owe by the books, and by payments, typed tenders and statements."""
    ours: dict[tuple[str, str], int] = defaultdict(int)
    for rows in (_kept(day), _typed(day), _left(day)):
        for kind, currency, amount in await session.execute(rows):
            ours[f"clearing:{kind}", currency] += int(amount)
    lines = []
    for (code, unit), kinds in sorted((await by_kind(session, day.utility_id, "clearing")).items()):
        known = ("payment", "sale", "cancel", "settlement")
        others = tuple((f"posted as {kind}", amount) for kind, amount in sorted(kinds.items()) if kind not in known)
        name = f"{code}, and payments with statements"
        lines.append(Line(SECTION, name, unit, sum(kinds.values()), ours[code, unit], others))
    return lines


def _kept(day: Day):  # type: ignore[no-untyped-def]  # a select
    kept = func.sum(Payment.amount_minor - _OUT)
    mine = (Payment.utility_id == day.utility_id, Payment.verified_at.is_not(None))
    return (
        select(Payment.tender_kind, Payment.currency, kept).where(*mine).group_by(Payment.tender_kind, Payment.currency)
    )


def _typed(day: Day):  # type: ignore[no-untyped-def]  # a select
    paid = exists().where(Payment.purchase_id == Vend.purchase_id)
    amount = func.sum(Vend.tender_minor - Vend.change_minor)
    mine = (Vend.utility_id == day.utility_id, Vend.part == 1, Vend.tender_kind != "cash", ~paid)
    sold = select(Vend.tender_kind, Vend.currency, amount).where(*mine, ~was_cancelled(Vend.purchase_id))
    return sold.group_by(Vend.tender_kind, Vend.currency)


def _left(day: Day):  # type: ignore[no-untyped-def]  # a select
    """What left the clearing accounts by statements: payouts, fees, and what was kept of payments."""
    went = case((SettlementLine.kind.in_((PAYOUT, FEE)), SettlementLine.amount_minor), else_=0)
    amount = func.sum(went - SettlementLine.fee_minor)
    by = (SettlementLine.tender_kind, SettlementLine.currency)
    return select(*by, amount).where(SettlementLine.utility_id == day.utility_id).group_by(*by)
