"""Writing and listing the audit chains. `record` runs in the transaction of the change that it describes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit.models import AuditEntry, AuditHead
from cloud.auth.actor import Actor
from cloud.rows import of_actor, rows_after
from cloud.together import add

COMMON_CHAIN = 0
_TABLE: Any = AuditEntry.__table__


class Named(Protocol):
    """Whoever did it: an operator, a program, or a part of the cloud itself."""

    @property
    def label(self) -> str:
        """Return the name that stands in audit entries, e.g. `operator:3`."""


async def record(
    session: AsyncSession,
    actor: Named,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    *,
    utility_id: int | None,
    now: int,
) -> None:
    """Append one entry. `detail` is JSON without floats and without secrets; it is sealed soon after the commit."""
    entry = {
        "chain": utility_id or COMMON_CHAIN,
        "at": now,
        "actor": actor.label,
        "action": action,
        "subject": subject,
        "detail": dict(detail),
    }
    await add(session, _TABLE, entry)  # nobody asks for its number


async def heads(session: AsyncSession) -> list[tuple[int, int, bytes]]:
    """Return chain, sequence and hash of every head, all as of one moment."""
    rows = await session.execute(select(AuditHead.chain, AuditHead.sequence, AuditHead.hash).order_by(AuditHead.chain))
    return [(chain, sequence, digest) for chain, sequence, digest in rows]


async def chains(session: AsyncSession, actor: Actor, published: Iterable[int] = ()) -> list[int]:
    """Return the numbers of the chains that the caller may see and that have a head, an entry or a published head."""
    found = select(AuditHead.chain).union(select(AuditEntry.chain))
    every = {*await session.scalars(found), *published}
    return sorted(chain for chain in every if actor.may_see(chain))


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[AuditEntry]:
    """Return a page of the entries that the caller may see."""
    return await rows_after(session, of_actor(select(AuditEntry), actor, AuditEntry.chain), AuditEntry.id, query)
