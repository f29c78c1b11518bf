"""The API of policies and floors: what gateways may do to supply, as documents that are signed once."""

import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, Page, PageQuery, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.meters import floors, policies, policy_fields
from cloud.meters.models import FloorDocument, PolicyDocument
from cloud.meters.policy_fields import Written
from shared.policy import FLOOR_FIELDS, decode_floor, decode_policy

_DAY_MIN = 1440
_FIELDS_MAX = 200
_NUMBER_MAX = (1 << 48) - 1
_ROWS_MAX = 51  # a field of a policy has at most 255 bytes
_HOLIDAYS_MAX = 127
_SIGNED_HEX_MAX = 2 * 4096

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]


class ClockChange(Body):
    """When the clocks change, by the local time before: `week` 5 is the last, `weekday` 0 Monday."""

    month: int = Field(ge=1, le=12)
    week: int = Field(ge=1, le=5)
    weekday: int = Field(ge=0, le=6)
    minute: int = Field(ge=0, le=10020)


class Zone(Body):
    """Local time: minutes east of UTC, and daylight saving time where there is one."""

    offset_min: int = Field(ge=-_DAY_MIN, le=_DAY_MIN)
    dst_min: int = Field(0, ge=0, le=255)
    begins: ClockChange | None = None
    ends: ClockChange | None = None


class WindowView(Body):
    """Minutes of these days, the last excluded; an end that is not after the start is of the next day."""

    days: list[DayName] = Field(min_length=1, max_length=8)
    from_min: int = Field(ge=0, le=_DAY_MIN)
    to_min: int = Field(ge=0, le=_DAY_MIN)


class Alias(Body):
    """What customers may type, and the query that it stands for."""

    code: int = Field(ge=0, le=255)
    typed: Annotated[str, StringConstraints(pattern=r"^#?[0-9]{1,19}#?$")]


class NewPolicy(Body):
    """A policy of a meter group. `fields` are numbers by name; what is left out is at its default."""

    utility_id: UtilityId
    meter_group: int = Field(ge=0, le=0xFFFF)
    fields: dict[str, Annotated[int, Field(ge=0, le=_NUMBER_MAX)]] = Field(max_length=_FIELDS_MAX)
    zone: Zone | None = None
    friendly_windows: list[WindowView] = Field([], max_length=_ROWS_MAX)
    closing_windows: list[WindowView] = Field([], max_length=_ROWS_MAX)
    holidays: list[Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]] = Field(
        [], max_length=_HOLIDAYS_MAX
    )
    aliases: list[Alias] = Field([], max_length=_ROWS_MAX)


class PolicyView(View):
    """A policy as it was signed; `fields` has every number, `document` what is signed, in hex."""

    id: int
    utility_id: int
    meter_group: int
    version: int
    check_value: int
    fields: dict[str, int]
    friendly_windows: list[WindowView]
    closing_windows: list[WindowView]
    holidays: list[str]
    document: str
    signature: str
    created_at: int

    @classmethod
    def of(cls, row: PolicyDocument) -> "PolicyView":
        """Make the view of a row."""
        policy = decode_policy(row.document)
        return cls(
            id=row.id,
            utility_id=row.utility_id,
            meter_group=row.meter_group,
            version=row.version,
            check_value=row.check_value,
            fields=policy_fields.numbers(policy),
            friendly_windows=_shown(policy.friendly_windows),
            closing_windows=_shown(policy.closing_windows),
            holidays=[day.isoformat() for day in policy_fields.holidays(policy.holidays)],
            document=row.document.hex(),
            signature=row.signature.hex(),
            created_at=row.created_at,
        )


def _shown(data: bytes) -> list[WindowView]:
    rows = policy_fields.windows(data)
    return [
        WindowView.model_validate({"days": list(one.days), "from_min": one.from_min, "to_min": one.to_min})
        for one in rows
    ]


class SignedFloor(Body):
    """A floor with its signature by the utility's floor key, in hex: the PSflr001 document, then 64 bytes."""

    signed: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$", max_length=_SIGNED_HEX_MAX)]


