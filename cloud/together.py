"""Rows that are written together: gathered while something is made, then one statement on PostgreSQL.

SQLite, where a statement costs no round trip, takes them one by one. Nothing gathered can be read before it is written.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.said import Said

_GATHERED = "rows_gathered"
_Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Part:
    """What stands in the WITH of a statement for PostgreSQL, with the types of its parameters."""

    sql: str
    typed: tuple[BindParameter[Any], ...]


_Shape = tuple[Table, tuple[str, ...], int]
"""A table, the columns that are given, and how many rows; no row for a change of one, by its id."""
_KNOWN: dict[tuple[_Shape | Part, ...], Said] = {}


class _Gathered:
    """What is to be written: rows of each table in the order in which they came, changes of single rows, the rest."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Table, tuple[str, ...]], list[_Row]] = {}
        self.changes: list[tuple[Table, _Row]] = []
        self.parts: list[Part] = []
        self.values: dict[str, Any] = {}

    def shape(self) -> tuple[_Shape | Part, ...]:
        added = [(table, columns, len(rows)) for (table, columns), rows in self.rows.items()]
        return (*added, *((table, tuple(values), 0) for table, values in self.changes), *self.parts)

    def parameters(self) -> dict[str, Any]:
        """Every value by the name that it has in the statement of the shape."""
        tables: list[Sequence[_Row]] = [*self.rows.values(), *([values] for _, values in self.changes)]
        named = {
            _name(part, number, column): value
            for part, rows in enumerate(tables)
            for number, row in enumerate(rows)
            for column, value in row.items()
        }
        return named | self.values


@contextlib.asynccontextmanager
async def together(session: AsyncSession) -> AsyncIterator[None]:
    """Write at the end of the block what is added in it; after an error, nothing of it."""
    assert _GATHERED not in session.info, "blocks are not nested"
    gathered = session.info[_GATHERED] = _Gathered()
    try:
        yield
    finally:
        del session.info[_GATHERED]
    await _write(session, gathered)


async def add(session: AsyncSession, table: Any, values: _Row) -> None:
    """Insert a row, its values by column; of those that are not given, the database knows the default."""
    gathered: _Gathered | None = session.info.get(_GATHERED)
    if gathered is None:
        await session.execute(insert(table).inline(), values)
    else:
        gathered.rows.setdefault((table, tuple(values)), []).append(values)


async def change(session: AsyncSession, table: Any, row_id: int, values: _Row) -> None:
    """Change columns of the row with this id."""
    gathered: _Gathered | None = session.info.get(_GATHERED)
    if gathered is None:
        await session.execute(update(table).where(table.c.id == row_id).values(values))
    else:
        gathered.changes.append((table, {**values, "id": row_id}))


async def also(session: AsyncSession, part: Part, values: _Row) -> None:
    """Let PostgreSQL do a part of a statement, with its parameters; each at most once in a block."""
    gathered: _Gathered | None = session.info.get(_GATHERED)
    if gathered is None:
        await _said((part,)).execute(await session.connection(), values)
        return
    assert part not in gathered.parts, "its parameters are there once"
    gathered.parts.append(part)
    gathered.values |= values


async def _write(session: AsyncSession, gathered: _Gathered) -> None:
    if session.get_bind().dialect.name == "postgresql":
        shape = gathered.shape()
        if shape:
            await _said(shape).execute(await session.connection(), gathered.parameters())
        return
    for (table, _), rows in gathered.rows.items():
        await session.execute(insert(table).inline(), rows)
    for table, values in gathered.changes:
        await change(session, table, values["id"], {name: values[name] for name in values if name != "id"})


def _said(shape: tuple[_Shape | Part, ...]) -> Said:
    """The statement of a shape, made once: what a sale writes has the same shape nearly always."""
    if shape not in _KNOWN:
        parts = [each if isinstance(each, Part) else _part(number, *each) for number, each in enumerate(shape)]
        typed = [bound for part in parts for bound in part.typed]
        _KNOWN[shape] = Said(text(f"WITH {', '.join(part.sql for part in parts)} SELECT 1").bindparams(*typed))
    return _KNOWN[shape]


def _part(part: int, table: Table, columns: Sequence[str], rows: int) -> Part:
    typed = tuple(
        bindparam(_name(part, number, column), type_=table.c[column].type)
        for number in range(rows or 1)
        for column in columns
    )
    return Part(f"part_{part} AS ({_sql(part, table, columns, rows)})", typed)


def _sql(part: int, table: Table, columns: Sequence[str], rows: int) -> str:
    # Names of tables and columns are those of the models; every value is a parameter.
    if not rows:
        changed = ", ".join(f"{column} = :{_name(part, 0, column)}" for column in columns if column != "id")
        return f"UPDATE {table.name} SET {changed} WHERE id = :{_name(part, 0, 'id')}"  # noqa: S608
    each = [", ".join(f":{_name(part, number, column)}" for column in columns) for number in range(rows)]
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({'), ('.join(each)})"  # noqa: S608


def _name(part: int, number: int, column: str) -> str:
    return f"{column}_{part}_{number}"
