"""Migrations: they lead to exactly the models, on both databases, and back again."""

import secrets
import sqlite3
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


def test_sales_of_the_older_form_become_sales_of_one_token(tmp_path: Path) -> None:
    config = schema.alembic_config(f"sqlite:///{tmp_path}/old.db")
    command.upgrade(config, "0002")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("INSERT INTO purchase VALUES ('p', x'00', 1)")
        names = [row[1] for row in old.execute("PRAGMA table_info(vend)") if row[3]]
        values = {**dict.fromkeys(names, 1), "id": 7, "purchase_id": "p", "tid": 99, "currency": "KES"}
        marks = ", ".join(f":{name}" for name in values)
        old.execute(f"INSERT INTO vend ({', '.join(values)}) VALUES ({marks})", values)

    command.upgrade(config, "head")

    with sqlite3.connect(tmp_path / "old.db") as new:
        sales = new.execute("SELECT id, purchase_id, part, tid, key_change_id, voided_at FROM vend").fetchall()
    assert sales == [(7, "p", 1, 99, None, None)]


def test_roles_get_their_new_names_and_requests_their_people(tmp_path: Path) -> None:
    config = schema.alembic_config(f"sqlite:///{tmp_path}/old.db")
    command.upgrade(config, "0007")
    with sqlite3.connect(tmp_path / "old.db") as old:
        for number, role in ((1, "admin"), (2, "engineer"), (3, "cashier")):
            old.execute("INSERT INTO operator VALUES (?, NULL, ?, ?, 'h', 1, 0, 0, 0)", (number, f"{number}@b", role))
        old.execute("INSERT INTO api_key VALUES (1, NULL, 'k', x'00', '[]', 0, NULL)")
        for number, maker in ((1, "operator:2"), (2, "api-key:1")):
            names = [row[1] for row in old.execute("PRAGMA table_info(command_request)") if row[3]]
            values = {**dict.fromkeys(names, 1), "id": number, "requested_by": maker}
            marks = ", ".join(f":{name}" for name in values)
            old.execute(f"INSERT INTO command_request ({', '.join(values)}) VALUES ({marks})", values)

    command.upgrade(config, "head")

    with sqlite3.connect(tmp_path / "old.db") as new:
        roles = new.execute("SELECT role FROM operator ORDER BY id").fetchall()
        people = new.execute("SELECT requested_person_id FROM command_request ORDER BY id").fetchall()
        key = new.execute("SELECT name, operator_id, expires_at FROM api_key").fetchall()
    assert roles == [("administrator",), ("operator",), ("cashier",)]
    assert people == [(2,), (None,)]
    assert key == [("k", None, None)]


def test_boards_that_were_known_move_to_their_gateways_and_back(tmp_path: Path) -> None:
    config = schema.alembic_config(f"sqlite:///{tmp_path}/old.db")
    command.upgrade(config, "0019")
    with sqlite3.connect(tmp_path / "old.db") as old:
        for number in (1, 2):
            old.execute(
                "INSERT INTO gateway (id, utility_id, name, epoch, created_at) VALUES (?, 1, 'g', 1, 1)", (number,)
            )
        old.execute("INSERT INTO gateway_firmware VALUES (1, 1, 65536, 'rp2_pico_ppp', 1)")
        old.execute("INSERT INTO gateway_firmware VALUES (2, 1, 65536, NULL, 1)")

    command.upgrade(config, "0020")
    with sqlite3.connect(tmp_path / "old.db") as new:
        moved = new.execute("SELECT board FROM gateway ORDER BY id").fetchall()
    command.downgrade(config, "0019")
    with sqlite3.connect(tmp_path / "old.db") as old:
        back = old.execute("SELECT board FROM gateway_firmware ORDER BY gateway_id").fetchall()

    assert moved == back == [("rp2_pico_ppp",), (None,)]


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
