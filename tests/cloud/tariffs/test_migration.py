"""Flat prices of the older form: each goes on as version 1 of its class, and back again, on both databases."""

import asyncio
import json
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from cloud import schema
from cloud.db import driver_url
from tests.cloud.conftest import new_postgresql

_UTILITY = (
    "INSERT INTO utility (id, name, currency, command_public, floor_public, created_at)"
    " VALUES (1, 'U', 'KES', {0}, {0}, 5)"
)
_TARIFF = (
    "INSERT INTO tariff (id, utility_id, name, commodity, currency, price_minor_per_m3, created_at)"
    " VALUES (3, 1, 'Domestic', 'water', 'KES', 250, 5)"
)
_FLAT = {
    "basis": "purchase",
    "blocks": [[None, 250_000]],
    "fixed_month_minor": 0,
    "taxes": [],
    "free_month_ml": 0,
    "minimum_minor": 0,
}


def test_a_flat_price_becomes_a_version_in_force_and_goes_back(tmp_path: Path) -> None:
    config = schema.alembic_config(f"sqlite:///{tmp_path}/old.db")
    command.upgrade(config, "0006")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute(_UTILITY.format("x'00'"))
        old.execute(_TARIFF)

    command.upgrade(config, "0007")

    with sqlite3.connect(tmp_path / "old.db") as new:
        rows = new.execute("SELECT tariff_id, version, state, effective_from_s, terms FROM tariff_version").fetchall()
    assert [(*row[:4], json.loads(row[4])) for row in rows] == [(3, 1, "approved", 0, _FLAT)]
    command.downgrade(config, "0006")
    with sqlite3.connect(tmp_path / "old.db") as back:
        assert back.execute("SELECT name, price_minor_per_m3 FROM tariff").fetchall() == [("Domestic", 250)]


def test_postgresql_takes_the_same_way(postgresql: str) -> None:
    url = new_postgresql(postgresql, "flat_prices")
    config = schema.alembic_config(url)
    command.upgrade(config, "0006")
    _run(url, _UTILITY.format("'\\x00'"), _TARIFF)

    command.upgrade(config, "0007")

    assert _run(url, "SELECT tariff_id, version, state, terms FROM tariff_version") == [(3, 1, "approved", _FLAT)]
    command.downgrade(config, "0006")
    assert _run(url, "SELECT name, price_minor_per_m3 FROM tariff") == [("Domestic", 250)]


def _run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """What the last statement answers."""

    async def run() -> list[tuple[object, ...]]:
        engine = create_async_engine(driver_url(url), poolclass=sa.NullPool)
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(sa.text(statement))
            rows = [tuple(row) for row in result.all()] if result.returns_rows else []
        await engine.dispose()
        return rows

    return asyncio.run(run())
