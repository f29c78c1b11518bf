"""A key change by the link: its sections in order under the old key, then the credit under the new one."""

from sqlalchemy import select

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.meters.models import Meter
from cloud.vending import key_change, key_service
from cloud.vending.models import VendingKey
from shared import kinds
from shared.documents import TOKEN_PAYLOAD
from shared.sts.value import RESULT_CODES
from tests.cloud.commands.conftest import Sent
from tests.fakes.utility import ADMIN, SGC, Town


async def test_a_remote_key_change_arrives_section_by_section(town: Town, ingest: Ingest, sent: Sent) -> None:
    device = await town.device()
    await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)
    await ingest.process([Message(device.gateway, device.hello(), town.now)], town.now)
    async with town.database.begin() as session:
        key = VendingKey(
            utility_id=town.utility,
            sgc=SGC,
            krn=2,
            kt=2,
            base_year=2014,
            ken=255,
            dkga=4,
            ea=11,
            created_at=town.now,
        )
        await key_service.add(session, town.key_store, ADMIN, key)
        meter = (await session.scalars(select(Meter))).one()
        target = key_change.Target(SGC, 2, 2, None)
        change = await key_change.plan(session, town.key_store, ADMIN, meter, target, town.now)
    sale = await town.sell(device, delivery="remote")

    arrived = []
    for number in range(1, 6):
        ((_, data),) = await sent.round()
        _, command = device.receive(data)
        arrived.append(TOKEN_PAYLOAD.decode(command["payload"]))
        result = RESULT_CODES[number] if number < 5 else 1
        device.write(kinds.COMMAND, reference_a=command["counter"], detail=command["kind"] << 8 | result)
        device.acknowledged = device.sequence - 1
        await ingest.process([Message(device.gateway, device.batch(), town.now)], town.now)

    assert [f"{payload['token']:020d}" for payload in arrived] == [token.digits for token in sale.tokens]
    assert [payload["key_check"] for payload in arrived] == [change.old_key_check] * 4 + [change.new_key_check]
