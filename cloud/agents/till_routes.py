"""The API of cashiers' tills: a shift is opened and closed by a count, and another person settles a difference."""

from pydantic import Field

from cloud.agents import outside, tills
from cloud.agents.models import TillShift
from cloud.agents.tills import Till
from cloud.api.fields import Body, CivilDate, Currency, MoneyMinor, Page, PageQuery, Query, SomeMinor, UtilityId, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.billing.fields import day_number
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.meters.models import Utility
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.reports.sheet import Column, Sheet, day_text
from cloud.reports.zone import zone_data_of, zone_of
from cloud.rows import page


class NewShift(Body):
    """A shift that begins now, with what lies in the till."""

    utility_id: UtilityId
    currency: Currency
    opening_minor: MoneyMinor


class Count(Body):
    """What was counted at the end; `note` is needed where it differs from what should be there."""

    counted_minor: MoneyMinor
    note: str = Field("", max_length=300)


class Settlement(Body):
    """What was found out about a difference."""

    reason: str = Field(min_length=1, max_length=300)


class Handover(Body):
    """Cash that leaves a till, and the number of the slip that both have signed."""

    amount_minor: SomeMinor
    reference: str = Field(min_length=1, max_length=100)


class ShiftView(View):
    """A shift. `difference_minor` is counted less expected; one that is not zero waits until `settled_at`."""

    id: int
    utility_id: int
    person_id: int
    currency: str
    opening_minor: int
    opened_at: int
    counted_minor: int | None
    difference_minor: int | None
    note: str | None
    closed_at: int | None
    settled_by: int | None
    settled_at: int | None


class MovedView(View):
    """What came into the till and went out of it by entries of one kind."""

    kind: str
    count: int
    taken_minor: int
    given_minor: int


class TillView(View):
    """A shift with its cash, by the books: `expected_minor` is the opening count and what moved since."""

    shift: ShiftView
    moved: list[MovedView]
    expected_minor: int

    @classmethod
    def of(cls, till: Till) -> "TillView":
        """Make the view of a shift."""
        moved = [MovedView.model_validate(one) for one in till.moved]
        return cls(shift=ShiftView.model_validate(till.shift), moved=moved, expected_minor=till.expected_minor)


class OutsideQuery(Query):
    """A civil day of the utility; without it the present one."""

    date: CivilDate | None = None


class CashView(View):
    """Cash that somebody moved outside a shift, by currency and kind of entry."""

    actor: str
    currency: str
    kind: str
    count: int
    taken_minor: int
    given_minor: int


class OutsideView(View):
    """A day's cash that no count of a till shows, since no shift was open."""

    utility_id: int
    date: CivilDate
    moved: list[CashView]


async def open_shift(call: Call[NewShift, None]) -> TillView:
    """Begin a shift at the till with a count."""
    shift = TillShift(**call.body.model_dump(), opened_at=call.now, handovers=0)
    async with call.begin() as session:
        return TillView.of(await tills.open_shift(session, call.actor, shift))


async def close(call: Call[Count, None]) -> TillView:
    """End one's own shift with a count."""
    async with call.begin() as session:
        arguments = (call.path["shift"], call.body.counted_minor, call.body.note, call.now)
        return TillView.of(await tills.close(session, call.actor, *arguments))


async def settle(call: Call[Settlement, None]) -> TillView:
    """Put the difference of another person's shift into the books."""
    async with call.begin() as session:
        return TillView.of(await tills.settle(session, call.actor, call.path["shift"], call.body.reason, call.now))


async def hand_over(call: Call[Handover, None]) -> TillView:
    """Take cash out of the till of another person, into the safe."""
    body = call.body
    async with call.begin() as session:
        arguments = (call.path["shift"], body.amount_minor, body.reference, call.now)
        return TillView.of(await tills.hand_over(session, call.actor, *arguments))


async def listed(call: Call[None, PageQuery]) -> Page[ShiftView]:
    """List shifts: with tills:read of everybody, with tills:write the own."""
    async with call.read() as session:
        return page(await tills.listed(session, call.actor, call.query), ShiftView, call.query)


async def one(call: Call[None, FormatQuery]) -> TillView | FileAnswer:
    """Give a shift with what the till should have: the cashier's day-end report."""
    async with call.read() as session:
        till = await tills.of_id(session, call.actor, call.path["shift"])
        zone = await zone_data_of(session, till.shift.utility_id)
    if call.query.format == "json":
        return TillView.of(till)
    return await sheet_file(_sheet(till, zone, call.now), call.query.format, f"shift-{till.shift.id}")


async def outside_shifts(call: Call[None, OutsideQuery]) -> OutsideView:
    """Show who moved cash on a day while no shift of theirs was open."""
    date, number = call.query.date, call.path["utility"]
    async with call.read() as session:
        if not call.actor.may_see(number) or await session.get(Utility, number) is None:
            raise NotFound("utility_unknown", f"There is no utility {number}.")
        zone = await zone_of(session, number)
        day = zone.local(call.now)[0] if date is None else day_number(date)
        found = await outside.of_time(session, number, zone.instant(day, 0), zone.instant(day + 1, 0))
    moved = [CashView.model_validate(one) for one in found]
    return OutsideView(utility_id=number, date=day_text(day), moved=moved)


def _sheet(till: Till, zone: bytes, now: int) -> Sheet:
    shift = till.shift
    money = {name: Column(name, "money", shift.currency) for name in ("Taken", "Given", "Balance")}
    rows: list[tuple[str, int | None, int | None, int | None, int | None]]
    rows = [("Opening count", None, None, None, shift.opening_minor)]
    rows += [(one.kind, one.count, one.taken_minor, one.given_minor, None) for one in till.moved]
    rows.append(("Expected", None, None, None, till.expected_minor))
    rows.append(("Counted", None, None, None, shift.counted_minor))
    return Sheet(
        title=f"Shift {shift.id}",
        columns=(Column("Movement"), Column("Entries", "count"), *money.values()),
        rows=rows,
        totals=("Difference", None, None, None, shift.difference_minor),
        facts=(("Person", str(shift.person_id)), ("Note", shift.note or "")),
        zone=zone,
        made_at=now,
    )


_CHANGES = (Conflict, Forbidden, NotFound, Refused)
ROUTES = [
    Route(
        "POST", "/shifts", open_shift, "tills:write", TillView,
        request=NewShift, errors=_CHANGES, status=201, tag="tills",
    ),
    Route(
        "GET", "/shifts", listed, None, Page[ShiftView],
        query=PageQuery, errors=(Forbidden,), signed_in=True, tag="tills",
    ),
    Route(
        "GET", "/shifts/{shift}", one, None, TillView,
        query=FormatQuery, errors=(Forbidden, NotFound, Refused), files=SHEET_FILES, signed_in=True, tag="tills",
    ),
    Route(
        "GET", "/utilities/{utility}/cash-outside-shifts", outside_shifts, "tills:read", OutsideView,
        query=OutsideQuery, errors=(NotFound,), tag="tills",
    ),
    Route(
        "POST", "/shifts/{shift}/close", close, "tills:write", TillView, request=Count, errors=_CHANGES, tag="tills",
    ),
    Route(
        "POST", "/shifts/{shift}/handovers", hand_over, "tills:approve", TillView,
        request=Handover, errors=_CHANGES, status=201, tag="tills",
    ),
    Route(
        "POST", "/shifts/{shift}/settle", settle, "tills:approve", TillView,
        request=Settlement, errors=_CHANGES, tag="tills",
    ),
]  # fmt: skip
