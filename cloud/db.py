"""The database: one engine, short sessions, and the base class of all tables. SQLite and PostgreSQL alike."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, MetaData, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from cloud.config import ConfigError
from cloud.said import Said

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SQLITE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000")
_WRITES = "penstock_writes"
KEPT = "penstock_kept"
"""In the `info` of each session: what was read of this database and never changes, kept while the process runs."""
_POOL_SIZE = 20
_POOL_OVERFLOW = 10
_PREPARED = 500  # the statements of all areas, so that those of a sale are not forgotten in between
_REST_S = 1.0
_RESTED = "penstock_rested"

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
        kept: dict[str, Any] = {}
        self._readers = async_sessionmaker(self.engine, expire_on_commit=False, info={KEPT: kept})
        self._writers = async_sessionmaker(writing, expire_on_commit=False, info={KEPT: kept})
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        glancing = self.engine if self._is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._glancing = glancing
        self._glancers = async_sessionmaker(glancing, expire_on_commit=False, info={KEPT: kept})
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

    @contextlib.asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncSession]:
        """Yield a session for one statement that reads: PostgreSQL is not asked to begin and end a transaction."""
        async with self._glancers() as session:
            yield session

    async def first(self, said: Said, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the first row of one statement that reads; it needs no session, and no transaction."""
        async with self._glancing.connect() as connection:
            return await said.first(connection, values)

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
    engine = create_async_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        hide_parameters=True,
        connect_args={"prepared_statement_cache_size": _PREPARED},
    )
    _ping_after_rest(engine)
    return engine


def _ping_after_rest(engine: AsyncEngine) -> None:
    """Look whether a pooled connection still works, if it was not used for a while; a busy one shows it by itself."""
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _checkin(_connection: Any, record: Any) -> None:
        record.info[_RESTED] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(_RESTED, math.inf) < _REST_S:
            return
        try:
            alive = dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error:
            alive = False
        if not alive:
            raise DisconnectionError("a pooled connection was closed by the server")


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
