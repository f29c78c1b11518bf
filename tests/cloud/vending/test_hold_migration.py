"""Purchases that were held come through a migration down and up again, on both databases."""

import secrets
from pathlib import Path

import pytest
from alembic import command

from cloud import schema
from tests.cloud.conftest import new_postgresql
from tests.cloud.tariffs.test_migration import _run

_HOLD = (
    "INSERT INTO sale_hold (purchase_id, utility_id, meter_id, kept_minor, held_at, expires_at, cancelled_at)"
    " VALUES ('p', 1, 1, 0, 5, 9, {0})"
)
_FREE = {"sqlite": "PRAGMA foreign_keys = OFF", "postgresql": "SET session_replication_role = replica"}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_hold_that_ended_comes_back_and_one_that_waits_stops_the_way_down(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    if kind == "postgresql":
        url = new_postgresql(request.getfixturevalue("postgresql"), f"t{secrets.token_hex(6)}")
    config = schema.alembic_config(url)
    command.upgrade(config, "0017")
    _run(url, _FREE[kind], _HOLD.format("NULL"))

    with pytest.raises(RuntimeError, match="1 purchases are held"):
        command.downgrade(config, "0016")
    _run(url, "UPDATE sale_hold SET cancelled_at = 7")
    command.downgrade(config, "0016")
    command.upgrade(config, "head")

    assert _run(url, "SELECT purchase_id, expires_at, cancelled_at FROM sale_hold") == [("p", 9, 7)]
