"""Writing and listing the audit chains. `record` runs in the transaction of the change that it describes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit.models import AuditEntry, AuditHead
from cloud.audit.rules import GENESIS, entry_hash
from cloud.auth.actor import Actor
from cloud.rows import of_actor, rows_after

COMMON_CHAIN = 0


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
    """Append one entry. `detail` is JSON without floats and without secrets; the chain stays locked until commit."""
    chain = utility_id or COMMON_CHAIN
    head = await _locked_head(session, chain)
    sequence = head.sequence + 1
    head.hash = entry_hash(head.hash, chain, sequence, now, actor.label, action, subject, detail)
    head.sequence = sequence
    session.add(
        AuditEntry(
            chain=chain,
            sequence=sequence,
            at=now,
            actor=actor.label,
            action=action,
            subject=subject,
            detail=dict(detail),
            hash=head.hash,
        )
    )
    await session.flush()


async def _locked_head(session: AsyncSession, chain: int) -> AuditHead:
    # Sessions keep what they read: populate_existing takes the row as it is under the lock.
    locked = (
        select(AuditHead).where(AuditHead.chain == chain).with_for_update().execution_options(populate_existing=True)
    )
    head = await session.scalar(locked)
    if head is None:
        await session.execute(_first_head(session, chain))
        head = (await session.scalars(locked)).one()
    return head


def _first_head(session: AsyncSession, chain: int) -> Any:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return insert(AuditHead).values(chain=chain, sequence=0, hash=GENESIS).on_conflict_do_nothing()


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
