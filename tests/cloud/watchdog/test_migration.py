"""Messages, payments and commands of the older form come over to the newer one and back, on both databases."""

import secrets
from pathlib import Path

import pytest
from alembic import command

from cloud import schema
from tests.cloud.conftest import new_postgresql
from tests.cloud.tariffs.test_migration import _UTILITY, _run

_CUSTOMER = (
    "INSERT INTO customer (id, utility_id, name, language, created_at) VALUES (1, 1, 'A', 'en', 5)",
    "INSERT INTO message"
    " (id, utility_id, customer_id, kind, address, text, state, attempts, next_attempt_at, created_at)"
    " VALUES (1, 1, 1, 'token', '+254', 't', 'queued', 0, 5, 5), (2, 1, 1, 'token', 'a@b', 't', 'delivered', 1, 5, 5)",
)
_COMMAND = (
    "INSERT INTO command (id, utility_id, gateway_id, epoch, counter, kind, vend_id, issued_at, expires_at, status,"
    " due_at, sent_times) VALUES ({0}, 1, 1, 1, {0}, 1, 7, 5, 6, '{1}', 5, 1)"
)
_PAYMENT = (
    "INSERT INTO payment (id, utility_id, channel, provider, reference, tender_kind, amount_minor, currency,"
    " account_reference, state, attempts, next_attempt_at, paid_at, received_at, reversed_minor)"
    " VALUES (1, 1, 'c', 'mpesa', 'R', 'mobile_money', 5, 'KES', '', 'verified', 0, 5, 5, 5, 0)"
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_there_comes_over_and_back(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url, zero = f"sqlite:///{tmp_path}/old.db", "x'00'"
    if kind == "postgresql":
        url, zero = new_postgresql(request.getfixturevalue("postgresql"), f"t{secrets.token_hex(6)}"), "'\\x00'"
    config = schema.alembic_config(url)
    command.upgrade(config, "0015")
    _run(url, _UTILITY.format(zero), *_CUSTOMER, _PAYMENT, _COMMAND.format(1, "expired"))

    command.upgrade(config, "0016")

    assert _run(url, "SELECT channel, tried, provider FROM message ORDER BY id") == [
        ("sms", 0, None),
        ("email", 0, None),
    ]
    assert _run(url, "SELECT looks, look_again_at, double_of FROM payment") == [(0, None, None)]
    _run(url, _COMMAND.format(2, "sent"), "UPDATE message SET state = 'sent', sent_at = 6 WHERE id = 1")
    command.downgrade(config, "0015")
    assert _run(url, "SELECT id, vend_id FROM command ORDER BY id") == [(1, None), (2, 7)]
    assert _run(url, "SELECT state, delivered_at FROM message ORDER BY id") == [("delivered", 6), ("delivered", None)]
    command.upgrade(config, "0016")
