"""The database: one engine, short sessions, and the base class of all tables. SQLite and PostgreSQL alike."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, MetaData, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from cloud.config import ConfigError

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SQLITE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000")
_WRITES = "penstock_writes"
_POOL_SIZE = 10
_POOL_OVERFLOW = 10

BigId = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite numbers rows by itself only in a column that is called INTEGER."""


class Base(DeclarativeBase):
    """The base of every table; constraints get the same names on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def driver_url(url: str) -> str:
    """Return url with the asynchronous driver named; ConfigError if it is neither SQLite nor PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("PENSTOCK_DATABASE_URL: write it as sqlite:///FILE or postgresql://HOST/NAME") from None
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise ConfigError(
            f"PENSTOCK_DATABASE_URL: {backend} is not served; use sqlite:///FILE or postgresql://HOST/NAME"
        )
    return parsed.set(drivername=_DRIVERS[backend]).render_as_string(hide_password=False)


class Database:
    """Hands out sessions. `begin()` is one writing transaction, `read()` one reading one; neither may be nested."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(driver_url(url))
        writing = self.engine.execution_options(**{_WRITES: True})
        self._readers = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writers = async_sessionmaker(writing, expire_on_commit=False)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Yield a session in a transaction that commits at the end and rolls back on any error."""
        async with self._writer_turn(), self._writers.begin() as session:
            yield session

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Yield a session for reading; what is changed in it is dropped."""
        async with self._readers() as session:
            yield session

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()

    def _writer_turn(self) -> contextlib.AbstractAsyncContextManager[Any]:
        # SQLite has one writer; queueing here is first come first served, its own waiting is a lottery.
        return self._turn if self._is_sqlite else contextlib.nullcontext()


def _engine(url: str) -> AsyncEngine:
    # Parameters hold personal data and hashes: an error that reaches the log goes without them.
    if url.startswith("sqlite"):
        engine = create_async_engine(url, hide_parameters=True)
        _prepare_sqlite(engine)
        return engine
    return create_async_engine(
        url, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW, pool_pre_ping=True, hide_parameters=True
    )


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late and is never IMMEDIATE
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute("PRAGMA " + pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for the lock in SQLite: it takes it at once.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
