"""The API of what agents' floats did: the day-end report and statements, as JSON or as files."""

import datetime
from collections.abc import Sequence

from cloud.agents import service, statement
from cloud.agents.models import Agent
from cloud.agents.statement import FloatDay, Span
from cloud.api.fields import CivilDate, Page, PageQuery, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.reports.sheet import day_text
from cloud.reports.zone import zone_data_of
from shared.civil import Zone

_EPOCH = datetime.date(1970, 1, 1)


class DayQuery(FormatQuery):
    """A civil day of the utility; without it the present one."""

    date: CivilDate | None = None


class StatementQuery(PageQuery, FormatQuery):
    """From the first to the last day, both included. A file has all of them; pages are for JSON."""

    first: CivilDate
    last: CivilDate


class KindView(View):
    """Movements of one kind, and what the float gained by them; `vouchers` are batches that it paid for."""

    what: str
    count: int
    amount_minor: int


class FloatDayView(View):
    """A float's day: opening_minor + all movements = closing_minor. `holds`: the books agree with what it holds."""

    agent_id: int
    currency: str
    date: CivilDate
    opening_minor: int
    movements: list[KindView]
    closing_minor: int
    holds: bool


class LineView(View):
    """A posting to the float, above zero what it gained, and what it held then; `subject` names the purchase."""

    id: int
    at: int
    what: str
    subject: str
    reason: str
    actor: str
    amount_minor: int
    balance_minor: int


async def day(call: Call[None, DayQuery]) -> FloatDayView | FileAnswer:
    """Give the day-end report of an agent: opening, top-ups, sales, commission, closing."""
    async with call.read() as session:
        agent = await service.of_id(session, call.actor, call.path["agent"])
        zone = await zone_data_of(session, agent.utility_id)
        wanted = Zone(zone).local(call.now)[0] if call.query.date is None else _day(call.query.date)
        span = _span(zone, wanted, wanted)
        found = await statement.of_span(session, agent, span)
        if call.query.format == "json":
            return _view(found)
        shown = await statement.lines(session, agent, span)
    return await _file(call.query.format, agent, found, shown, zone, call.now)


async def of_time(call: Call[None, StatementQuery]) -> Page[LineView] | FileAnswer:
    """Give the statement of an agent's float: every movement with the balance after it."""
    query = call.query
    async with call.read() as session:
        agent = await service.of_id(session, call.actor, call.path["agent"])
        zone = await zone_data_of(session, agent.utility_id)
        span = _span(zone, _day(query.first), _day(query.last))
        if query.format == "json":
            rows = await statement.lines(session, agent, span, query.after, query.limit + 1)
            items = [LineView.model_validate(row) for row in rows[: query.limit]]
            return Page[LineView](items=items, next=items[-1].id if len(rows) > query.limit else None)
        found = await statement.of_span(session, agent, span)
        shown = await statement.lines(session, agent, span)
    return await _file(query.format, agent, found, shown, zone, call.now)


async def _file(
    format: str,  # noqa: A002
    agent: Agent,
    found: FloatDay,
    shown: Sequence[statement.Line],
    zone: bytes,
    now: int,
) -> FileAnswer:
    stem = f"agent-{agent.id}-{day_text(found.span.from_day)}"
    return await sheet_file(statement.sheets(found, shown, zone, now), format, stem)


def _view(found: FloatDay) -> FloatDayView:
    return FloatDayView(
        agent_id=found.agent.id,
        currency=found.agent.currency,
        date=day_text(found.span.from_day),
        opening_minor=found.opening_minor,
        movements=[KindView.model_validate(kind) for kind in found.kinds],
        closing_minor=found.closing_minor,
        holds=found.holds,
    )


def _day(date: str) -> int:
    return (datetime.date.fromisoformat(date) - _EPOCH).days


def _span(zone: bytes, first: int, last: int) -> Span:
    if last < first:
        raise Refused("days_wrong", "The last day lies before the first.")
    clock = Zone(zone)
    return Span(first, last + 1, clock.instant(first, 0), clock.instant(last + 1, 0))


ROUTES = [
    Route(
        "GET", "/agents/{agent}/day", day, "agents:read", FloatDayView,
        query=DayQuery, errors=(NotFound, Refused), files=SHEET_FILES, tag="agents",
    ),
    Route(
        "GET", "/agents/{agent}/statement", of_time, "agents:read", Page[LineView],
        query=StatementQuery, errors=(NotFound, Refused), files=SHEET_FILES, tag="agents",
    ),
]  # fmt: skip
