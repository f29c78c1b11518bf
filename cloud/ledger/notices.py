"""What the customer is told of the ledger: credit accepted, credit low, valve closed; written with the verdict."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.ledger.rules import EXPLAINED
from cloud.ledger.verdicts import Finding, Inquiry, meter_at
from cloud.meters.models import Meter
from cloud.notify import outbox, texts
from shared import kinds
from shared.entries import Entry

_CLOSED_FOR_CREDIT = (kinds.RULE_CREDIT_EXHAUSTED, kinds.RULE_BELOW_RECONNECT)


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
    if entry.kind == kinds.TOKEN and finding is not None and finding.verdict == EXPLAINED:
        return "credit_accepted"
    if inquiry.claim.wrong:
        return None
    if entry.kind == kinds.WARNING:
        return "low_credit"
    closes = entry.kind == kinds.VALVE_INTENT and entry.detail == kinds.CLOSED and inquiry.claim.supply != kinds.CLOSED
    return "supply_closed" if closes and entry.rule in _CLOSED_FOR_CREDIT else None


async def _add(session: AsyncSession, kind: str, meter: Meter, inquiry: Inquiry, finding: Finding | None) -> None:
    customer = await session.get_one(Customer, meter.customer_id)
    await outbox.add(
        session,
        utility_id=meter.utility_id,
        customer_id=customer.id,
        kind=kind,
        text=_text(kind, customer.language, meter.drn, inquiry.entry, _balance(inquiry)),
        now=inquiry.now,
        vend_id=finding.vend.id if finding is not None and finding.vend is not None else None,
    )


def _text(kind: str, language: str, drn: str, entry: Entry, balance_ml: int) -> str:
    if kind == "credit_accepted":
        return texts.credit_accepted(language, drn, entry.delta, entry.balance)
    if kind == "low_credit":
        return texts.low_credit(language, drn, balance_ml)
    return texts.supply_closed(language, drn)


def _balance(inquiry: Inquiry) -> int:
    meter = inquiry.position.state.meters.get(inquiry.entry.meter)
    return meter.pots[kinds.TOKEN_CREDIT] if meter is not None else 0
