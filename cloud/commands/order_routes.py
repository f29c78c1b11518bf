"""The API of orders to meters, and of the requests among them that a second person decides on."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, Page, PageQuery, RowId, View
from cloud.api.route import Call, Route
from cloud.billing import by_hand
from cloud.commands import approval, orders
from cloud.commands.models import Command, CommandRequest
from cloud.commands.orders import Limits, Order
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import COMMANDS_WAITING, CONFIG
from cloud.meters.service import gateway_of, meter_of
from cloud.rows import page

TIME_MAX = 0xFFFFFFFF
_AMOUNT_MAX = (1 << 47) - 1
_PULSE_VOLUME_ML_MAX = 0xFFFFFFFF
Reason = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Time = Annotated[int, Field(ge=1, le=TIME_MAX)]
MeterGroup = Annotated[int, Field(ge=0, le=0xFFFF)]


class ModeOrder(Body):
    """How a meter is charged from now on; `arrears` limit a meter that is billed afterwards.

    A customer's payment mode stays: it changes by a switch, which settles the account.
    """

    payment: Literal["prepayment", "credit"]
    arrears: Literal["none", "trickle", "disconnect"] = "none"
    critical_need: bool
    meter_group: MeterGroup
    reason: Reason


class ControlOrder(Body):
    """What the valve is to do; `until_s` ends a closure for safety."""

    action: Literal["connect", "disconnect", "arm", "safety", "safety_over"]
    until_s: Time | None = None
    reason: Reason


class OpenAllOrder(Body):
    """Until when every meter of the gateway is open."""

    until_s: Time
    reason: Reason


class AdjustmentOrder(Body):
    """By how much a balance moves: ml, or money in 1/100000 of the currency for an account of money."""

    pot: Literal["token_credit", "emergency_credit", "reserved_credit", "accumulated_debt"]
    amount: int = Field(ge=-_AMOUNT_MAX, le=_AMOUNT_MAX)
    reason: Reason


class FactorOrder(Body):
    """The volume of a pulse from now on."""

    pulse_volume_ml: int = Field(ge=1, le=_PULSE_VOLUME_ML_MAX)
    reason: Reason


class Given(View):
    """What became of an order: `queued` as a command, or `waiting` as a request for a second person."""

    state: Literal["queued", "waiting"]
    command_id: RowId | None
    request_id: RowId | None


class RequestView(View):
    """A command that is given only when somebody else than `requested_by` approves it; `what` is in words."""

    id: int
    utility_id: int
    gateway_id: int
    drn: str
    channel: int
    kind: int
    what: str
    reason: str
    state: str
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None
    command_id: int | None


class RequestsQuery(PageQuery):
    """Which requests are asked for."""

    state: Literal["waiting", "approved", "declined"] | None = None


def _given(row: Command | CommandRequest) -> Given:
    if isinstance(row, Command):
        return Given(state="queued", command_id=row.id, request_id=None)
    return Given(state="waiting", command_id=None, request_id=row.id)


async def set_mode(call: Call[ModeOrder, None]) -> Given:
    """Change how a meter is charged, its group and its protection."""
    async with call.begin() as session:
        meter = await meter_of(session, call.actor, call.path["drn"])
        await by_hand.check_order(session, meter, call.body.payment)
        order = await orders.mode(session, meter, **call.body.model_dump())
        given = await orders.give(session, call.actor, order, call.now)
    return _sent(call, given)


async def control(call: Call[ControlOrder, None]) -> Given:
    """Close or open a meter by hand."""
    body = call.body
    async with call.begin() as session:
        meter = await meter_of(session, call.actor, call.path["drn"])
        order = await orders.control(session, meter, body.action, body.until_s, body.reason, call.now)
        given = await orders.give(session, call.actor, order, call.now)
    return _sent(call, given)


async def open_all(call: Call[OpenAllOrder, None]) -> Given:
    """Open every meter of a gateway for a time."""
    async with call.begin() as session:
        gateway = await gateway_of(session, call.actor, call.path["gateway"])
        given = await orders.open_all(session, call.actor, gateway, call.body.until_s, call.body.reason, call.now)
    return _sent(call, given)


async def adjust(call: Call[AdjustmentOrder, None]) -> Given:
    """Move a balance of a meter, with a reason."""
    body, config = call.body, call.app[CONFIG]
    limits = Limits(config.adjustment_limit_ml, config.adjustment_limit_money)
    async with call.begin() as session:
        meter = await meter_of(session, call.actor, call.path["drn"])
        order = await orders.adjustment(session, meter, body.pot, body.amount, body.reason, limits)
        given = await orders.give(session, call.actor, order, call.now)
    return _sent(call, given)


async def set_factor(call: Call[FactorOrder, None]) -> Given:
    """Change the volume that a pulse of a meter counts."""
    async with call.begin() as session:
        meter = await meter_of(session, call.actor, call.path["drn"])
        order: Order = orders.factor(meter, call.body.pulse_volume_ml, call.body.reason)
        given = await orders.give(session, call.actor, order, call.now)
    return _sent(call, given)


def _sent(call: Call[Any, None], row: Command | CommandRequest) -> Given:
    call.app[COMMANDS_WAITING].set()
    return _given(row)


async def list_requests(call: Call[None, RequestsQuery]) -> Page[RequestView]:
    """List the commands that wait for a second person, or did."""
    async with call.read() as session:
        rows = await approval.listed(session, call.actor, call.query.state, call.query)
        return page(rows, RequestView, call.query)


async def one_request(call: Call[None, None]) -> RequestView:
    """Show such a request."""
    async with call.read() as session:
        return RequestView.model_validate(await approval.of_id(session, call.actor, call.path["command_request"]))


async def approve(call: Call[None, None]) -> RequestView:
    """Approve a request of somebody else, and give the command."""
    async with call.begin() as session:
        asked = await approval.approve(session, call.actor, call.path["command_request"], call.now)
        view = RequestView.model_validate(asked)
    call.app[COMMANDS_WAITING].set()
    return view


async def decline(call: Call[None, None]) -> RequestView:
    """End a request without a command."""
    async with call.begin() as session:
        asked = await approval.decline(session, call.actor, call.path["command_request"], call.now)
        return RequestView.model_validate(asked)


async def withdraw(call: Call[None, None]) -> RequestView:
    """End one's own request without a command."""
    async with call.begin() as session:
        asked = await approval.withdraw(session, call.actor, call.path["command_request"], call.now)
        return RequestView.model_validate(asked)


