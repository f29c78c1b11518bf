"""Commands are numbered, signed under the present start, sent in order until the ledger shows them, and expire."""

import pytest
from sqlalchemy import select, text

from cloud.commands import service
from cloud.commands.models import Command
from cloud.errors import Conflict
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from shared import kinds
from shared.documents import COMMAND_TOKEN, TOKEN_PAYLOAD
from tests.cloud.commands.conftest import Sent
from tests.cloud.ledger.books import cases, verdicts
from tests.fakes.device import Device
from tests.fakes.utility import Town


async def commands(town: Town, gateway: int) -> list[Command]:
    async with town.database.read() as session:
        mine = select(Command).where(Command.gateway_id == gateway).order_by(Command.epoch, Command.counter)
        return list(await session.scalars(mine))


async def send(ingest: Ingest, town: Town, device: Device, data: bytes) -> None:
    outcome = await ingest.process([Message(device.gateway, data, town.now)], town.now)
    for reply in outcome.replies:
        device.receive(reply.data)


async def online(ingest: Ingest, town: Town) -> Device:
    """An enrolled device that said hello and whose first entries are taken in."""
    device = await town.device()
    await send(ingest, town, device, device.hello())
    await send(ingest, town, device, device.batch())
    return device


async def test_a_remote_sale_reaches_the_gateway_as_a_signed_command(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    sale = await town.sell(device, delivery="remote")

    found = await sent.round()

    assert [gateway for gateway, _ in found] == [device.gateway]
    name, fields = device.receive(found[0][1])
    assert (name, fields["counter"], fields["previous"], fields["kind"]) == ("command", 1, 0, COMMAND_TOKEN)
    assert fields["boot_nonce"] == device.boot_nonce and fields["epoch"] == device.epoch
    assert fields["issued_s"] == town.now < fields["expires_s"]
    payload = TOKEN_PAYLOAD.decode(fields["payload"])
    assert payload["channel"] == 0 and f"{payload['token']:020d}" == sale.digits
    assert payload["key_check"] == sale.vend.key_check


async def test_the_tokens_digits_rest_nowhere_in_the_database(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    sale = await town.sell(device, delivery="remote")
    await sent.round()

    async with town.database.read() as session:
        for table in ("command", "vend", "message", "audit_entry"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert not any(sale.digits in str(value) or int(sale.digits) == value for row in rows for value in row)
            token = int(sale.digits).to_bytes(9, "big")
            assert not any(isinstance(value, bytes) and token in value for row in rows for value in row)


async def test_a_command_is_sent_again_until_its_entry_arrives(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")

    assert len(await sent.round()) == 1
    assert await sent.round() == []
    town.now += 15
    assert len(await sent.round()) == 1
    assert [row.sent_times for row in await commands(town, device.gateway)] == [2]


async def test_a_gateway_that_is_away_is_asked_less_and_less_and_at_once_when_it_says_hello(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    sendings = 0
    for _ in range(600):
        sendings += len(await sent.round())
        town.now += 5
    assert sendings == 8

    await send(ingest, town, device, device.hello())

    assert len(await sent.round()) == 1


async def test_a_command_that_was_carried_out_is_applied_explained_and_not_sent_again(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    sale = await town.sell(device, delivery="remote")
    _, fields = device.receive((await sent.round())[0][1])

    device.carry_out(fields, 0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device, device.batch())

    row = (await commands(town, device.gateway))[0]
    assert (row.status, row.result, row.sequence) == ("applied", 1, device.sequence - 1)
    assert [found.verdict for found in (await verdicts(town, device))[-2:]] == ["explained", "explained"]
    assert await cases(town, device) == []
    town.now += 3600
    assert await sent.round() == []


async def test_a_command_that_the_gateway_refuses_is_refused_and_the_next_one_follows(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    await town.sell(device, delivery="remote")
    _, first = device.receive((await sent.round())[0][1])

    device.write(kinds.COMMAND, reference_a=first["counter"], detail=COMMAND_TOKEN << 8 | 4)
    await send(ingest, town, device, device.batch())
    _, second = device.receive((await sent.round())[0][1])

    assert [row.status for row in await commands(town, device.gateway)] == ["refused", "sent"]
    assert (second["counter"], second["previous"]) == (2, 1)


async def test_only_the_oldest_command_of_a_gateway_is_on_its_way(town: Town, ingest: Ingest, sent: Sent) -> None:
    one, other = await online(ingest, town), await online(ingest, town)
    for _ in range(3):
        await town.sell(one, delivery="remote")
    await town.sell(other, delivery="remote")

    found = await sent.round()

    assert sorted(gateway for gateway, _ in found) == sorted([one.gateway, other.gateway])
    assert await sent.round() == []


async def test_an_expired_command_is_skipped_and_the_next_one_names_the_last_carried_out(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    await sent.round()
    town.now += service.LIFE_S
    await town.sell(device, delivery="remote")

    _, fields = device.receive((await sent.round())[0][1])

    assert [row.status for row in await commands(town, device.gateway)] == ["expired", "sent"]
    assert (fields["counter"], fields["previous"]) == (2, 0)


async def test_a_new_start_of_the_gateway_gets_the_command_under_its_new_nonce(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    await sent.round()
    device.boot_nonce = b"restart!"

    await send(ingest, town, device, device.hello())
    _, fields = device.receive((await sent.round())[0][1])

    assert fields["boot_nonce"] == b"restart!" and fields["counter"] == 1


async def test_numbers_go_on_above_what_the_gateway_carried_out(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    await send(ingest, town, device, device.hello(command_counter=41))
    await town.sell(device, delivery="remote")

    _, fields = device.receive((await sent.round())[0][1])

    assert (fields["counter"], fields["previous"]) == (42, 41)


async def test_a_batch_tells_the_counter_too(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    device.charge(0, 10)
    await send(ingest, town, device, device.batch(command_counter=7))
    await town.sell(device, delivery="remote")

    _, fields = device.receive((await sent.round())[0][1])

    assert fields["counter"] == 8


async def test_a_command_of_an_earlier_epoch_is_superseded(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    successor = await town.enrol(device.gateway, Device())
    await send(ingest, town, successor, successor.hello())
    town.now += 60

    assert await sent.round() == []

    assert [row.status for row in await commands(town, device.gateway)] == ["superseded"]
    await town.sell(successor, delivery="remote")
    _, fields = successor.receive((await sent.round())[0][1])
    assert (fields["epoch"], fields["counter"]) == (2, 1)


async def test_queueing_the_same_vend_again_gives_the_same_command(town: Town, ingest: Ingest) -> None:
    device = await online(ingest, town)
    sale = await town.sell(device, delivery="remote")

    async with town.database.begin() as session:
        again = await service.queue_token(
            session,
            gateway_id=device.gateway,
            channel=0,
            drn=sale.meter.drn,
            digits=sale.digits,
            vend_id=sale.vend.id,
            now=town.now,
        )

    assert [row.id for row in await commands(town, device.gateway)] == [again]


async def test_a_gateway_without_a_device_takes_no_commands(town: Town) -> None:
    gateway = await town.gateway()

    async with town.database.begin() as session:
        with pytest.raises(Conflict):
            await service.queue_document(session, gateway_id=gateway, kind=2, document=b"policy", now=town.now)


async def test_a_gateway_that_says_hello_without_end_is_not_sent_its_command_without_end(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    sendings = 0

    for _ in range(20):
        await send(ingest, town, device, device.hello())
        sendings += len(await sent.round())

    assert sendings == 1


async def test_a_gateway_that_started_again_is_sent_its_command_at_once(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await online(ingest, town)
    await town.sell(device, delivery="remote")
    await sent.round()

    device.boot_nonce = b"anew----"
    await send(ingest, town, device, device.hello())

    assert len(await sent.round()) == 1


async def test_a_result_that_is_said_twice_does_not_change_what_was_said_first(
    town: Town, ingest: Ingest, sent: Sent
) -> None:
    device = await online(ingest, town)
    sale = await town.sell(device, delivery="remote")
    _, fields = device.receive((await sent.round())[0][1])
    device.carry_out(fields, 0, sale.vend.tid, sale.vend.volume_ml)
    await send(ingest, town, device, device.batch())

    device.write(kinds.COMMAND, 0, reference_a=fields["counter"], detail=COMMAND_TOKEN << 8 | 4)
    await send(ingest, town, device, device.batch())

    assert [row.status for row in await commands(town, device.gateway)] == ["applied"]
    assert (await verdicts(town, device))[-1].verdict == "contradicted"


async def test_a_command_that_cannot_be_made_does_not_stand_in_front_of_others(
    town: Town, ingest: Ingest, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.commands.dispatcher._GATEWAYS_A_ROUND", 1)
    broken, good = await online(ingest, town), await online(ingest, town)
    await send(ingest, town, broken, broken.hello(command_counter=0xFFFFFFFF))
    for device in (broken, good):
        await town.sell(device, delivery="remote")

    rounds = [await sent.round() for _ in range(2)]

    assert [[gateway for gateway, _ in one] for one in rounds] == [[], [good.gateway]]
