"""The API of sending documents: an approved policy, floor or tariff goes to a gateway as a command."""

from typing import Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import Body
from cloud.api.route import Call, Route
from cloud.audit import service as audit
from cloud.commands import service
from cloud.commands.order_routes import Given, MeterGroup
from cloud.errors import Conflict, NotFound
from cloud.keys import COMMANDS_WAITING
from cloud.meters import floors, policies
from cloud.meters.models import FloorDocument, PolicyDocument
from cloud.meters.service import gateway_of
from cloud.tariffs import device
from cloud.tariffs.models import DeviceTariff
from shared import documents

_KINDS = {
    "policy": documents.COMMAND_POLICY,
    "floor": documents.COMMAND_FLOOR,
    "tariff": documents.COMMAND_TARIFF,
}


class SendDocument(Body):
    """Which document; a floor has no meter group."""

    kind: Literal["policy", "floor", "tariff"]
    version: int = Field(ge=1, le=0xFFFFFFFF)
    meter_group: MeterGroup = 0


async def _signed(session: AsyncSession, utility_id: int, wanted: SendDocument) -> bytes:
    row: PolicyDocument | FloorDocument | DeviceTariff | None
    if wanted.kind == "policy":
        row = await policies.of_version(session, utility_id, wanted.meter_group, wanted.version)
    elif wanted.kind == "floor":
        row = await floors.of_version(session, utility_id, wanted.version)
    else:
        row = await device.of_version(session, utility_id, wanted.meter_group, wanted.version)
    if row is None:
        missing = f"There is no {wanted.kind} of version {wanted.version} for group {wanted.meter_group}; list them."
        raise NotFound("document_unknown", missing)
    return row.document + row.signature


async def send(call: Call[SendDocument, None]) -> Given:
    """Send an approved document to a gateway."""
    body = call.body
    async with call.begin() as session:
        gateway = await gateway_of(session, call.actor, call.path["gateway"])
        utility = gateway.utility_id
        data = await _signed(session, utility, body)
        detail = {"kind": body.kind, "version": body.version, "group": body.meter_group}
        subject = f"gateway:{gateway.id}"
        await audit.record(session, call.actor, "document.send", subject, detail, utility_id=utility, now=call.now)
        queued = {"gateway_id": gateway.id, "kind": _KINDS[body.kind], "now": call.now}
        command = await service.queue_document(session, document=data, **queued)
    call.app[COMMANDS_WAITING].set()
    return Given(state="queued", command_id=command, request_id=None)


ROUTES = [
    Route(
        "POST", "/gateways/{gateway}/documents", send, "commands:write", Given,
        request=SendDocument, errors=(Conflict, NotFound), status=201, tag="commands",
    ),
]  # fmt: skip
