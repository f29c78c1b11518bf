"""What the customer is told of the ledger: credit taken in, warnings, supply that ends; written with the verdict."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.ledger.inquiry import Finding, Inquiry, meter_at
from cloud.ledger.rules import EXPLAINED, supply_of
from cloud.meters.models import Meter, Utility
from cloud.notify import outbox, texts
from shared import kinds

_LIMITED = (kinds.DRIP, kinds.LIFELINE)


async def tell(inquiry: Inquiry, finding: Finding | None) -> None:
    """Put the message about an entry, if it is worth one, into the outbox; a meter without a customer has no reader."""
    kind = _kind(inquiry, finding)
    if kind is None:
        return
    meter = await meter_at(inquiry.session, inquiry.position.gateway, inquiry.entry.meter)
    if meter is None or meter.customer_id is None:
        return
    await _add(inquiry.session, kind, meter, inquiry, finding)


def _kind(inquiry: Inquiry, finding: Finding | None) -> str | None:
    entry = inquiry.entry
    explained = finding is not None and finding.verdict == EXPLAINED
    if entry.kind == kinds.TOKEN and explained:
        return "credit_accepted"
    if entry.kind == kinds.GRANT and entry.detail == kinds.GRANT_EMERGENCY and explained:
        return "emergency_credit"
    if inquiry.claim.wrong:
        return None
    if entry.kind == kinds.WARNING:
        return texts.WARNINGS.get(entry.detail)
    return _of_supply(inquiry) if entry.kind == kinds.VALVE_INTENT else None


def _of_supply(inquiry: Inquiry) -> str | None:
    """Only what begins: the doses of a lifeline come and go without a message each."""
    entry, before = inquiry.entry, inquiry.claim.supply
    if entry.rule in texts.CLOSURES:
        return "supply_closed" if supply_of(entry.detail) == kinds.CLOSED and before != kinds.CLOSED else None
    limits = entry.detail & 0xFF in _LIMITED and before == kinds.FULL
    return "supply_limited" if limits and entry.rule in texts.LIMITS else None


async def _add(session: AsyncSession, kind: str, meter: Meter, inquiry: Inquiry, finding: Finding | None) -> None:
    customer = await session.get_one(Customer, meter.customer_id)
    await outbox.add(
        session,
        utility_id=meter.utility_id,
        customer_id=customer.id,
        kind=kind,
        text=await _text(kind, customer.language, meter, inquiry),
        now=inquiry.now,
        vend_id=finding.vend.id if finding is not None and finding.vend is not None else None,
    )


async def _text(kind: str, language: str, meter: Meter, inquiry: Inquiry) -> str:
    entry = inquiry.entry
    if kind in ("supply_closed", "supply_limited"):
        return texts.supply(language, meter.drn, entry.rule)
    currency = await _currency(inquiry, meter)

    def shown(value: int) -> str:
        return texts.amount(value, currency, meter.commodity)

    if kind == "credit_accepted":
        amounts = (shown(entry.delta), shown(entry.balance))
        return texts.credit_accepted(language, meter.drn, *amounts)
    if kind == "emergency_credit":
        limit = shown(entry.reference_a << 32 | entry.reference_b)
        return texts.emergency_credit(language, meter.drn, limit)
    return texts.warning(language, meter.drn, kind, shown(_balance(inquiry)))


async def _currency(inquiry: Inquiry, meter: Meter) -> str | None:
    """The currency of an account of money; None for one of volume."""
    state = inquiry.position.state.meters.get(inquiry.entry.meter)
    if state is None or not state.has(kinds.MODE_CURRENCY):
        return None
    return (await inquiry.session.get_one(Utility, meter.utility_id)).currency


def _balance(inquiry: Inquiry) -> int:
    meter = inquiry.position.state.meters.get(inquiry.entry.meter)
    return meter.pots[kinds.TOKEN_CREDIT] if meter is not None else 0
