"""The API of reconciliations: running a day, reading it as JSON or a file, and saying what became of a difference."""

import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints
from sqlalchemy import select

from cloud.api.fields import Body, CivilDate, Page, PageQuery, UtilityId, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import DATABASE
from cloud.meters.models import Utility
from cloud.reports import reconciliation, reconciliation_sheets
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.reports.models import Reconciliation, ReconciliationItem
from cloud.reports.reconciliation import Report
from cloud.reports.sheet import day_text
from cloud.reports.zone import zone_data_of
from cloud.rows import of_actor, rows_after

Note = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_EPOCH = datetime.date(1970, 1, 1)
_DAY_S = 86_400


class NewReconciliation(Body):
    """Which day of which utility; without a day the last one that is over."""

    utility_id: UtilityId
    day: CivilDate | None = None


class Settling(Body):
    """What became of a difference."""

    note: Note


class ItemQuery(PageQuery):
    """Which differences are asked for."""

    state: Literal["open", "settled", "ended"] | None = None


class ExplainedView(View):
    """A part of a difference that is as it should be."""

    what: str
    amount: int


class SumView(View):
    """Two sums that are compared, in `unit`: a currency (minor units), ml, mwh, or cur (1/100000 of the currency).

    difference = explained + listed + unexplained.
    """

    section: str
    name: str
    unit: str
    left: int
    right: int
    difference: int
    explained: list[ExplainedView]
    listed: int
    unexplained: int


class ItemView(View):
    """A difference that is listed, with its subject. `open` until a person settles it, `ended` once it is gone."""

    id: int
    utility_id: int
    section: str
    code: str
    subject: str
    unit: str
    amount: int
    since: int
    age_days: int
    detail: str
    state: Literal["open", "settled", "ended"]
    first_day: CivilDate
    last_day: CivilDate
    settled_by: str | None
    settled_at: int | None
    note: str | None

    @classmethod
    def of(cls, row: ReconciliationItem, now: int) -> "ItemView":
        """Make the view of a difference."""
        named = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        named |= {"first_day": day_text(row.first_day), "last_day": day_text(row.last_day)}
        return cls(**named, age_days=max(0, now - row.since) // _DAY_S)


class RunView(View):
    """A day that was reconciled. `holds`: nothing is unexplained; what differs is explained, or listed."""

    id: int
    utility_id: int
    day: CivilDate
    holds: bool
    runs: int
    ran_at: int
    actor: str

    @classmethod
    def of(cls, row: Reconciliation) -> "RunView":
        """Make the view of a run."""
        named = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**named, "day": day_text(row.day)})


class ReportView(RunView):
    """A day that was reconciled, with all its sums and the differences that stood then."""

    sums: list[SumView]
    items: list[ItemView]

    @classmethod
    def of_report(cls, report: Report, now: int) -> "ReportView":
        """Make the view of a run with what it listed."""
        sums = [SumView.model_validate(line) for line in report.run.lines]
        items = [ItemView.of(item, now) for item in report.items]
        return cls(**RunView.of(report.run).model_dump(), sums=sums, items=items)


async def run(call: Call[NewReconciliation, None]) -> ReportView:
    """Reconcile a day; a day may be run again, until a later one was."""
    body = call.body
    call.actor.require_utility(body.utility_id)
    number = None if body.day is None else (datetime.date.fromisoformat(body.day) - _EPOCH).days
    report = await reconciliation.run(call.app[DATABASE], call.actor, body.utility_id, number, call.now)
    return ReportView.of_report(report, call.now)


async def listed(call: Call[None, PageQuery]) -> Page[RunView]:
    """List the days that were reconciled."""
    async with call.read() as session:
        mine = of_actor(select(Reconciliation), call.actor, Reconciliation.utility_id)
        rows = await rows_after(session, mine, Reconciliation.id, call.query)
    shown = rows[: call.query.limit]
    return Page[RunView](
        items=[RunView.of(row) for row in shown], next=shown[-1].id if len(rows) > len(shown) else None
    )


async def show(call: Call[None, FormatQuery]) -> ReportView | FileAnswer:
    """Give one day's reconciliation: sums and differences."""
    async with call.read() as session:
        report = await reconciliation.report(session, call.actor, call.path["reconciliation"])
        if call.query.format == "json":
            return ReportView.of_report(report, call.now)
        utility = await session.get_one(Utility, report.run.utility_id)
        zone = await zone_data_of(session, utility.id)
    sheets = reconciliation_sheets.sheets(report, utility.name, zone)
    return await sheet_file(sheets, call.query.format, f"reconciliation-{utility.id}-{day_text(report.run.day)}")


async def items(call: Call[None, ItemQuery]) -> Page[ItemView]:
    """List differences of all days."""
    query = call.query
    async with call.read() as session:
        mine = of_actor(select(ReconciliationItem), call.actor, ReconciliationItem.utility_id)
        if query.state is not None:
            mine = mine.where(ReconciliationItem.state == query.state)
        rows = await rows_after(session, mine, ReconciliationItem.id, query)
    shown = rows[: query.limit]
    return Page[ItemView](
        items=[ItemView.of(row, call.now) for row in shown], next=shown[-1].id if len(rows) > len(shown) else None
    )


async def settle(call: Call[Settling, None]) -> ItemView:
    """Say what became of a difference; it opens again if its amount changes."""
    async with call.begin() as session:
        row = await reconciliation.settle(
            session, call.actor, call.path["reconciliation_item"], call.body.note, call.now
        )
        return ItemView.of(row, call.now)


_BAD = (NotFound, Refused, Conflict)
ROUTES = [
    Route(
        "POST", "/reconciliations", run, "reconciliation:write", ReportView,
        request=NewReconciliation, errors=(*_BAD, Forbidden), tag="reconciliation",
    ),
    Route(
        "GET", "/reconciliations", listed, "reconciliation:read", Page[RunView],
        query=PageQuery, tag="reconciliation",
    ),
    Route(
        "GET", "/reconciliations/{reconciliation}", show, "reconciliation:read", ReportView,
        query=FormatQuery, files=SHEET_FILES, errors=(NotFound, Refused), tag="reconciliation",
    ),
    Route(
        "GET", "/reconciliation-items", items, "reconciliation:read", Page[ItemView],
        query=ItemQuery, tag="reconciliation",
    ),
    Route(
        "POST", "/reconciliation-items/{reconciliation_item}/settle", settle, "reconciliation:write", ItemView,
        request=Settling, errors=(NotFound, Conflict, Forbidden), tag="reconciliation",
    ),
]  # fmt: skip
