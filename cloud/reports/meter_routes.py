"""The API of what ledgers moved: a meter's account day by day, and bulk meters against the meters behind them."""

import datetime
from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from cloud.api.fields import CivilDate, UtilityId, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused
from cloud.meters.service import meter_of
from cloud.reports import meter_days
from cloud.reports.consumption import MONEY
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.reports.meter_days import Behind, DayOfMeter
from cloud.reports.sheet import Cell, Column, Sheet, day_text
from cloud.reports.zone import zone_data_of

_EPOCH = datetime.date(1970, 1, 1)
DAYS_MAX = 366


class SpanQuery(FormatQuery):
    """From the first to the last day, both included; at most 366 days."""

    first: CivilDate
    last: CivilDate

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if not 0 <= self.day_of(self.last) - self.day_of(self.first) < DAYS_MAX:
            raise ValueError(f"last is not before first, and at most {DAYS_MAX} days are asked for at once")
        return self

    @staticmethod
    def day_of(text: str) -> int:
        """The number of a civil day."""
        return (datetime.date.fromisoformat(text) - _EPOCH).days

    @property
    def days(self) -> tuple[int, int]:
        """The numbers of both days."""
        return self.day_of(self.first), self.day_of(self.last)


class BulkQuery(SpanQuery):
    """Which time of which utility."""

    utility_id: UtilityId


class MeterDayView(View):
    """What moved a meter's account on a day. `unit`: ml, mwh, or cur for 1/100000 of the currency.

    closing = opening + token + granted + carried + unexplained - consumed - fixed - cleared. `volume_ml` flowed,
    nobody paid for `free_ml` of it.
    """

    day: CivilDate
    unit: str
    opening: int
    token: int
    granted: int
    carried: int
    unexplained: int
    consumed: int
    fixed: int
    cleared: int
    closing: int
    volume_ml: int
    free_ml: int

    @classmethod
    def of(cls, one: DayOfMeter) -> "MeterDayView":
        """Make the view of a day."""
        named = {name: getattr(one.row, name) for name in cls.model_fields if hasattr(one.row, name)}
        return cls(**{**named, "day": day_text(one.row.day)}, opening=one.opening, closing=one.closing)


class MeterDaysView(View):
    """Days by rising date; one on which nothing moved is left out."""

    items: list[MeterDayView]


class BehindView(View):
    """What a gateway's bulk meters of a commodity counted, and the meters behind them, in ml or mWh."""

    gateway_id: int
    commodity: str
    bulk_ml: int
    behind_ml: int
    missing_ml: int


class BulkView(View):
    """Each gateway with a bulk meter."""

    items: list[BehindView]


async def days(call: Call[None, SpanQuery]) -> MeterDaysView | FileAnswer:
    """Show what moved a meter's account day by day, as its ledger says."""
    query = call.query
    async with call.read() as session:
        meter = await meter_of(session, call.actor, call.path["drn"])
        found = await meter_days.days_of(session, meter, *query.days)
        zone = await zone_data_of(session, meter.utility_id)
    views = [MeterDayView.of(one) for one in found]
    if query.format == "json":
        return MeterDaysView(items=views)
    names = [name for name in MeterDayView.model_fields if name not in ("day", "unit")]
    columns = [Column("Day", "day"), Column("Unit"), *(Column(name.replace("_", " "), "count") for name in names)]
    rows: list[list[Cell]] = [
        [one.row.day, one.row.unit, *(getattr(view, name) for name in names)]
        for one, view in zip(found, views, strict=True)
    ]
    notes = (f"{MONEY}: 1/100000 of the currency", "what is free flowed, and nobody paid for it")
    sheet = Sheet("Account of a meter", columns, rows, facts=(("Meter", meter.drn),), notes=notes, zone=zone)
    return await sheet_file(sheet, query.format, f"meter-{meter.drn}-{query.first}")


async def bulk(call: Call[None, BulkQuery]) -> BulkView | FileAnswer:
    """Compare bulk meters with the meters behind them."""
    query = call.query
    call.actor.require_utility(query.utility_id)
    async with call.read() as session:
        found = await meter_days.behind_bulk(session, query.utility_id, *query.days)
    if query.format == "json":
        return BulkView(items=[BehindView.model_validate(one) for one in found])
    return await sheet_file(_bulk_sheet(found, query), query.format, f"bulk-{query.utility_id}-{query.first}")


def _bulk_sheet(found: Sequence[Behind], query: BulkQuery) -> Sheet:
    columns = (
        Column("Gateway", "count"),
        Column("Commodity"),
        Column("Bulk meters (ml, mWh)", "count"),
        Column("Meters behind", "count"),
        Column("Missing", "count"),
    )
    rows: list[list[Cell]] = [
        [one.gateway_id, one.commodity, one.bulk_ml, one.behind_ml, one.missing_ml] for one in found
    ]
    return Sheet("Bulk meters", columns, rows, facts=(("From", query.first), ("To", query.last)))


ROUTES = [
    Route(
        "GET", "/meters/{drn}/days", days, "meters:read", MeterDaysView,
        query=SpanQuery, files=SHEET_FILES, errors=(NotFound, Refused), tag="meters",
    ),
    Route(
        "GET", "/reports/bulk", bulk, "reconciliation:read", BulkView,
        query=BulkQuery, files=SHEET_FILES, errors=(NotFound, Refused), tag="reconciliation",
    ),
]  # fmt: skip
