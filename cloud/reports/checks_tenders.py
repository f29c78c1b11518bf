"""Tenders that a cashier typed and no provider told of: each needs a reference of the provider, or a second person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents.models import AgentSale
from cloud.payments.models import Payment
from cloud.reports.checks import Day
from cloud.reports.models import TenderProof
from cloud.reports.reconciliation_rules import Finding, Found, Line
from cloud.vending.hold_models import was_cancelled
from cloud.vending.models import Vend

SECTION = "tenders"
KINDS = ("card", "mobile_money", "bank_transfer", "voucher")
"""Tenders that leave a trace; cash is counted at the end of a shift. A voucher that was redeemed left a payment."""
DEADLINE_S = 3 * 86_400
_NAME = "typed tenders, and those that are proven"


async def check(session: AsyncSession, day: Day) -> Found:
    """Compare what was typed with what was proven, and list what is late."""
    found = Found()
    proven = dict(await _sums(session, typed(day.utility_id).where(_is_proven())))
    late = (await session.scalars(unproven(day.utility_id).where(Vend.created_at < day.now - DEADLINE_S))).all()
    fresh = dict(await _sums(session, unproven(day.utility_id).where(Vend.created_at >= day.now - DEADLINE_S)))
    for unit, amount in await _sums(session, typed(day.utility_id)):
        waits = (("may still be proven", fresh.get(unit, 0)),) if fresh.get(unit) else ()
        found.lines.append(Line(SECTION, _NAME, unit, amount, proven.get(unit, 0), waits))
    found.findings = [_late(vend) for vend in late]
    return found


def typed(utility_id: int) -> Select[Any]:
    """The first vend of each purchase whose tender was typed and left no payment here."""
    paid = exists().where(Payment.purchase_id == Vend.purchase_id)
    by_agent = exists().where(AgentSale.purchase_id == Vend.purchase_id)  # whose float has paid already
    mine = (Vend.utility_id == utility_id, Vend.part == 1, Vend.tender_kind.in_(KINDS), Vend.tender_minor > 0)
    return select(Vend).where(*mine, ~paid, ~by_agent, ~was_cancelled(Vend.purchase_id))


def _is_proven() -> ColumnElement[bool]:
    return exists().where(TenderProof.purchase_id == Vend.purchase_id)


def unproven(utility_id: int) -> Select[Any]:
    """Those of them that nothing proves yet."""
    return typed(utility_id).where(~_is_proven()).order_by(Vend.id)


async def _sums(session: AsyncSession, vends: Select[Any]) -> Sequence[tuple[str, int]]:
    inner = vends.order_by(None).subquery()
    amount = func.sum(inner.c.tender_minor - inner.c.change_minor)
    found = select(inner.c.currency, amount).group_by(inner.c.currency).order_by(inner.c.currency)
    return [(unit, int(total)) for unit, total in await session.execute(found)]


def _late(vend: Vend) -> Finding:
    said = f"{vend.tender_kind} typed by {vend.actor}: no provider's reference, and nobody else has approved it"
    amount = vend.tender_minor - vend.change_minor
    subject = f"purchase:{vend.purchase_id}"
    return Finding(SECTION, "tender_unproven", subject, vend.currency, amount, vend.created_at, said, _NAME)
