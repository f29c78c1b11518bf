"""Statements that every sale says: compiled once, and handed to PostgreSQL's driver as they are.

Connection, pool and transaction stay SQLAlchemy's. What SQLAlchemy would add to each statement takes longer than the
database; elsewhere (SQLite) it runs them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT: Any = dialects.dialect()  # type: ignore[no-untyped-call]


class Said:
    """A statement with parameters by name; it has no lists to be filled in, and no types that Python has to read."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=_DIALECT)
        self._sql: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup)
        self._fixed: dict[str, Any] = compiled.params
        writers = {name: _writer(bound.type) for name, bound in compiled.binds.items()}
        self._writers = {name: write for name, write in writers.items() if write is not None}

    async def first(self, connection: AsyncConnection, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the first row by its columns; in a transaction only if that has begun."""
        if connection.dialect.name != _DIALECT.name:
            row: Any = (await connection.execute(self._statement, values)).mappings().first()
            return row if row is None else dict(row)
        found = await self._fetch(connection, (await connection.get_raw_connection()).driver_connection, values)
        return found[0] if found else None

    async def execute(self, connection: AsyncConnection, values: Mapping[str, Any]) -> None:
        """Execute on PostgreSQL what returns nothing of interest; a transaction is begun if need be."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if driver.is_in_transaction():
            await self._fetch(connection, driver, values)
        else:
            await connection.exec_driver_sql(self._sql, self._arguments(values))

    async def _fetch(self, connection: AsyncConnection, driver: Any, values: Mapping[str, Any]) -> Sequence[Any]:
        arguments = self._arguments(values)
        told: Any = connection.sync_connection
        told.dispatch.before_cursor_execute(told, None, self._sql, arguments, None, False)  # who listens hears of all
        try:
            rows: Sequence[Any] = await driver.fetch(self._sql, *arguments)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if driver.is_closed():
                await connection.invalidate(error)
            raise DBAPIError(self._sql, None, error, hide_parameters=True) from error
        return rows

    def _arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        given = {**self._fixed, **values}
        for name, write in self._writers.items():
            given[name] = write(given[name])
        return tuple([given[name] for name in self._names])


def _writer(kind: Any) -> Any:
    """What makes a value of a type one that the driver takes, e.g. JSON of a dictionary; None where nothing need be."""
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)
