"""The API of rollouts: ask, approve, look, pause, resume, cancel."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import Body, GatewayId, Page, PageQuery, RowId, UtilityId, View
from cloud.api.route import Call, Route
from cloud.auth.actor import Actor
from cloud.commands.order_routes import Reason
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import COMMANDS_WAITING
from cloud.rows import page
from cloud.updates import rollouts
from cloud.updates.models import Rollout

_DAY_S = 24 * 3600
_WAVE_S = 7 * _DAY_S
_LONGEST_S = 90 * _DAY_S
_SILENT_S = 5400


class Wave(Body):
    """So many gateways more, or up to so many percent of all; one of the two."""

    gateways: int | None = Field(None, ge=1, le=1_000_000)
    percent: int | None = Field(None, ge=1, le=100)

    @model_validator(mode="after")
    def _one_of_two(self) -> "Wave":
        if (self.gateways is None) == (self.percent is None):
            raise ValueError("give a wave either gateways or percent")
        return self


_WAVES = [Wave(gateways=1), Wave(percent=5), Wave(percent=25), Wave(percent=100)]
GatewayList = Annotated[list[GatewayId], Field(min_length=1, max_length=1000)]


class NewRollout(Body):
    """What goes where, and when it may go on. Without `gateways` it goes to all of the utility that are of the
    release's board; those whose board is not known wait in the last wave until it is."""

    utility_id: UtilityId
    release_id: RowId
    reason: Reason
    gateways: GatewayList | None = None
    waves: list[Wave] = Field(default=_WAVES, min_length=1, max_length=20)
    kept_percent: int = Field(90, ge=1, le=100, description="Share of a wave that must have kept the release")
    failure_percent: int = Field(
        2, ge=0, le=99, description="It stops when a larger share of those that tried has failed"
    )
    wave_s: int = Field(_WAVE_S, ge=60, le=_LONGEST_S, description="A wave that takes longer waits for a person")
    soak_s: int = Field(_DAY_S, ge=0, le=_LONGEST_S, description="The next wave begins no sooner after this one")
    silent_s: int = Field(
        7200,
        ge=_SILENT_S,
        le=_LONGEST_S,
        description="A trial without a hello for so long has failed; one is said hourly",
    )

    @model_validator(mode="after")
    def _can_end(self) -> "NewRollout":
        if self.soak_s >= self.wave_s:
            raise ValueError("give soak_s less than wave_s, or no wave ends in time")
        return self


class WaveView(View):
    """A wave, with how many gateways are in which state."""

    gateways: int | None
    percent: int | None
    states: dict[str, int]


class RolloutView(View):
    """A rollout. `state`: waiting for a second person, running, paused, stopped, cancelled, finished or declined."""

    id: int
    utility_id: int
    release_id: int
    state: str
    wave: int
    wave_began_at: int | None
    waves: list[WaveView]
    kept_percent: int
    failure_percent: int
    wave_s: int
    soak_s: int
    silent_s: int
    reason: str
    outcome: str | None
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None
    ended_at: int | None


MemberState = Literal["unknown", "waiting", "ordered", "loading", "trial", "kept", "failed", "stopping", "skipped"]


class MemberQuery(PageQuery):
    """Which gateways of a rollout are asked for."""

    state: MemberState | None = Field(None, description="Only those in this state")


class MemberView(View):
    """A gateway in a rollout. `state`: unknown (its board), waiting, ordered, loading, trial, kept, failed, stopping or
    skipped."""

    gateway_id: int
    wave: int
    state: str
    command_id: int | None
    ordered_at: int | None
    loaded_at: int | None
    trial_at: int | None
    ended_at: int | None
    outcome: str | None


async def _view(session: AsyncSession, row: Rollout) -> RolloutView:
    counts = await rollouts.counts(session, row.id)
    waves = [
        WaveView(
            gateways=wave.get("gateways"),
            percent=wave.get("percent"),
            states={state: number for (of, state), number in sorted(counts.items()) if of == index},
        )
        for index, wave in enumerate(row.waves)
    ]
    plain = {name: getattr(row, name) for name in RolloutView.model_fields if name != "waves"}
    return RolloutView(waves=waves, **plain)


