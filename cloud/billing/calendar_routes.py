"""The API of the calendar of bills: on which day each cycle is billed by itself, and which meters are in it."""

from pydantic import Field

from cloud.api.fields import Body, Page, PageQuery, UtilityId, View
from cloud.api.route import Call, Route
from cloud.billing import calendar
from cloud.billing.fields import Day
from cloud.billing.models import BillingCycle
from cloud.errors import NotFound, Refused
from cloud.rows import page

CYCLE_MAX = 99
_MONTH_DAY_MAX = 28


class NewCycle(Body):
    """A cycle and the day of each month on which its run begins; null for runs by hand only."""

    utility_id: UtilityId
    cycle: int = Field(1, ge=1, le=CYCLE_MAX)
    day: int | None = Field(ge=1, le=_MONTH_DAY_MAX)


class CycleView(View):
    """A cycle as it was set last; `from_day` is the first day that counts, `meters` how many are billed in it now."""

    id: int
    utility_id: int
    cycle: int
    day: int | None
    from_day: Day
    meters: int
    set_by: str
    set_at: int

    @classmethod
    def of(cls, row: BillingCycle, meters: int) -> "CycleView":
        """Make the view of a cycle and its meters."""
        names = [name for name in cls.model_fields if name != "meters"]
        return cls.model_validate({**{name: getattr(row, name) for name in names}, "meters": meters})


class CycleMeterView(View):
    """A meter of a cycle, and who is billed."""

    id: int
    drn: str
    customer_id: int | None


class MeterCycle(Body):
    """The cycle in which a meter is to be billed."""

    cycle: int = Field(ge=1, le=CYCLE_MAX)


class MeterCycleView(View):
    """In which cycle a meter is billed, to whom, and since when."""

    meter_id: int
    cycle: int
    customer_id: int
    from_day: Day


async def set_cycle(call: Call[NewCycle, None]) -> CycleView:
    """Say on which day of each month a cycle is billed by itself; the same cycle again replaces its day."""
    body = call.body
    async with call.begin() as session:
        row = await calendar.set_day(session, call.actor, body.utility_id, body.cycle, body.day, call.now)
        return CycleView.of(row, (await calendar.counts(session, [row]))[row.id])


async def listed(call: Call[None, PageQuery]) -> Page[CycleView]:
    """List the calendar of cycles, with how many meters are in each."""
    async with call.read() as session:
        rows = await calendar.listed(session, call.actor, call.query)
        counts = await calendar.counts(session, rows)
    shown = [CycleView.of(row, counts[row.id]) for row in rows[: call.query.limit]]
    return Page[CycleView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def members(call: Call[None, PageQuery]) -> Page[CycleMeterView]:
    """List the meters that are billed in a cycle now."""
    async with call.read() as session:
        rows = await calendar.members(session, call.actor, call.path["billing_cycle"], call.query)
        return page(rows, CycleMeterView, call.query)


async def move(call: Call[MeterCycle, None]) -> MeterCycleView:
    """Bill a meter in another cycle from now on."""
    async with call.begin() as session:
        span = await calendar.move(session, call.actor, call.path["drn"], call.body.cycle, call.now)
        return MeterCycleView.model_validate(span)


_CYCLES = "/billing-cycles"
ROUTES = [
    Route(
        "POST", _CYCLES, set_cycle, "billing:write", CycleView,
        request=NewCycle, errors=(NotFound,), status=201, tag="billing",
    ),
    Route("GET", _CYCLES, listed, "billing:read", Page[CycleView], query=PageQuery, tag="billing"),
    Route(
        "GET", _CYCLES + "/{billing_cycle}/meters", members, "billing:read", Page[CycleMeterView],
        query=PageQuery, errors=(NotFound,), tag="billing",
    ),
    Route(
        "PUT", "/meters/{drn}/billing-cycle", move, "billing:write", MeterCycleView,
        request=MeterCycle, errors=(NotFound, Refused), tag="billing",
    ),
]  # fmt: skip
