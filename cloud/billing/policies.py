"""When bills fall due, and what follows: one person submits the policy, another approves it, and then it stands.

Whatever the service orders by itself, it orders under the policy in force.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.billing.models import BillingPolicy
from cloud.billing.rules import Steps
from cloud.errors import Conflict, NotFound, Refused
from cloud.rows import insert, of_actor, owned, rows_after

SUBMITTED, APPROVED, DECLINED = "submitted", "approved", "declined"
_DUE_DAYS = 14
"""Without a policy a bill is due after this many days, and nothing follows."""


@dataclass(frozen=True)
class NewPolicy:
    """Days from the issue to the due day; days from the due day to each reminder, to a trickle, to a disconnection."""

    utility_id: int
    due_days: int
    reminder_days: tuple[int, ...]
    trickle_days: int | None
    disconnect_days: int | None
    floor_minor: int
    reason: str


async def submit(session: AsyncSession, actor: Actor, wanted: NewPolicy, now: int) -> BillingPolicy:
    """Ask another person to approve a policy; Refused for one that disconnects before, or without, a trickle."""
    actor.require_utility(wanted.utility_id)
    person_id = actor.require_person()
    if wanted.disconnect_days is not None and (
        wanted.trickle_days is None or wanted.disconnect_days <= wanted.trickle_days
    ):
        raise Refused("no_trickle_first", "A late payer is put on a trickle first; give disconnect_days after it.")
    last = select(func.max(BillingPolicy.version)).where(BillingPolicy.utility_id == wanted.utility_id)
    row = BillingPolicy(
        **{**asdict(wanted), "reminder_days": sorted(set(wanted.reminder_days))},
        version=(await session.scalar(last) or 0) + 1,
        state=SUBMITTED,
        submitted_by=actor.label,
        submitted_by_id=person_id,
        created_at=now,
    )
    await insert(session, row, NotFound("utility_unknown", f"There is no utility {wanted.utility_id}."))
    await _record(session, actor, row, "billing-policy.submit", now)
    return row


async def decide(session: AsyncSession, actor: Actor, policy_id: int, approved: bool, now: int) -> BillingPolicy:
    """Approve what another person submitted, from now on; or decline it, which its maker may, too."""
    row = await owned(session, actor, BillingPolicy, policy_id, "billing policy")
    await session.refresh(row, with_for_update=True)
    if row.state != SUBMITTED:
        raise Conflict("policy_decided", f"Billing policy {row.version} was {row.state} already; submit another.")
    person_id = require_another_person(actor, row.submitted_by_id) if approved else actor.require_person()
    row.state = APPROVED if approved else DECLINED
    row.decided_by, row.decided_by_id, row.decided_at = actor.label, person_id, now
    await _record(session, actor, row, f"billing-policy.{'approve' if approved else 'decline'}", now)
    return row


async def in_force(session: AsyncSession, utility_id: int) -> BillingPolicy | None:
    """Return the policy that was approved last; None if there is none."""
    mine = (BillingPolicy.utility_id == utility_id, BillingPolicy.state == APPROVED)
    newest = select(BillingPolicy).where(*mine).order_by(BillingPolicy.version.desc()).limit(1)
    return await session.scalar(newest)


def due_days(policy: BillingPolicy | None) -> int:
    """Return after how many days a bill is due."""
    return _DUE_DAYS if policy is None else policy.due_days


def steps(policy: BillingPolicy) -> Steps:
    """Return what follows when a bill is late."""
    return Steps(policy.trickle_days, policy.disconnect_days, policy.floor_minor)


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[BillingPolicy]:
    """A page of the policies that the caller may see."""
    mine = of_actor(select(BillingPolicy), actor, BillingPolicy.utility_id)
    return await rows_after(session, mine, BillingPolicy.id, query)


async def _record(session: AsyncSession, actor: Actor, row: BillingPolicy, action: str, now: int) -> None:
    detail = {
        "version": row.version,
        "due_days": row.due_days,
        "reminder_days": list(row.reminder_days),
        "trickle_days": row.trickle_days,
        "disconnect_days": row.disconnect_days,
        "floor_minor": row.floor_minor,
        "reason": row.reason,
    }
    await session.flush()
    subject = f"billing-policy:{row.id}"
    await audit.record(session, actor, action, subject, detail, utility_id=row.utility_id, now=now)