async def ask(call: Call[NewRollout, None]) -> RolloutView:
    """Ask for a rollout, which another person starts."""
    terms = call.body.model_dump(exclude={"gateways", "waves"})
    terms["waves"] = [wave.model_dump(exclude_none=True) for wave in call.body.waves]
    async with call.begin() as session:
        row = await rollouts.ask(session, call.actor, gateways=call.body.gateways, terms=terms, now=call.now)
        return await _view(session, row)


_Change = Callable[[AsyncSession, Actor, int, int], Awaitable[Rollout]]


async def _changed(call: Call[Any, Any], change: _Change) -> RolloutView:
    async with call.begin() as session:
        view = await _view(session, await change(session, call.actor, call.path["rollout"], call.now))
    call.app[COMMANDS_WAITING].set()
    return view


async def approve(call: Call[None, None]) -> RolloutView:
    """Start a rollout that somebody else asked for."""
    return await _changed(call, rollouts.approve)


async def decline(call: Call[None, None]) -> RolloutView:
    """End a rollout that was asked for."""
    return await _changed(call, rollouts.decline)


async def pause(call: Call[None, None]) -> RolloutView:
    """Tell no further gateway for now."""
    return await _changed(call, rollouts.pause)


async def resume(call: Call[None, None]) -> RolloutView:
    """Go on with a rollout that was paused."""
    return await _changed(call, rollouts.resume)


async def cancel(call: Call[None, None]) -> RolloutView:
    """End a rollout, and tell gateways that still download to stop."""
    return await _changed(call, rollouts.cancel)


async def one(call: Call[None, None]) -> RolloutView:
    """Show a rollout with its waves."""
    async with call.read() as session:
        return await _view(session, await rollouts.of_id(session, call.actor, call.path["rollout"]))


async def list_rollouts(call: Call[None, PageQuery]) -> Page[RolloutView]:
    """List rollouts."""
    async with call.read() as session:
        rows = await rollouts.listed(session, call.actor, call.query)
        shown = rows[: call.query.limit]
        items = [await _view(session, row) for row in shown]
    return Page[RolloutView](items=items, next=shown[-1].id if len(rows) > call.query.limit else None)


async def list_members(call: Call[None, MemberQuery]) -> Page[MemberView]:
    """List the gateways of a rollout, with what became of each."""
    async with call.read() as session:
        row = await rollouts.of_id(session, call.actor, call.path["rollout"])
        found = await rollouts.members(session, row.id, call.query, call.query.state)
        return page(found, MemberView, call.query, "gateway_id")


_ROLLOUT = "/rollouts/{rollout}"
_ERRORS = (Conflict, NotFound)
ROUTES = [
    Route(
        "POST", "/rollouts", ask, "rollouts:write", RolloutView,
        request=NewRollout, errors=(Conflict, Forbidden, NotFound, Refused), status=201, tag="updates",
    ),
    Route("GET", "/rollouts", list_rollouts, "rollouts:read", Page[RolloutView], query=PageQuery, tag="updates"),
    Route("GET", _ROLLOUT, one, "rollouts:read", RolloutView, errors=(NotFound,), tag="updates"),
    Route(
        "GET", _ROLLOUT + "/gateways", list_members, "rollouts:read", Page[MemberView],
        query=MemberQuery, errors=(NotFound,), tag="updates",
    ),
    Route(
        "POST", _ROLLOUT + "/approve", approve, "rollouts:approve", RolloutView,
        errors=(*_ERRORS, Forbidden), tag="updates",
    ),
    Route("POST", _ROLLOUT + "/decline", decline, "rollouts:approve", RolloutView, errors=_ERRORS, tag="updates"),
    Route("POST", _ROLLOUT + "/pause", pause, "rollouts:write", RolloutView, errors=_ERRORS, tag="updates"),
    Route("POST", _ROLLOUT + "/resume", resume, "rollouts:write", RolloutView, errors=_ERRORS, tag="updates"),
    Route("POST", _ROLLOUT + "/cancel", cancel, "rollouts:write", RolloutView, errors=_ERRORS, tag="updates"),
]  # fmt: skip
