"""The API of commands: what was asked of a gateway, and what became of it."""

from sqlalchemy import select

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.commands.models import Command
from cloud.errors import NotFound
from cloud.meters.service import gateway_of
from cloud.rows import page, rows_after


class CommandView(View):
    """A command; `kind` 1 enters a token: a vend's, a section of a key change, or the void of a vend. 2 sets a policy,
    3 a floor.

    `sequence` is the entry with its result.
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
    sequence: int | None
    finished_at: int | None


async def list_commands(call: Call[None, PageQuery]) -> Page[CommandView]:
    """List the commands of a gateway."""
    async with call.read() as session:
        await gateway_of(session, call.actor, call.path["gateway"])
        mine = select(Command).where(Command.gateway_id == call.path["gateway"])
        return page(await rows_after(session, mine, Command.id, call.query), CommandView, call.query)


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
]
