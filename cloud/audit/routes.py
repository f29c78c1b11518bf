"""The API of the audit."""

from pydantic import JsonValue

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.audit import service
from cloud.audit.models import AuditEntry


class AuditView(View):
    """One entry; `hash` commits to it and to all before it in its chain."""

    id: int
    chain: int
    sequence: int
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue]
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """Make the view of a row."""
        names = ("id", "chain", "sequence", "at", "actor", "action", "subject", "detail")
        return cls(**{name: getattr(entry, name) for name in names}, hash=entry.hash.hex())


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
    """Walk the audit chains from their start and say whether they hold."""
    verdicts = []
    async with call.read() as session:
        for chain in await service.chains(session, call.actor):
            fault = await service.verify_chain(session, chain)
            verdicts.append(
                ChainVerdict(
                    chain=chain,
                    holds=fault is None,
                    sequence=fault.sequence if fault else None,
                    reason=fault.reason if fault else None,
                )
            )
    return ChainVerdicts(items=verdicts)


ROUTES = [
    Route("GET", "/audit", listed, "audit:read", Page[AuditView], query=PageQuery, tag="audit"),
    Route("GET", "/audit/verification", verified, "audit:read", ChainVerdicts, tag="audit"),
]
