"""Writing and checking the audit chains. `record` runs in the transaction of the change that it describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit.models import AuditEntry, AuditHead
from cloud.audit.rules import GENESIS, entry_hash
from cloud.auth.actor import Actor
from cloud.rows import of_actor, rows_after

_COMMON_CHAIN = 0
_BATCH = 500


class Named(Protocol):
    """Whoever did it: an operator, a program, or a part of the cloud itself."""

    @property
    def label(self) -> str:
        """Return the name that stands in audit entries, e.g. `operator:3`."""


@dataclass(frozen=True)
class Fault:
    """The first place where a chain does not hold."""

    chain: int
    sequence: int
    reason: str


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
    chain = utility_id or _COMMON_CHAIN
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


async def verify_chain(session: AsyncSession, chain: int) -> Fault | None:
    """Walk one chain from its start; return the first fault, None when every entry and the head agree."""
    sequence, previous = 0, GENESIS
    while batch := await _entries_after(session, chain, sequence):
        for entry in batch:
            fault = _check(entry, sequence + 1, previous)
            if fault is not None:
                return fault
            sequence, previous = entry.sequence, entry.hash
        session.expunge_all()
    return await _check_head(session, chain, sequence, previous)


async def chains(session: AsyncSession, actor: Actor) -> list[int]:
    """Return the numbers of the chains that the caller may see and that have a head or an entry."""
    heads = select(AuditHead.chain).union(select(AuditEntry.chain))
    return sorted(chain for chain in await session.scalars(heads) if actor.may_see(chain))


async def _entries_after(session: AsyncSession, chain: int, sequence: int) -> list[AuditEntry]:
    found = select(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.sequence > sequence)
    return list(await session.scalars(found.order_by(AuditEntry.sequence).limit(_BATCH)))


def _check(entry: AuditEntry, expected: int, previous: bytes) -> Fault | None:
    if entry.sequence != expected:
        return Fault(entry.chain, expected, f"entry {expected} is missing")
    computed = entry_hash(
        previous, entry.chain, entry.sequence, entry.at, entry.actor, entry.action, entry.subject, entry.detail
    )
    if computed != entry.hash:
        return Fault(entry.chain, expected, f"entry {expected} was changed")
    return None


async def _check_head(session: AsyncSession, chain: int, sequence: int, last: bytes) -> Fault | None:
    head = await session.get(AuditHead, chain)
    if head is None and sequence == 0:
        return None
    if head is None or head.sequence != sequence or head.hash != last:
        return Fault(chain, sequence + 1, f"the chain ends at entry {sequence}, its head says otherwise")
    return None


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[AuditEntry]:
    """Return a page of the entries that the caller may see."""
    return await rows_after(session, of_actor(select(AuditEntry), actor, AuditEntry.chain), AuditEntry.id, query)
