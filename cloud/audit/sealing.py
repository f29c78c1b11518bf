"""Sealing: entries that were committed get their place and their hash in the chain, in the order of their numbers.

A change only adds its entry and waits for nobody; who seals waits for who seals the same chain.
"""

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.models import AuditEntry, AuditHead
from cloud.audit.rules import GENESIS, entry_hash
from cloud.db import Database

BATCH = 200
_ENTRY: Any = AuditEntry.__table__
_SEAL = (
    update(_ENTRY)
    .where(_ENTRY.c.id == bindparam("entry_id"))
    .values(sequence=bindparam("sequence"), hash=bindparam("hash"))
)


async def seal_all(database: Database) -> int:
    """Seal every entry that is committed now, in short transactions; return how many that were."""
    count = 0
    while chains := await waiting(database):
        for chain in chains:
            async with database.begin() as session:
                count += await seal_chain(session, chain)
    return count


async def waiting(database: Database) -> list[int]:
    """Return the chains with entries that are not sealed."""
    async with database.read() as session:
        found = select(AuditEntry.chain).where(AuditEntry.sequence.is_(None)).distinct()
        return sorted(await session.scalars(found))


async def seal_chain(session: AsyncSession, chain: int) -> int:
    """Seal the oldest entries of a chain, BATCH at most; return how many. The head stays locked until commit."""
    head = await _locked_head(session, chain)
    columns = (_ENTRY.c.id, _ENTRY.c.at, _ENTRY.c.actor, _ENTRY.c.action, _ENTRY.c.subject, _ENTRY.c.detail)
    mine = select(*columns).where(_ENTRY.c.chain == chain, _ENTRY.c.sequence.is_(None))
    seals: list[dict[str, Any]] = []
    for row in await session.execute(mine.order_by(_ENTRY.c.id).limit(BATCH)):
        head.sequence += 1
        head.hash = entry_hash(head.hash, chain, head.sequence, *row[1:])
        seals.append({"entry_id": row[0], "sequence": head.sequence, "hash": head.hash})
    if seals:
        await (await session.connection()).execute(_SEAL, seals)
    return len(seals)


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
