"""What tests of orders share: a device that carries commands out, and a second operator."""

from typing import Any

from cloud.auth import rules
from cloud.auth import service as auth
from cloud.commands.dispatcher import signed
from cloud.commands.models import Command
from cloud.keys import CLOCK, DATABASE, KEY_STORE
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from shared import documents, kinds
from tests.cloud.served import Api, Town


async def take_in(api: Api, town: Town, *data: bytes) -> None:
    """Hand uplinks of the town's device to the ingest."""
    app = api.client.app
    assert app is not None
    now = app[CLOCK].now()
    ingest = Ingest(app[DATABASE], app[KEY_STORE])
    outcome = await ingest.process([Message(town.gateway, one, now) for one in data], now)
    for reply in outcome.replies:
        town.device.receive(reply.data)


async def online(api: Api, **changes: Any) -> Town:
    """A town whose device said hello and was heard."""
    town = await api.town(**changes)
    await take_in(api, town, town.device.hello(), town.device.batch())
    return town


async def received(api: Api, town: Town, command_id: int) -> dict[str, Any]:
    """The command as the device reads it: authentic, with `layout` applied to its payload."""
    app = api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        command = await session.get_one(Command, command_id)
        data = await signed(session, app[KEY_STORE], command, app[CLOCK].now())
    return town.device.receive(data)[1]


def carry_out(town: Town, command: dict[str, Any], kind: int, channel: int = 0, **effect: int) -> None:
    """Write the command's entry and one effect as one group."""
    detail = command["kind"] << 8 | 1
    town.device.write(kinds.COMMAND, reference_a=command["counter"], detail=detail, group_left=1)
    town.device.write(kind, channel, rule=kinds.RULE_COMMAND, **effect)


async def verdict(api: Api, town: Town) -> tuple[str, str]:
    """The last verdict and its reason."""
    await take_in(api, town, town.device.batch())
    last = (await api.get(f"/meters/{town.drn}")).body["last_verdicts"][0]
    return last["verdict"], last["reason"]


async def colleague(api: Api) -> Api:
    """Another person, who may approve commands."""
    return await api.person("colleague@penstock.example", "approver")


async def nobodys_key(api: Api) -> Api:
    """A program with every scope, whose key belongs to no person."""
    app = api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        made = await auth.add_api_key(session, auth.command_line(), "program", rules.SCOPES, None, api.clock.now())
    return api.as_key(made[1])


MODE = documents.MODE_PAYLOAD
CONTROL = documents.CONTROL_PAYLOAD
ADJUST = documents.ADJUST_PAYLOAD
FACTOR = documents.FACTOR_PAYLOAD
