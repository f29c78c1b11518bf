"""The API of commands: what was asked of a gateway, and what became of it."""

from sqlalchemy import select

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.commands import document_routes, order_routes
from cloud.commands.models import Command
from cloud.errors import NotFound
from cloud.meters.service import gateway_of
from cloud.rows import owned, page, rows_after


class CommandView(View):
    """A command; `kind` 1 enters a token: a vend's, a section of a key change, or the void of a vend. 2 sets a policy,
    3 a floor, 4 a tariff, 5 the mode of a meter, 6 controls its valve (channel 255: all), 7 adjusts a balance, 8 sets
    the volume of a pulse, 9 brings or stops an update of the firmware.

    `sequence` is the entry with its result, `result_text` what the result means.
    """

    id: int
    gateway_id: int
    epoch: int
    counter: int
    previous: int | None
    kind: int
    channel: int | None
    drn: str | None
    vend_id: int | None
    key_change_id: int | None
    section: int | None
    void_vend_id: int | None
    status: str
    issued_at: int
    expires_at: int
    sent_at: int | None
    sent_times: int
    result: int | None
    result_text: str | None
    sequence: int | None
    reason: str | None
    finished_at: int | None


async def list_commands(call: Call[None, PageQuery]) -> Page[CommandView]:
    """List the commands of a gateway."""
    async with call.read() as session:
        await gateway_of(session, call.actor, call.path["gateway"])
        mine = select(Command).where(Command.gateway_id == call.path["gateway"])
        return page(await rows_after(session, mine, Command.id, call.query), CommandView, call.query)


async def one_command(call: Call[None, None]) -> CommandView:
    """Show a command with what became of it."""
    async with call.read() as session:
        return CommandView.model_validate(await owned(session, call.actor, Command, call.path["command"], "command"))


ROUTES = [
    Route(
        "GET",
        "/gateways/{gateway}/commands",
        list_commands,
        "commands:read",
        Page[CommandView],
        query=PageQuery,
        errors=(NotFound,),
        tag="commands",
    ),
    Route("GET", "/commands/{command}", one_command, "commands:read", CommandView, errors=(NotFound,), tag="commands"),
    *order_routes.ROUTES,
    *document_routes.ROUTES,
]
