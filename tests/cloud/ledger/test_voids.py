"""Taking a token back: the money returns when the ledger shows the void, once, and never for a token that was used."""

import uuid

import pytest
from sqlalchemy import select

from cloud.books.models import BookAccount
from cloud.commands.models import Command
from cloud.errors import NotFound, Refused
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.tokens import Sale
from cloud.vending.voiding import Voiding, VoidOrder
from shared import kinds
from shared.entries import Entry
from shared.sts.cipher import make_cipher
from shared.sts.token import decode
from shared.sts.void import OWN_READERS, Void
from tests.cloud.ledger.books import cases, verdicts
from tests.cloud.served import KeyedDevice
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town


async def send(ingest: Ingest, town: Town, device: Device, arrived_at: int | None = None) -> None:
    arrived = town.now if arrived_at is None else arrived_at
    outcome = await ingest.process([Message(device.gateway, device.batch(), arrived)], town.now)
    for reply in outcome.replies:
        device.receive(reply.data)


async def ready(ingest: Ingest, town: Town) -> KeyedDevice:
    device = KeyedDevice()
    await town.enrol(await town.gateway(), device)
    await send(ingest, town, device)
    return device


async def order_void(town: Town, sale: Sale, delivery: str = "keypad") -> Voiding:
    async with town.database.begin() as session:
        wanted = VoidOrder(sale.vend.purchase_id, 1, delivery)
        return await voiding.order(session, town.key_store, ADMIN, wanted, town.now)


def burnt(device: Device, tid: int, target_tid: int) -> Entry:
    return device.write(
        kinds.VOID,
        0,
        rule=kinds.RULE_TOKEN_ACCEPTED,
        detail=kinds.MANUAL << 8 | 1,
        reference_a=tid,
        reference_b=target_tid,
    )


async def balance(town: Town) -> int:
    async with town.database.read() as session:
        return (await session.scalar(select(BookAccount.held).where(BookAccount.floored))) or 0


async def vend_of(town: Town, sale: Sale) -> Vend:
    async with town.database.read() as session:
        return await session.get_one(Vend, sale.vend.id)


async def test_the_void_token_burns_the_identifier_of_the_vend(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)

    made = await order_void(town, sale)
    again = await order_void(town, sale)

    cipher = make_cipher(11, device.decoder_keys[0])
    value = decode(made.digits, cipher, own_readers=OWN_READERS)
    assert isinstance(value, Void)
    assert (value.target_tid, value.tid) == (sale.vend.tid, made.vend.void_tid)
    assert again.digits == made.digits
    assert (await vend_of(town, sale)).state == "voiding"


async def test_the_money_returns_when_the_ledger_shows_the_void_and_once(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    made = await order_void(town, sale)
    before = await balance(town)

    assert made.vend.void_tid is not None
    burnt(device, made.vend.void_tid, sale.vend.tid)
    batch = device.batch()
    for _ in range(3):
        await ingest.process([Message(device.gateway, batch, town.now)], town.now)

    found = (await verdicts(town, device))[-1]
    assert (found.verdict, found.cause) == ("explained", f"vend:{sale.vend.id}")
    assert (await vend_of(town, sale)).state == "void"
    assert (before, await balance(town)) == (0, sale.vend.amount_minor)
    assert await cases(town, device) == []


async def test_the_returned_money_pays_the_next_purchase(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    made = await order_void(town, sale)
    assert made.vend.void_tid is not None
    burnt(device, made.vend.void_tid, sale.vend.tid)
    await send(ingest, town, device)

    second = await town.sell(device)

    assert second.movement.used_minor == sale.vend.amount_minor
    assert second.vend.tid > made.vend.void_tid


async def test_a_token_that_was_used_first_is_explained_and_its_money_stays(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    await order_void(town, sale)

    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device)

    assert (await vend_of(town, sale)).state == "explained"
    assert await balance(town) == 0
    with pytest.raises(Refused, match="was used at the meter"):
        await order_void(town, sale)


async def test_a_void_that_nobody_ordered_is_unexplained_and_returns_nothing(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)

    burnt(device, sale.vend.tid + 5, sale.vend.tid)
    await send(ingest, town, device)

    assert (await verdicts(town, device))[-1].verdict == "unexplained"
    assert [case.kind for case in await cases(town, device)] == ["unexplained"]
    assert await balance(town) == 0


async def test_a_void_ordered_after_the_entry_arrived_returns_nothing(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)
    arrived_at = town.now
    town.now += 60
    made = await order_void(town, sale)
    assert made.vend.void_tid is not None
    burnt(device, made.vend.void_tid, sale.vend.tid)

    await send(ingest, town, device, arrived_at)

    assert (await verdicts(town, device))[-1].verdict == "unexplained"
    assert await balance(town) == 0


async def test_a_void_by_the_link_is_one_command(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)

    await order_void(town, sale, "remote")
    await order_void(town, sale, "remote")

    async with town.database.read() as session:
        rows = (await session.scalars(select(Command))).all()
    assert [(row.kind, row.void_vend_id, row.vend_id) for row in rows] == [(1, sale.vend.id, None)]


async def test_the_void_of_an_unknown_part_is_not_found(town: Town, ingest: Ingest) -> None:
    device = await ready(ingest, town)
    sale = await town.sell(device)

    async with town.database.begin() as session:
        for purchase_id, part in ((sale.vend.purchase_id, 2), (str(uuid.uuid4()), 1)):
            with pytest.raises(NotFound, match="There is no part"):
                await voiding.order(session, town.key_store, ADMIN, VoidOrder(purchase_id, part, "keypad"), town.now)
