"""The API of the roll-over rehearsal."""

from typing import Literal

from pydantic import Field

from cloud.api.fields import Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.vending import roll_over
from cloud.vending.roll_over import Stopped

_AT_MAX = 4_102_444_800  # the year 2100


class RollOverQuery(PageQuery):
    """The time that is rehearsed, by default now."""

    at: int | None = Field(None, ge=0, le=_AT_MAX, description="Seconds since 1970")


class StoppedMeter(View):
    """A meter for which no token could be made at the time, or none that it would take.

    `reason`: base_date, its 24-bit identifiers are used up; key_expired, by KEN; default_key, KT 1 takes no credit.
    `since` is the first second of it, null if it was always so. `key_change_id` is the open key change of the meter.
    """

    meter_id: int
    drn: str
    sgc: str
    krn: int
    base_year: int
    ken: int
    reason: Literal["base_date", "key_expired", "default_key"]
    since: int | None
    key_change_id: int | None
    remedy: str

    @classmethod
    def of(cls, stopped: Stopped) -> "StoppedMeter":
        """Make the view of what the report found."""
        key = stopped.key
        return cls.model_validate(
            {
                "meter_id": stopped.meter.id,
                "drn": stopped.meter.drn,
                "sgc": key.sgc,
                "krn": key.krn,
                "base_year": key.base_year,
                "ken": key.ken,
                "reason": stopped.stop.reason,
                "since": stopped.stop.since_s,
                "key_change_id": stopped.change.id if stopped.change else None,
                "remedy": stopped.remedy,
            }
        )


async def rehearse(call: Call[None, RollOverQuery]) -> Page[StoppedMeter]:
    """List the meters that would take no new token at a time, why, and what helps."""
    at = call.now if call.query.at is None else call.query.at
    async with call.read() as session:
        found, following = await roll_over.report(session, call.actor, at, call.query)
    return Page[StoppedMeter](items=[StoppedMeter.of(one) for one in found], next=following)


ROUTES = [
    Route(
        "GET",
        "/reports/roll-over",
        rehearse,
        "key-changes:read",
        Page[StoppedMeter],
        query=RollOverQuery,
        tag="key changes",
    ),
]
