"""Checks the audit chains: each entry against the one before, the end against the head, all against published heads;
and that nothing waits long for its place in a chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import seals
from cloud.audit.heads import Published
from cloud.audit.models import AuditEntry, AuditHead
from cloud.audit.rules import GENESIS, entry_hash
from cloud.audit.service import COMMON_CHAIN, chains
from cloud.auth.actor import Actor

UNSEALED_MAX_S = 60
_BATCH = 500
Heads = Mapping[int, tuple[bytes, int]]


@dataclass(frozen=True)
class Fault:
    """The first place where a chain does not hold."""

    chain: int
    sequence: int
    reason: str


async def verdicts(
    session: AsyncSession, actor: Actor, published: Published, now: int
) -> list[tuple[int, Fault | None]]:
    """Check every chain that the caller may see, and for callers of all utilities what is sealed in the common one."""
    found: list[tuple[int, Fault | None]] = []
    for chain in await chains(session, actor, published.heads):
        fault = await verify_chain(session, chain, now, published.of_chain(chain))
        if fault is None and chain == COMMON_CHAIN:
            fault = await _of_the_rest(session, published)
        found.append((chain, fault))
    return found


async def _of_the_rest(session: AsyncSession, published: Published) -> Fault | None:
    if published.fault is not None:
        return Fault(COMMON_CHAIN, 0, published.fault)
    for sealed in seals.SEALED:
        reason = await seals.first_fault(session, sealed)
        if reason is not None:
            return Fault(COMMON_CHAIN, 0, reason)
    return None


async def verify_chain(session: AsyncSession, chain: int, now: int, published: Heads | None = None) -> Fault | None:
    """Walk one chain from its start; return the first fault, None when entries, head and published heads agree.

    Entries of the last minute may still wait for their place.
    """
    walk = _Walk(chain, published or {})
    while batch := await _entries_after(session, chain, walk.sequence, walk.last_id):
        for entry in batch:
            fault = walk.step(entry)
            if fault is not None:
                return fault
        session.expunge_all()
    return walk.missing_end() or await _check_head(session, walk) or await _check_waiting(session, walk, now)


class _Walk:
    """Where the walk along a chain stands, and the last published head that it agreed with."""

    def __init__(self, chain: int, published: Heads) -> None:
        self.chain = chain
        self.sequence = 0
        self.hash = GENESIS
        self.last_id = 0
        self._published = published
        self._agreed = 0

    def step(self, entry: AuditEntry) -> Fault | None:
        """Take the next entry; return what is wrong with it."""
        assert entry.sequence is not None and entry.hash is not None, "the walk takes what is sealed"
        fault = self._of_entry(entry, entry.sequence) or self._of_published(entry.sequence, entry.hash)
        self.sequence, self.hash, self.last_id = entry.sequence, entry.hash, entry.id
        return fault

    def missing_end(self) -> Fault | None:
        """Return the fault of a chain that is shorter than a published head."""
        for sequence in sorted(self._published):
            if sequence > self.sequence:
                missing = f"entries {self.sequence + 1} to {sequence} are missing"
                return Fault(self.chain, self.sequence + 1, f"{missing}: {self._when(sequence)} had them")
        return None

    def _of_entry(self, entry: AuditEntry, sequence: int) -> Fault | None:
        expected = self.sequence + 1
        if sequence > expected:
            return Fault(self.chain, expected, f"entry {expected} is missing")
        if sequence < expected:
            return Fault(self.chain, sequence, f"a second entry {sequence} was inserted")
        said = (entry.chain, sequence, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
        if entry_hash(self.hash, *said) != entry.hash:
            return Fault(self.chain, expected, f"entry {expected} was changed")
        return None

    def _of_published(self, sequence: int, digest: bytes) -> Fault | None:
        head = self._published.get(sequence)
        if head is None or head[0] == digest:
            self._agreed = sequence if head else self._agreed
            return None
        first = self._agreed + 1
        among = f"the chain was written anew from an entry among {first} to {sequence} on"
        return Fault(self.chain, first, f"{among}: {self._when(sequence)} was another")

    def _when(self, sequence: int) -> str:
        day = datetime.fromtimestamp(self._published[sequence][1], UTC).date()
        return f"the head that was published on {day}"


async def _entries_after(session: AsyncSession, chain: int, sequence: int, last_id: int) -> Sequence[AuditEntry]:
    same = and_(AuditEntry.sequence == sequence, AuditEntry.id > last_id)
    found = select(AuditEntry).where(AuditEntry.chain == chain, or_(AuditEntry.sequence > sequence, same))
    return (await session.scalars(found.order_by(AuditEntry.sequence, AuditEntry.id).limit(_BATCH))).all()


async def _check_head(session: AsyncSession, walk: _Walk) -> Fault | None:
    head = await session.get(AuditHead, walk.chain)
    if head is None and walk.sequence == 0:
        return None
    if head is None or head.sequence != walk.sequence or head.hash != walk.hash:
        told = f"the chain ends at entry {walk.sequence}, its head says otherwise"
        return Fault(walk.chain, walk.sequence + 1, told)
    return None


async def _check_waiting(session: AsyncSession, walk: _Walk, now: int) -> Fault | None:
    late = (AuditEntry.chain == walk.chain, AuditEntry.sequence.is_(None), AuditEntry.at < now - UNSEALED_MAX_S)
    oldest = await session.scalar(select(AuditEntry.id).where(*late).order_by(AuditEntry.id).limit(1))
    if oldest is None:
        return None
    told = f"the entry with id {oldest} is not sealed since over {UNSEALED_MAX_S} s; run the service audit"
    return Fault(walk.chain, walk.sequence + 1, told)