class FloorView(View):
    """A floor as it was signed."""

    id: int
    utility_id: int
    version: int
    check_value: int
    fields: dict[str, int]
    document: str
    signature: str
    created_at: int

    @classmethod
    def of(cls, row: FloorDocument) -> "FloorView":
        """Make the view of a row."""
        floor = decode_floor(row.document)
        return cls(
            id=row.id,
            utility_id=row.utility_id,
            version=row.version,
            check_value=row.check_value,
            fields={name: getattr(floor, name) for _, name, _, _ in FLOOR_FIELDS},
            document=row.document.hex(),
            signature=row.signature.hex(),
            created_at=row.created_at,
        )


def _written(body: NewPolicy) -> Written:
    return Written(
        numbers=body.fields,
        zone=_zone(body.zone),
        friendly_windows=_windows(body.friendly_windows),
        closing_windows=_windows(body.closing_windows),
        holidays=tuple(_date(text) for text in body.holidays),
        aliases=tuple((one.code, one.typed) for one in body.aliases),
    )


def _zone(zone: Zone | None) -> policy_fields.ZoneRule | None:
    if zone is None:
        return None
    if (zone.begins is None) != (zone.ends is None) or (zone.begins is None) != (zone.dst_min == 0):
        raise Refused("policy_wrong", "zone: daylight saving time needs dst_min, begins and ends together.")
    return policy_fields.ZoneRule(zone.offset_min, zone.dst_min, _change(zone.begins), _change(zone.ends))


def _change(change: ClockChange | None) -> policy_fields.Change | None:
    return None if change is None else policy_fields.Change(**change.model_dump())


def _windows(rows: list[WindowView]) -> tuple[policy_fields.Window, ...]:
    return tuple(policy_fields.Window(tuple(row.days), row.from_min, row.to_min) for row in rows)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise Refused("policy_wrong", f"holidays: there is no day {text}.") from None


async def add_policy(call: Call[NewPolicy, None]) -> PolicyView:
    """Sign the next policy of a meter group; group 0 is for all meters whose group has none of its own."""
    body = call.body
    values = policy_fields.values(_written(body))
    async with call.begin() as session:
        row = await policies.add(
            session, call.key_store, call.actor, body.utility_id, body.meter_group, values, call.now
        )
        return PolicyView.of(row)


async def list_policies(call: Call[None, PageQuery]) -> Page[PolicyView]:
    """List policies."""
    async with call.read() as session:
        rows = await policies.listed(session, call.actor, call.query)
    shown = rows[: call.query.limit]
    following = shown[-1].id if len(rows) > len(shown) else None
    return Page[PolicyView](items=[PolicyView.of(row) for row in shown], next=following)


async def add_floor(call: Call[SignedFloor, None]) -> FloorView:
    """Keep a floor that was signed where its key lies."""
    async with call.begin() as session:
        return FloorView.of(await floors.add(session, call.actor, bytes.fromhex(call.body.signed), call.now))


async def list_floors(call: Call[None, PageQuery]) -> Page[FloorView]:
    """List floors."""
    async with call.read() as session:
        rows = await floors.listed(session, call.actor, call.query)
    shown = rows[: call.query.limit]
    following = shown[-1].id if len(rows) > len(shown) else None
    return Page[FloorView](items=[FloorView.of(row) for row in shown], next=following)


ROUTES = [
    Route(
        "POST", "/policies", add_policy, "policies:write", PolicyView,
        request=NewPolicy, errors=(Conflict, NotFound, Refused, Unavailable), status=201, tag="policies",
    ),
    Route("GET", "/policies", list_policies, "policies:read", Page[PolicyView], query=PageQuery, tag="policies"),
    Route(
        "POST", "/floors", add_floor, "policies:write", FloorView,
        request=SignedFloor, errors=(Conflict, NotFound, Refused), status=201, tag="policies",
    ),
    Route("GET", "/floors", list_floors, "policies:read", Page[FloorView], query=PageQuery, tag="policies"),
]  # fmt: skip
