"""The API of billing policies, bill runs, and switches between prepayment and bills; each takes two people."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, CivilDate, MoneyMinor, Page, PageQuery, RowId, UtilityId, View
from cloud.api.route import Call, Route
from cloud.billing import policies, runs, switching
from cloud.billing.fields import Day, Reason, day_number
from cloud.billing.policies import NewPolicy
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import COMMANDS_WAITING
from cloud.rows import page

_DAYS_MAX = 366
_CYCLE_MAX = 99


class NewBillingPolicy(Body):
    """When bills fall due, and what follows, in days from the due day; leave a step out and it is never taken.

    `reminder_days` below 0 lie before the due day. Only sums of `floor_minor` and more limit supply.
    """

    utility_id: UtilityId
    due_days: int = Field(ge=0, le=_DAYS_MAX)
    reminder_days: list[int] = Field(default=[], max_length=10)
    trickle_days: int | None = Field(None, ge=1, le=_DAYS_MAX)
    disconnect_days: int | None = Field(None, ge=1, le=_DAYS_MAX)
    floor_minor: MoneyMinor = 0
    reason: Reason


class BillingPolicyView(View):
    """A billing policy; the approved one with the highest version is in force."""

    id: int
    utility_id: int
    version: int
    due_days: int
    reminder_days: list[int]
    trickle_days: int | None
    disconnect_days: int | None
    floor_minor: int
    reason: str
    state: str
    submitted_by: str
    created_at: int
    decided_by: str | None
    decided_at: int | None


class NewRun(Body):
    """The cycle that is billed, through the last day, which must be over."""

    utility_id: UtilityId
    cycle: int = Field(1, ge=1, le=_CYCLE_MAX)
    through: CivilDate


class Release(Body):
    """The hash of what was counted, as whoever releases it saw it in the run."""

    content_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RunView(View):
    """A run. `state`: counting, draft, releasing, released. What was counted: bills, meters that are left out, totals
    in minor units by currency, and the hash of all of it, which a release names.
    """

    id: int
    utility_id: int
    cycle: int
    through_day: Day
    state: str
    bills: int
    left_out: int
    totals: dict[str, int]
    content_sha256: str
    made_by: str
    made_at: int
    released_by: str | None
    released_at: int | None


class DraftView(View):
    """What a run found for a meter: a bill to be, or with `code` and `reason` why it is left out."""

    id: int
    meter_id: int
    code: str | None
    reason: str | None
    total_minor: int
    content: dict[str, Any] | None
    issued_at: int | None


class DraftsQuery(PageQuery):
    """Which are asked for: all, what is left out, or what is not."""

    omitted: bool | None = None


class NewSwitch(Body):
    """The mode that a meter is to have, the class that it then pays by, and the cycle of its bills."""

    payment: Literal["prepayment", "credit"]
    tariff_id: RowId
    cycle: int = Field(1, ge=1, le=_CYCLE_MAX)
    reason: Reason


class SwitchView(View):
    """A switch. `state`: waiting, ordered, settling, done, declined, failed; `note` says what it waits for.

    `credit_ml` was left at the meter, below 0 where it was owed, or `credit_money` of a meter that holds money, in
    1/100000 of the currency; `value_minor` is what was paid for it.
    """

    id: int
    utility_id: int
    meter_id: int
    payment: str
    tariff_id: int
    cycle: int
    reason: str
    state: str
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None
    command_id: int | None
    credit_ml: int
    credit_money: int
    value_minor: int
    note: str | None
    finished_at: int | None


async def submit_policy(call: Call[NewBillingPolicy, None]) -> BillingPolicyView:
    """Submit a billing policy for another person to approve."""
    fields = call.body.model_dump()
    wanted = NewPolicy(**{**fields, "reminder_days": tuple(fields["reminder_days"])})
    async with call.begin() as session:
        return BillingPolicyView.model_validate(await policies.submit(session, call.actor, wanted, call.now))


async def approve_policy(call: Call[None, None]) -> BillingPolicyView:
    """Approve a billing policy of somebody else; it is in force at once."""
    return await _decided(call, approved=True)


async def decline_policy(call: Call[None, None]) -> BillingPolicyView:
    """Decline a billing policy."""
    return await _decided(call, approved=False)


async def _decided(call: Call[None, None], *, approved: bool) -> BillingPolicyView:
    async with call.begin() as session:
        row = await policies.decide(session, call.actor, call.path["billing_policy"], approved, call.now)
        return BillingPolicyView.model_validate(row)


async def list_policies(call: Call[None, PageQuery]) -> Page[BillingPolicyView]:
    """List billing policies."""
    async with call.read() as session:
        return page(await policies.listed(session, call.actor, call.query), BillingPolicyView, call.query)


async def begin_run(call: Call[NewRun, None]) -> RunView:
    """Begin the run of a cycle through a day; the same again shows the first."""
    body = call.body
    async with call.begin() as session:
        through = day_number(body.through)
        run = await runs.begin(session, call.actor, body.utility_id, body.cycle, through, call.now)
        return RunView.model_validate(run)


async def recount(call: Call[None, None]) -> RunView:
    """Count again what is not issued yet."""
    async with call.begin() as session:
        return RunView.model_validate(await runs.recount(session, call.actor, call.path["bill_run"], call.now))


async def release(call: Call[Release, None]) -> RunView:
    """Release the drafts that somebody else had counted, naming what was seen: each becomes a bill."""
    seen = call.body.content_sha256
    async with call.begin() as session:
        return RunView.model_validate(await runs.release(session, call.actor, call.path["bill_run"], seen, call.now))


async def list_runs(call: Call[None, PageQuery]) -> Page[RunView]:
    """List bill runs."""
    async with call.read() as session:
        return page(await runs.listed(session, call.actor, call.query), RunView, call.query)


async def one_run(call: Call[None, None]) -> RunView:
    """Show a bill run."""
    async with call.read() as session:
        return RunView.model_validate(await runs.of_id(session, call.actor, call.path["bill_run"]))


async def drafts(call: Call[None, DraftsQuery]) -> Page[DraftView]:
    """List what a run found: bills to be, and what is left out with the reason."""
    async with call.read() as session:
        rows = await runs.drafts(session, call.actor, call.path["bill_run"], call.query.omitted, call.query)
        return page(rows, DraftView, call.query)


async def ask_switch(call: Call[NewSwitch, None]) -> SwitchView:
    """Ask for a meter to be billed afterwards, or to be prepaid."""
    wanted = switching.Wanted(**call.body.model_dump())
    async with call.begin() as session:
        return SwitchView.model_validate(await switching.ask(session, call.actor, call.path["drn"], wanted, call.now))


async def approve_switch(call: Call[None, None]) -> SwitchView:
    """Approve a switch that somebody else asked for; the meter is ordered to change."""
    async with call.begin() as session:
        row = await switching.approve(session, call.actor, call.path["mode_switch"], call.now)
        view = SwitchView.model_validate(row)
    call.app[COMMANDS_WAITING].set()
    return view


async def decline_switch(call: Call[None, None]) -> SwitchView:
    """Decline a switch."""
    async with call.begin() as session:
        row = await switching.decline(session, call.actor, call.path["mode_switch"], call.now)
        return SwitchView.model_validate(row)


async def list_switches(call: Call[None, PageQuery]) -> Page[SwitchView]:
    """List switches between prepayment and bills."""
    async with call.read() as session:
        return page(await switching.listed(session, call.actor, call.query), SwitchView, call.query)


_ERRORS = (Conflict, Forbidden, NotFound, Refused)
_POLICY, _RUN, _SWITCH = "/billing-policies", "/bill-runs", "/switches"
ROUTES = [
    Route(
        "POST", _POLICY, submit_policy, "billing:write", BillingPolicyView,
        request=NewBillingPolicy, errors=(NotFound, Refused), status=201, tag="billing",
    ),
    Route(
        "POST", _POLICY + "/{billing_policy}/approve", approve_policy, "billing:approve", BillingPolicyView,
        errors=_ERRORS, tag="billing",
    ),
    Route(
        "POST", _POLICY + "/{billing_policy}/decline", decline_policy, "billing:approve", BillingPolicyView,
        errors=_ERRORS, tag="billing",
    ),
    Route("GET", _POLICY, list_policies, "billing:read", Page[BillingPolicyView], query=PageQuery, tag="billing"),
    Route(
        "POST", _RUN, begin_run, "billing:write", RunView,
        request=NewRun, errors=(NotFound, Refused), status=201, tag="billing",
    ),
    Route("POST", _RUN + "/{bill_run}/recount", recount, "billing:write", RunView, errors=_ERRORS, tag="billing"),
    Route(
        "POST", _RUN + "/{bill_run}/release", release, "billing:approve", RunView,
        request=Release, errors=_ERRORS, tag="billing",
    ),
    Route("GET", _RUN, list_runs, "billing:read", Page[RunView], query=PageQuery, tag="billing"),
    Route("GET", _RUN + "/{bill_run}", one_run, "billing:read", RunView, errors=(NotFound,), tag="billing"),
    Route(
        "GET", _RUN + "/{bill_run}/drafts", drafts, "billing:read", Page[DraftView],
        query=DraftsQuery, errors=(NotFound,), tag="billing",
    ),
    Route(
        "POST", "/meters/{drn}/switches", ask_switch, "billing:write", SwitchView,
        request=NewSwitch, errors=_ERRORS, status=201, tag="billing",
    ),
    Route(
        "POST", _SWITCH + "/{mode_switch}/approve", approve_switch, "billing:approve", SwitchView,
        errors=_ERRORS, tag="billing",
    ),
    Route(
        "POST", _SWITCH + "/{mode_switch}/decline", decline_switch, "billing:approve", SwitchView,
        errors=_ERRORS, tag="billing",
    ),
    Route("GET", _SWITCH, list_switches, "billing:read", Page[SwitchView], query=PageQuery, tag="billing"),
]  # fmt: skip
