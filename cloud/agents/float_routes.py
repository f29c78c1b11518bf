"""The API of money into and out of agents' floats."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloud.agents import floats
from cloud.agents.models import FloatRequest
from cloud.api.fields import Body, Page, PageQuery, RowId, SomeMinor, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import CHANNELS, CONFIG
from cloud.payments import floats as payments
from cloud.rows import page

Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Kind = Literal["top_up", "withdrawal"]
State = Literal["waiting", "done", "declined"]


class NewFloatRequest(Body):
    """Money that an agent deposited, or draws. `reference` is that of the deposit or transfer, and counts once."""

    kind: Kind
    amount_minor: SomeMinor
    source: Literal["bank", "cash"]
    reference: Text
    reason: str = Field(min_length=1, max_length=300)


class FloatRequestView(View):
    """Such a request; `waiting` for another person, above the limit."""

    id: int
    utility_id: int
    agent_id: int
    kind: Kind
    amount_minor: int
    source: str
    reference: str
    reason: str
    state: State
    asked_by: int
    asked_at: int
    decided_by: int | None
    decided_at: int | None


class FloatRequestQuery(PageQuery):
    """Which requests."""

    state: State | None = None


class FloatPayment(Body):
    """The agent that a listed payment is from."""

    agent_id: RowId


class PaidIn(View):
    """A payment that went into a float."""

    payment_id: int
    agent_id: int
    amount_minor: int
    currency: str


async def ask(call: Call[NewFloatRequest, None]) -> FloatRequestView:
    """Top an agent's float up, or draw from it; above the limit another person must approve."""
    request = FloatRequest(**call.body.model_dump(), agent_id=call.path["agent"], asked_at=call.now)
    async with call.begin() as session:
        limit, channels = call.app[CONFIG].float_limit_minor, call.app[CHANNELS]
        asked = await floats.ask(session, call.actor, request, limit, channels)
        return FloatRequestView.model_validate(asked)


async def listed(call: Call[None, FloatRequestQuery]) -> Page[FloatRequestView]:
    """List top-ups and withdrawals by hand."""
    async with call.read() as session:
        rows = await floats.listed(session, call.actor, call.query.state, call.query)
        return page(rows, FloatRequestView, call.query)


async def approve(call: Call[None, None]) -> FloatRequestView:
    """Carry a top-up or withdrawal out that another person asked for."""
    async with call.begin() as session:
        done = await floats.approve(session, call.actor, call.path["float_request"], call.now)
        return FloatRequestView.model_validate(done)


async def decline(call: Call[None, None]) -> FloatRequestView:
    """End a top-up or withdrawal that was asked for."""
    async with call.begin() as session:
        ended = await floats.decline(session, call.actor, call.path["float_request"], call.now)
        return FloatRequestView.model_validate(ended)


async def from_payment(call: Call[FloatPayment, None]) -> PaidIn:
    """Put a listed payment into an agent's float."""
    async with call.begin() as session:
        payment = await payments.assign(session, call.actor, call.path["payment"], call.body.agent_id, call.now)
        return PaidIn(
            payment_id=payment.id,
            agent_id=call.body.agent_id,
            amount_minor=payment.left_minor,
            currency=payment.currency,
        )


_CHANGES = (Conflict, Forbidden, NotFound, Refused)
ROUTES = [
    Route(
        "POST", "/agents/{agent}/float-requests", ask, "agents:write", FloatRequestView,
        request=NewFloatRequest, errors=_CHANGES, status=201, tag="agents",
    ),
    Route(
        "GET", "/float-requests", listed, "agents:read", Page[FloatRequestView],
        query=FloatRequestQuery, tag="agents",
    ),
    Route(
        "POST", "/float-requests/{float_request}/approve", approve, "agents:approve", FloatRequestView,
        errors=_CHANGES, tag="agents",
    ),
    Route(
        "POST", "/float-requests/{float_request}/decline", decline, "agents:write", FloatRequestView,
        errors=_CHANGES, tag="agents",
    ),
    Route(
        "POST", "/payments/{payment}/float", from_payment, "payments:write", PaidIn,
        request=FloatPayment, errors=_CHANGES, tag="payments",
    ),
]  # fmt: skip
