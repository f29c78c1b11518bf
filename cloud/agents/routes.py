"""The API of agents: who they are, what they earn, who sells for them, and what their floats did."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from cloud.agents import batch_routes, float_routes, report_routes, service, till_routes
from cloud.agents.models import Agent
from cloud.agents.rules import DENOMINATOR_MAX, Fraction
from cloud.api.fields import Body, Currency, Name, Page, PageQuery, RowId, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused

Reason = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
State = Literal["active", "suspended", "closed"]


class Commission(Body):
    """The share of what customers pay that an agent earns: numerator / denominator, e.g. 3/200 for 1.5 %."""

    numerator: int = Field(ge=0, lt=DENOMINATOR_MAX)
    denominator: int = Field(ge=1, le=DENOMINATOR_MAX)

    @model_validator(mode="after")
    def _is_a_share(self) -> Self:
        if self.numerator >= self.denominator:
            raise ValueError("the numerator is below the denominator")
        return self

    def fraction(self) -> Fraction:
        """Return it as a value."""
        return Fraction(self.numerator, self.denominator)


class NewAgent(Body):
    """A point of sale to be made. The commission counts once another person has approved it."""

    utility_id: UtilityId
    name: Name
    currency: Currency
    commission: Commission


class AgentState(Body):
    """Whether an agent sells; `closed` is for good and needs an empty float."""

    state: State
    reason: Reason


class Seller(Body):
    """Who sells for an agent: an operator with the role `agent`, or an API key with no scopes but those of the role."""

    operator_id: RowId | None = None
    api_key_id: RowId | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.operator_id is None) == (self.api_key_id is None):
            raise ValueError("give operator_id or api_key_id")
        return self


class AgentView(View):
    """An agent. `held_minor` is what its float holds; `owed_minor` what it earned by sales that were taken back and
    gives back from the next commissions. `asked_*` is a commission that waits for another person."""

    id: int
    utility_id: int
    name: str
    currency: str
    state: State
    held_minor: int
    owed_minor: int
    commission_numerator: int
    commission_denominator: int
    asked_numerator: int | None
    asked_denominator: int | None
    created_at: int

    @classmethod
    def of(cls, agent: Agent, held_minor: int) -> "AgentView":
        """Make the view of an agent and its float."""
        owed = max(0, -(agent.commission_rest // agent.commission_denominator))
        derived = {"held_minor": held_minor, "owed_minor": owed}
        names = [name for name in cls.model_fields if name not in derived]
        return cls.model_validate({**{name: getattr(agent, name) for name in names}, **derived})


async def add(call: Call[NewAgent, None]) -> AgentView:
    """Make an agent; its commission waits for another person."""
    body = call.body
    agent = Agent(
        utility_id=body.utility_id,
        name=body.name,
        currency=body.currency,
        state="active",
        commission_numerator=0,
        commission_denominator=1,
        commission_rest=0,
        created_at=call.now,
    )
    async with call.begin() as session:
        return AgentView.of(await service.add(session, call.actor, agent, body.commission.fraction()), 0)


async def listed(call: Call[None, PageQuery]) -> Page[AgentView]:
    """List agents with what their floats hold."""
    async with call.read() as session:
        rows = await service.listed(session, call.actor, call.query)
        held = await service.held(session, rows)
    shown = [AgentView.of(row, held[row.id]) for row in rows[: call.query.limit]]
    return Page[AgentView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def one(call: Call[None, None]) -> AgentView:
    """Show an agent with what its float holds."""
    async with call.read() as session:
        agent = await service.of_id(session, call.actor, call.path["agent"])
        return AgentView.of(agent, (await service.held(session, [agent]))[agent.id])


async def set_state(call: Call[AgentState, None]) -> AgentView:
    """Suspend an agent, let it sell again, or close it."""
    return await _changed(call, service.set_state, call.body.state, call.body.reason)


async def ask_commission(call: Call[Commission, None]) -> AgentView:
    """Ask another person to approve a commission."""
    return await _changed(call, service.ask_commission, call.body.fraction())


async def approve_commission(call: Call[Commission, None]) -> AgentView:
    """Let a commission count that another person asked for, naming what was seen."""
    return await _changed(call, service.approve_commission, call.body.fraction())


async def decline_commission(call: Call[None, None]) -> AgentView:
    """End a commission that was asked for."""
    return await _changed(call, service.decline_commission)


async def bind(call: Call[Seller, None]) -> AgentView:
    """Let an operator or an API key sell for an agent, from its float alone."""
    if call.body.operator_id is not None:
        return await _changed(call, service.bind_operator, call.body.operator_id)
    return await _changed(call, service.bind_key, call.body.api_key_id)


async def release(call: Call[None, None]) -> AgentView:
    """Let an operator sell for an agent no more; a key of an agent is revoked instead."""
    return await _changed(call, service.release_operator, call.path["operator"])


async def _changed(call: Call[Any, None], change: Any, *arguments: Any) -> AgentView:
    async with call.begin() as session:
        agent = await change(session, call.actor, call.path["agent"], *arguments, call.now)
        await session.flush()
        return AgentView.of(agent, (await service.held(session, [agent]))[agent.id])


_ONE = "/agents/{agent}"
_CHANGES: dict[str, Any] = {"errors": (Conflict, Forbidden, NotFound, Refused), "tag": "agents"}
ROUTES = [
    Route("POST", "/agents", add, "agents:write", AgentView, request=NewAgent, status=201, **_CHANGES),
    Route("GET", "/agents", listed, "agents:read", Page[AgentView], query=PageQuery, tag="agents"),
    Route("GET", _ONE, one, "agents:read", AgentView, errors=(NotFound,), tag="agents"),
    Route("PUT", _ONE + "/state", set_state, "agents:write", AgentView, request=AgentState, **_CHANGES),
    Route("PUT", _ONE + "/commission", ask_commission, "agents:write", AgentView, request=Commission, **_CHANGES),
    Route(
        "POST",
        _ONE + "/commission/approve",
        approve_commission,
        "agents:approve",
        AgentView,
        request=Commission,
        **_CHANGES,
    ),
    Route("POST", _ONE + "/commission/decline", decline_commission, "agents:write", AgentView, **_CHANGES),
    Route("POST", _ONE + "/sellers", bind, "operators:write", AgentView, request=Seller, **_CHANGES),
    Route("DELETE", _ONE + "/sellers/{operator}", release, "operators:write", AgentView, **_CHANGES),
    *report_routes.ROUTES,
    *float_routes.ROUTES,
    *till_routes.ROUTES,
    *batch_routes.ROUTES,
]
