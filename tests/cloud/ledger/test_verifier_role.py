"""The verifier's own role, on a real PostgreSQL: it takes ledgers in, and cannot sell, void or change what was sold."""

import secrets
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from cloud.config import ConfigError
from cloud.db import Database
from cloud.ledger.service import Ingest
from cloud.tables import METADATA
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.voiding import VoidOrder
from cloud.verifier_role import ADDED, CHANGED, COLUMNS, HIDDEN, grant
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_with_gateway import ACCEPT, connected
from tests.fakes.utility import ADMIN, Town

PASSWORD = "a long password: with 'signs' $1"
FORBIDDEN = (
    "INSERT INTO purchase (purchase_id, request_sha256, created_at) VALUES ('x', '', 1)",
    "INSERT INTO vend DEFAULT VALUES",
    "UPDATE vend SET volume_ml = 1",
    "UPDATE vend SET tid = 1",
    "DELETE FROM vend",
    "TRUNCATE vend CASCADE",
    "UPDATE voucher SET payment_id = 1",
    "UPDATE payment SET amount_minor = 1",
    "INSERT INTO vending_key DEFAULT VALUES",
    "UPDATE sealed_secret SET subject = ''",
    "UPDATE tariff_version SET state = 'approved'",
    "DELETE FROM verdict",
    "DELETE FROM ledger_entry",
    "SELECT * FROM operator",
    "SELECT * FROM api_key",
    "CREATE TABLE mine (id int)",
    "ALTER TABLE vend DISABLE TRIGGER ALL",
)


@pytest.fixture
async def verifier(postgresql_url: str) -> AsyncIterator[tuple[Town, Database]]:
    """A town, and the same database as the verifier's role sees it."""
    whole = Database(postgresql_url)
    town = await Town(whole).found()
    role = f"verifier_{secrets.token_hex(4)}"
    for _ in range(2):  # the second time sets the rights anew
        await grant(whole.engine, role, PASSWORD)
    url = make_url(postgresql_url).set(username=role, password=PASSWORD)
    narrow = Database(url.render_as_string(hide_password=False))
    yield town, narrow
    await narrow.close()
    async with whole.engine.begin() as connection:
        await connection.exec_driver_sql(f"DROP OWNED BY {role}")
        await connection.exec_driver_sql(f"DROP ROLE {role}")
    await whole.close()


async def test_it_takes_a_gateways_ledger_in_with_credit_a_void_and_cases(verifier: tuple[Town, Database]) -> None:
    town, narrow = verifier
    link = await connected(town, Ingest(narrow, town.key_store))
    first, second = await link.sell(), await link.sell()
    assert link.house.type(first.digits) == ACCEPT
    async with town.database.begin() as session:
        wanted = VoidOrder(second.vend.purchase_id, 1, "keypad")
        made = await voiding.order(session, town.key_store, ADMIN, wanted, town.now)
    link.house.type(made.digits)
    link.house.flow(1_500)
    link.house.step(60)

    await link.talk()

    assert set(await link.verdicts()) == {"explained"}
    async with town.database.read() as session:
        used, burnt = [await session.get_one(Vend, sale.vend.id) for sale in (first, second)]
    assert used.consumed_by is not None and burnt.voided_at is not None
    assert await cases(town, link.known) == []


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_it_writes_nothing_of_what_was_sold(verifier: tuple[Town, Database], statement: str) -> None:
    _, narrow = verifier

    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with narrow.begin() as session:
            await session.execute(text(statement))


def test_every_table_of_the_lists_is_there() -> None:
    assert {*ADDED, *CHANGED, *COLUMNS, *HIDDEN} <= set(METADATA.tables)
    assert not {*ADDED, *CHANGED} & {"purchase", "vend", "sale", "sale_hold", "payment", "voucher", "vending_key"}


async def test_a_file_has_no_roles(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    with pytest.raises(ConfigError, match="only PostgreSQL"):
        await grant(database.engine, "verifier", PASSWORD)
    await database.close()