_ERRORS = (Conflict, NotFound, Refused)
_REQUEST = "/command-requests/{command_request}"
ROUTES = [
    Route(
        "POST", "/meters/{drn}/mode", set_mode, "commands:write", Given,
        request=ModeOrder, errors=_ERRORS, status=201, tag="commands",
    ),
    Route(
        "POST", "/meters/{drn}/control", control, "commands:write", Given,
        request=ControlOrder, errors=_ERRORS, status=201, tag="commands",
    ),
    Route(
        "POST", "/meters/{drn}/adjustments", adjust, "commands:write", Given,
        request=AdjustmentOrder, errors=_ERRORS, status=201, tag="commands",
    ),
    Route(
        "POST", "/meters/{drn}/factor", set_factor, "commands:write", Given,
        request=FactorOrder, errors=_ERRORS, status=201, tag="commands",
    ),
    Route(
        "POST", "/gateways/{gateway}/open-all", open_all, "commands:write", Given,
        request=OpenAllOrder, errors=_ERRORS, status=201, tag="commands",
    ),
    Route(
        "GET", "/command-requests", list_requests, "commands:read", Page[RequestView],
        query=RequestsQuery, tag="commands",
    ),
    Route("GET", _REQUEST, one_request, "commands:read", RequestView, errors=(NotFound,), tag="commands"),
    Route(
        "POST", _REQUEST + "/approve", approve, "commands:approve", RequestView,
        errors=(Conflict, Forbidden, NotFound), tag="commands",
    ),
    Route(
        "POST", _REQUEST + "/decline", decline, "commands:approve", RequestView,
        errors=(Conflict, NotFound), tag="commands",
    ),
    Route(
        "POST", _REQUEST + "/withdraw", withdraw, "commands:write", RequestView,
        errors=(Conflict, Forbidden, NotFound), tag="commands",
    ),
]  # fmt: skip
