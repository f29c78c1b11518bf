"""What a meter's ledger does to the book of volumes: a token that arrived or was burnt is owed no more, once."""

import pytest

from cloud.books import reports
from cloud.db import Database
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.vending import voiding
from cloud.vending.voiding import VoidOrder
from shared import kinds
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def send(town: Town, device: Device) -> None:
    """Bring the device's entries to the cloud three times."""
    ingest, batch = Ingest(town.database, town.key_store), device.batch()
    for _ in range(3):
        await ingest.process([Message(device.gateway, batch, town.now)], town.now)


async def volumes(town: Town) -> dict[str, int]:
    async with town.database.read() as session:
        found = await reports.trial_balance(session, ADMIN, town.utility)
    assert not any(reports.left_over(found).values())
    assert all(one.holds for one in found)
    return {one.account.code: one.balance for one in found if one.account.unit == "ml" and one.balance}


async def test_a_token_that_the_meter_took_in_is_no_longer_in_flight(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    before = await volumes(town)

    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(town, device)

    assert before == {"issued:water": 5_000_000, "in_flight:water": -5_000_000}
    assert await volumes(town) == {"issued:water": 5_000_000, "meter_credit:water": -5_000_000}


async def test_a_token_that_the_meter_burnt_is_void(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    async with town.database.begin() as session:
        wanted = VoidOrder(sale.vend.purchase_id, 1, "keypad")
        made = await voiding.order(session, town.key_store, ADMIN, wanted, town.now)
    assert made.vend.void_tid is not None

    detail = kinds.MANUAL << 8 | 1
    marks = {"rule": kinds.RULE_TOKEN_ACCEPTED, "detail": detail}
    device.write(kinds.VOID, 0, **marks, reference_a=made.vend.void_tid, reference_b=sale.vend.tid)
    await send(town, device)

    assert await volumes(town) == {"issued:water": 5_000_000, "void:water": -5_000_000}


async def test_a_token_that_nobody_sold_moves_nothing(town: Town) -> None:
    device = await town.device()

    device.token(0, 1_000_000, 5_000_000)
    await send(town, device)

    assert await volumes(town) == {}
