"""Migrations: they lead to exactly the models, on both databases, and back again."""

import secrets
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from cloud import schema
from cloud.config import ConfigError
from cloud.db import Database, driver_url
from cloud.meters.models import Gateway
from tests.cloud.conftest import new_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind in turn, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return new_postgresql(request.getfixturevalue("postgresql"), f"t{secrets.token_hex(6)}")


def test_the_migrations_lead_to_the_models(empty_url: str) -> None:
    schema.upgrade(empty_url)

    command.check(schema.alembic_config(empty_url))


def test_every_migration_leads_back_and_forth(empty_url: str) -> None:
    config = schema.alembic_config(empty_url)
    schema.upgrade(empty_url)

    command.downgrade(config, "base")
    schema.upgrade(empty_url)

    command.check(config)


def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    schema.upgrade(empty_url)
    schema.upgrade(empty_url)


async def test_a_database_without_tables_is_not_served(empty_url: str) -> None:
    with pytest.raises(schema.SchemaError, match="python -m cloud migrate"):
        await schema.check(empty_url)


async def test_a_migrated_database_is_served(any_url: str) -> None:
    await schema.check(any_url)


async def test_foreign_keys_hold_on_both_databases(any_database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with any_database.begin() as session:
            session.add(Gateway(utility_id=99, name="g", created_at=0))


async def test_a_sqlite_file_is_written_ahead_and_synced_in_full(database: Database) -> None:
    async with database.engine.connect() as connection:
        journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar()
        synchronous = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar()

    assert (journal, synchronous) == ("wal", 2)


def test_another_database_is_refused_with_the_ones_that_are_served() -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE or postgresql://HOST/NAME"):
        driver_url("mysql://localhost/x")
