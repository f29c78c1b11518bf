"""Seals over rows that only grow: an audit entry commits to the rows up to a point, so an edit of one is found.

The verdicts of the verifier, the entries of the books and what vends say are sealed so. A seal covers rows that are an
hour old: what a transaction wrote before is there by then, so that no row appears later among those that are sealed.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.audit.models import AuditEntry
from cloud.auth.actor import system
from cloud.books import proofs
from cloud.books.models import BookEntry
from cloud.db import Base
from cloud.ledger.models import Verdict
from cloud.vending.models import Vend


@dataclass(frozen=True)
class Sealed:
    """A table with rising ids: the column with a row's time, and those that change later and are left out.

    `first_wrong` looks further, at what rows between two ids stand for; it returns the first id that is wrong.
    """

    table: Table
    time: str = "at"
    moving: frozenset[str] = frozenset()
    first_wrong: Callable[[AsyncSession, int, int], Awaitable[int | None]] | None = None

    @property
    def columns(self) -> list[str]:
        """What is sealed of a row."""
        return [column.name for column in self.table.columns if column.name not in self.moving]


_LATER = frozenset(
    {"consumed_by", "consumed_at", "void_tid", "void_ordered_at", "voided_at", "void_proved_at", "held_until"}
)
_TABLES = Base.metadata.tables
SEALED: tuple[Sealed, ...] = (
    Sealed(_TABLES[Verdict.__tablename__]),
    Sealed(_TABLES[BookEntry.__tablename__], first_wrong=proofs.first_changed),
    Sealed(_TABLES[Vend.__tablename__], time="created_at", moving=_LATER),
)

MARGIN_S = 3600
_ACTION = "rows.seal"
_BATCH = 1000


async def seal(session: AsyncSession, sealed: Sealed, now: int) -> int:
    """Seal what came since the last seal; return how many rows that were."""
    table, columns = sealed.table, sealed.columns
    after = await _sealed_until(session, table)
    count, last, digest = 0, after, hashlib.sha256()
    async for row in _rows(session, table, columns, after, None):
        values = dict(zip(columns, row, strict=True))
        if values[sealed.time] > now - MARGIN_S:
            break
        count, last = count + 1, values["id"]
        digest.update(_canonical(row))
    if count:
        detail = {"after": after, "last": last, "rows": count, "columns": columns, "sha256": digest.hexdigest()}
        await audit.record(session, system("audit"), _ACTION, table.name, detail, utility_id=None, now=now)
    return count


async def first_fault(session: AsyncSession, sealed: Sealed) -> str | None:
    """Return what is wrong with the rows of a table, None when every seal fits."""
    table = sealed.table
    for entry in await _seals(session, table):
        detail = entry.detail
        count, digest = 0, hashlib.sha256()
        async for row in _rows(session, table, detail["columns"], detail["after"], detail["last"]):
            count += 1
            digest.update(_canonical(row))
        place = f"rows {detail['after'] + 1} to {detail['last']} of {table.name}, sealed by entry {entry.sequence}"
        if count < detail["rows"]:
            return f"{place}: {detail['rows'] - count} are missing"
        if count > detail["rows"]:
            return f"{place}: {count - detail['rows']} were inserted"
        if digest.hexdigest() != detail["sha256"]:
            return f"{place}: a row was changed"
        wrong = await sealed.first_wrong(session, detail["after"], detail["last"]) if sealed.first_wrong else None
        if wrong is not None:
            return f"{place}: what row {wrong} stands for was changed"
    return None


async def _sealed_until(session: AsyncSession, table: Table) -> int:
    mine = select(AuditEntry).where(AuditEntry.action == _ACTION, AuditEntry.subject == table.name)
    entry = await session.scalar(mine.order_by(AuditEntry.id.desc()).limit(1))
    return 0 if entry is None else int(entry.detail["last"])


async def _seals(session: AsyncSession, table: Table) -> Sequence[AuditEntry]:
    mine = (AuditEntry.action == _ACTION, AuditEntry.subject == table.name, AuditEntry.chain == audit.COMMON_CHAIN)
    return (await session.scalars(select(AuditEntry).where(*mine).order_by(AuditEntry.id))).all()


async def _rows(
    session: AsyncSession, table: Table, columns: Sequence[str], after: int, last: int | None
) -> AsyncIterator[Sequence[Any]]:
    while True:
        found = select(table.c.id, *(table.c[name] for name in columns)).where(table.c.id > after)
        if last is not None:
            found = found.where(table.c.id <= last)
        batch = (await session.execute(found.order_by(table.c.id).limit(_BATCH))).all()
        if not batch:
            return
        for row in batch:
            yield row[1:]
        after = batch[-1][0]


def _canonical(row: Sequence[Any]) -> bytes:
    shown = [value.hex() if isinstance(value, bytes) else value for value in row]
    return json.dumps(shown, separators=(",", ":")).encode() + b"\n"
