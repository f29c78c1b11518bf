"""The API of key changes: plan for meters or for a supply group, list, cancel."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PAGE_LIMIT_MAX, Body, Drn, Page, PageQuery, Sgc, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.meters import service as meters
from cloud.vending import key_change
from cloud.vending.models import KeyChange


class NewKey(Body):
    """The key to change to: one that POST /vending-keys made. Without `ti` each meter keeps its tariff index."""

    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    kt: Literal[1, 2] = 2
    ti: int | None = Field(None, ge=0, le=99)


class NewKeyChange(Body):
    """A key change of one meter."""

    drn: Drn
    to: NewKey


class NewGroupKeyChange(Body):
    """A key change of the meters under a supply group and key revision, `limit` at a time, meter ids above `after`."""

    utility_id: UtilityId
    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    to: NewKey
    after: int = Field(0, ge=0)
    limit: int = Field(PAGE_LIMIT_MAX, ge=1, le=PAGE_LIMIT_MAX)


class KeyChangeView(View):
    """A key change. `roll_over` is set exactly when the base date changes; a check value names a key, no more.

    `state`: planned; issued when the section tokens went out with a purchase; applied when the meter's ledger showed
    the new key; or cancelled.
    """

    id: int
    drn: str
    old_vending_key_id: int
    old_ti: int
    old_key_check: int
    new_vending_key_id: int
    new_ti: int
    new_key_check: int
    roll_over: bool
    state: str
    planned_at: int
    issued_at: int | None
    applied_at: int | None
    cancelled_at: int | None


class RefusedMeter(View):
    """A meter of a group that was not planned, and why."""

    drn: str
    code: str
    message: str


class PlannedGroup(View):
    """What became of a page of a group; `next` goes into `after` for the following meters, and is null at the end."""

    planned: list[KeyChangeView]
    refused: list[RefusedMeter]
    next: int | None


class KeyChangeQuery(PageQuery):
    """Which key changes are asked for."""

    state: Literal["planned", "issued", "applied", "cancelled"] | None = None


async def plan(call: Call[NewKeyChange, None]) -> KeyChangeView:
    """Plan a key change, to be given out with the meter's next purchase; the same plan again changes nothing."""
    async with call.begin() as session:
        meter = await meters.meter_of(session, call.actor, call.body.drn)
        change = await key_change.plan(session, call.key_store, call.actor, meter, _target(call.body.to), call.now)
        return _view(change, meter.drn)


async def plan_group(call: Call[NewGroupKeyChange, None]) -> PlannedGroup:
    """Plan the key change of a supply group; a meter that cannot be planned is named and stops no other."""
    body = call.body
    group = key_change.Group(body.utility_id, body.sgc, body.krn)
    query = PageQuery(after=body.after, limit=body.limit)
    async with call.begin() as session:
        found = await key_change.plan_group(
            session, call.key_store, call.actor, group, _target(body.to), query, call.now
        )
        refused = [RefusedMeter(drn=drn, code=error.code, message=error.message) for drn, error in found.refused]
        planned = [_view(change, drn) for drn, change in found.changes]
        return PlannedGroup(planned=planned, refused=refused, next=found.next)


async def listed(call: Call[None, KeyChangeQuery]) -> Page[KeyChangeView]:
    """List key changes."""
    async with call.read() as session:
        rows = await key_change.listed(session, call.actor, call.query.state, call.query)
        shown = await _views(session, rows[: call.query.limit])
    return Page[KeyChangeView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def cancel(call: Call[None, None]) -> KeyChangeView:
    """Cancel a planned key change; not once its tokens are out."""
    async with call.begin() as session:
        change = await key_change.cancel(session, call.actor, call.path["key_change"], call.now)
        return (await _views(session, [change]))[0]


def _target(to: NewKey) -> key_change.Target:
    return key_change.Target(to.sgc, to.krn, to.kt, to.ti)


async def _views(session: AsyncSession, rows: Sequence[KeyChange]) -> list[KeyChangeView]:
    drns = await meters.drns(session, {row.meter_id for row in rows})
    return [_view(row, drns[row.meter_id]) for row in rows]


def _view(row: KeyChange, drn: str) -> KeyChangeView:
    columns = {name: getattr(row, name) for name in KeyChangeView.model_fields if name != "drn"}
    return KeyChangeView.model_validate({**columns, "drn": drn})


_PLAN_ERRORS = (Conflict, NotFound, Refused, Unavailable)
ROUTES = [
    Route(
        "POST",
        "/key-changes",
        plan,
        "key-changes:write",
        KeyChangeView,
        request=NewKeyChange,
        errors=_PLAN_ERRORS,
        status=201,
        tag="key changes",
    ),
    Route(
        "POST",
        "/key-changes/group",
        plan_group,
        "key-changes:write",
        PlannedGroup,
        request=NewGroupKeyChange,
        errors=_PLAN_ERRORS,
        tag="key changes",
    ),
    Route(
        "GET",
        "/key-changes",
        listed,
        "key-changes:read",
        Page[KeyChangeView],
        query=KeyChangeQuery,
        tag="key changes",
    ),
    Route(
        "POST",
        "/key-changes/{key_change}/cancel",
        cancel,
        "key-changes:write",
        KeyChangeView,
        errors=(Conflict, NotFound),
        tag="key changes",
    ),
]
