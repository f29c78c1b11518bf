"""The API of hourly readings."""

from pydantic import Field

from cloud.api.fields import Query, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused
from cloud.readings import service
from cloud.readings.rules import VERIFIED
from shared.readings import HOUR_S

SPAN_MAX_S = 62 * 86400
_TIME_S_MAX = 1 << 40


class ReadingsQuery(Query):
    """Which hours are asked for: those that begin at `from` or later and before `to`, in seconds of UTC."""

    from_s: int = Field(alias="from", ge=0, le=_TIME_S_MAX)
    to_s: int = Field(alias="to", ge=0, le=_TIME_S_MAX, description="At most 62 days after `from`")


class HourView(View):
    """What a meter counted from `at` on for one hour. `verified`: the signed ledger names the record it came in.

    `time_quality` is that of the gateway's clock: 0 unknown, 1 drifting, 2 trusted.
    """

    at: int
    volume_ml: int
    verified: bool
    time_quality: int


class ReadingsView(View):
    """Hours by rising time; one that is missing is not known (yet)."""

    items: list[HourView]


async def list_readings(call: Call[None, ReadingsQuery]) -> ReadingsView:
    """List what a meter counted hour by hour."""
    from_s, to_s = call.query.from_s, call.query.to_s
    if to_s - from_s > SPAN_MAX_S:
        raise Refused("span_too_long", f"Ask for at most {SPAN_MAX_S} seconds (62 days) at once.")
    async with call.read() as session:
        rows = await service.hours_of(session, call.actor, call.path["drn"], from_s, to_s)
    items = [
        HourView(
            at=row.hour * HOUR_S,
            volume_ml=row.volume_ml,
            verified=row.proof == VERIFIED,
            time_quality=row.time_quality,
        )
        for row in rows
    ]
    return ReadingsView(items=items)


ROUTES = [
    Route(
        "GET",
        "/meters/{drn}/readings",
        list_readings,
        "meters:read",
        ReadingsView,
        query=ReadingsQuery,
        errors=(NotFound, Refused),
        tag="meters",
    ),
]
