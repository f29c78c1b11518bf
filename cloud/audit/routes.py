"""The API of the audit."""

import asyncio

from pydantic import JsonValue

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.audit import heads, service, verification
from cloud.audit.heads import Published
from cloud.audit.models import AuditEntry
from cloud.audit.verification import Fault
from cloud.keys import CONFIG


class AuditView(View):
    """One entry; `hash` commits to it and to all before it in its chain.

    Its place, `sequence`, and `hash` are null for a moment, until it is sealed.
    """

    id: int
    chain: int
    sequence: int | None
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue]
    hash: str | None

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """Make the view of a row."""
        names = ("id", "chain", "sequence", "at", "actor", "action", "subject", "detail")
        return cls(**{name: getattr(entry, name) for name in names}, hash=entry.hash.hex() if entry.hash else None)


class ChainVerdict(View):
    """Whether a chain holds, and if not, where it breaks first."""

    chain: int
    holds: bool
    sequence: int | None
    reason: str | None


class ChainVerdicts(View):
    """The verdict on every chain that the caller may see."""

    items: list[ChainVerdict]


async def listed(call: Call[None, PageQuery]) -> Page[AuditView]:
    """List audit entries."""
    async with call.read() as session:
        rows = await service.listed(session, call.actor, call.query)
    shown = [AuditView.of(row) for row in rows[: call.query.limit]]
    return Page[AuditView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def verified(call: Call[None, None]) -> ChainVerdicts:
    """Walk the audit chains from their start and say whether they hold, also against the heads that were published."""
    file = call.app[CONFIG].audit_heads_file
    published = Published() if file is None else await asyncio.to_thread(heads.read, file)
    async with call.read() as session:
        found = await verification.verdicts(session, call.actor, published, call.now)
    return ChainVerdicts(items=[_verdict(chain, fault) for chain, fault in found])


def _verdict(chain: int, fault: Fault | None) -> ChainVerdict:
    if fault is None:
        return ChainVerdict(chain=chain, holds=True, sequence=None, reason=None)
    return ChainVerdict(chain=chain, holds=False, sequence=fault.sequence, reason=fault.reason)


ROUTES = [
    Route("GET", "/audit", listed, "audit:read", Page[AuditView], query=PageQuery, tag="audit"),
    Route("GET", "/audit/verification", verified, "audit:read", ChainVerdicts, tag="audit"),
]
