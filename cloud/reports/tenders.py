"""Proving a tender that a cashier typed: the provider's line for it, used once, or a second person who says why."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.auth.models import ApiKey
from cloud.errors import Conflict, NotFound, Refused
from cloud.payments.models import Payment
from cloud.reports import doubts
from cloud.reports.checks_tenders import typed
from cloud.reports.models import SettlementLine, TenderProof
from cloud.rows import insert
from cloud.vending.models import Vend


@dataclass(frozen=True)
class Proof:
    """Either where the provider has the money, by its reference, or a reason, which a second person gives."""

    provider: str | None
    reference: str | None
    reason: str


async def prove(session: AsyncSession, actor: Actor, purchase_id: str, proof: Proof, now: int) -> TenderProof:
    """Keep why a typed tender is believed; Refused if the provider has another amount, or the seller approves it."""
    vend = await _typed(session, actor, purchase_id)
    if await session.get(TenderProof, purchase_id) is not None:
        raise Conflict("tender_proven", f"The tender of purchase {purchase_id} is proven already.")
    if proof.reference is None:
        require_another_person(actor, await _seller(session, vend))
    else:
        actor.require_person()
        await _check_line(session, vend, proof)
    row = TenderProof(
        purchase_id=purchase_id,
        utility_id=vend.utility_id,
        provider=proof.provider,
        reference=proof.reference,
        reason=proof.reason,
        actor=actor.label,
        at=now,
    )
    await insert(session, row, Conflict("reference_used", "This reference has proven another tender."))
    await doubts.lift(session, purchase_id, now)
    detail = {"provider": proof.provider, "reference": proof.reference, "reason": proof.reason}
    detail |= {"amount_minor": str(vend.tender_minor - vend.change_minor)}
    subject = f"purchase:{purchase_id}"
    await audit.record(session, actor, "tender.prove", subject, detail, utility_id=vend.utility_id, now=now)
    return row


async def _typed(session: AsyncSession, actor: Actor, purchase_id: str) -> Vend:
    vend = await session.scalar(select(Vend).where(Vend.purchase_id == purchase_id, Vend.part == 1))
    if vend is None or not actor.may_see(vend.utility_id):
        raise NotFound("purchase_unknown", f"There is no purchase {purchase_id}.")
    mine = typed(vend.utility_id).where(Vend.purchase_id == purchase_id)
    if await session.scalar(mine) is None:
        raise Refused("tender_not_typed", "This purchase was paid in cash, or by a payment that a provider told of.")
    return vend


async def _seller(session: AsyncSession, vend: Vend) -> int | None:
    """The person who sold: an operator, or the owner of the API key."""
    kind, _, number = vend.actor.partition(":")
    if not number.isdigit():
        return None
    if kind == "operator":
        return int(number)
    key = await session.get(ApiKey, int(number)) if kind == "api-key" else None
    return None if key is None else key.operator_id


async def _check_line(session: AsyncSession, vend: Vend, proof: Proof) -> None:
    mine = (SettlementLine.utility_id == vend.utility_id, SettlementLine.kind == "payment")
    named = (SettlementLine.provider == proof.provider, SettlementLine.reference == proof.reference)
    line = await session.scalar(select(SettlementLine).where(*mine, *named))
    if line is None:
        remedy = "import its statement first, or let a second person approve"
        raise Refused("reference_unknown", f"No statement of {proof.provider} has this reference; {remedy}.")
    amount = vend.tender_minor - vend.change_minor
    if (line.amount_minor, line.currency) != (amount, vend.currency):
        has = f"The provider has {line.amount_minor} {line.currency}"
        raise Refused("amount_differs", f"{has}, the tender was {amount} {vend.currency}.")
    paid = select(Payment.id).where(Payment.provider == line.provider, Payment.reference == line.reference)
    if await session.scalar(paid) is not None:
        raise Refused("reference_used", "This money came as a payment of its own; it cannot prove a typed tender, too.")
