"""What the rules of the verifier share: the question about one entry, and the answer to it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.rules import EXPLAINED, UNEXPLAINED, Claim, Position
from cloud.meters.models import Meter
from cloud.vending.models import Vend
from shared import kinds
from shared.entries import Entry
from shared.in_force import InForce


@dataclass(frozen=True)
class Finding:
    """What was found about an entry. `cause` names what allows it, e.g. `vend:12`; `vend` is the one used up."""

    verdict: str
    reason: str
    cause: str | None = None
    vend: Vend | None = None


@dataclass(frozen=True)
class Inquiry:
    """What a rule looks at: the claim, the ledger it stands in, and when it arrived and is judged."""

    session: AsyncSession
    position: Position
    claim: Claim
    known: InForce
    arrived_at: int
    now: int

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.claim.entry


def explained(reason: str, cause: str) -> Finding:
    """The verdict about what is allowed."""
    return Finding(EXPLAINED, reason, cause)


def unexplained(reason: str) -> Finding:
    """The verdict about what nothing allows."""
    return Finding(UNEXPLAINED, reason)


def by_policy(claim: Claim) -> Finding:
    """The verdict about what the policy in force allows, which was judged with the entry's rule already."""
    if claim.policy is None:
        return unexplained("under a policy or floor that was never approved")
    rule = claim.entry.rule
    reason = kinds.RULE_TEXTS[rule] if rule < len(kinds.RULE_TEXTS) else f"rule {rule}, which is not known here"
    return explained(reason, f"policy:{claim.policy}")


async def meter_at(session: AsyncSession, gateway_id: int, channel: int) -> Meter | None:
    """The meter on a channel of a gateway."""
    return await session.scalar(select(Meter).where(Meter.gateway_id == gateway_id, Meter.channel == channel))
