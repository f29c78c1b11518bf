"""The roll-over rehearsal: which meters could take no new token at a date, why, and what helps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.meters.models import Meter
from cloud.rows import of_actor
from cloud.vending import key_change
from cloud.vending.models import KeyChange, VendingKey
from shared.sts.time_id import TID_MAX, base_seconds

BASE_DATE, KEY_EXPIRED, DEFAULT_KEY = "base_date", "key_expired", "default_key"
_KT_DEFAULT = 1
_KEN_NEVER = 255
_KEN_UNIT_BITS = 16
_MINUTE_S = 60


@dataclass(frozen=True)
class Stop:
    """A reason why a key takes no token at a date; `since_s` is the first second of it, None if it was always so."""

    reason: str
    since_s: int | None


@dataclass(frozen=True)
class Stopped:
    """A meter that would stop, under which key, why, the open key change if there is one, and what helps."""

    meter: Meter
    key: VendingKey
    stop: Stop
    change: KeyChange | None
    remedy: str


def stop_of(key: VendingKey, at: int) -> Stop | None:
    """Say why no token can be made under a vending key at a time; None if one can."""
    if key.kt == _KT_DEFAULT:
        return Stop(DEFAULT_KEY, None)
    last_good = min(TID_MAX, (key.ken + 1 << _KEN_UNIT_BITS) - 1)
    since_s = base_seconds(key.base_year) + (last_good + 1) * _MINUTE_S
    if at < since_s:
        return None
    return Stop(BASE_DATE if key.ken == _KEN_NEVER else KEY_EXPIRED, since_s)


async def report(session: AsyncSession, actor: Actor, at: int, query: PageQuery) -> tuple[list[Stopped], int | None]:
    """Return a page of the meters that would stop at a time, by rising id, and where the next page begins."""
    keys = {key.id: key for key in await session.scalars(of_actor(select(VendingKey), actor, VendingKey.utility_id))}
    stops = {key.id: stop for key in keys.values() if (stop := stop_of(key, at)) is not None}
    rows = await _meters(session, list(stops), query)
    shown = rows[: query.limit]
    found = [_stopped(meter, change, keys, stops) for meter, change in shown]
    return found, shown[-1][0].id if len(rows) > len(shown) else None


async def _meters(
    session: AsyncSession, stopping: list[int], query: PageQuery
) -> Sequence[tuple[Meter, KeyChange | None]]:
    # While a change is open the meter may hold either key: it stops with each of them.
    has_open = and_(KeyChange.meter_id == Meter.id, KeyChange.state.in_(key_change.OPEN))
    either = or_(Meter.vending_key_id.in_(stopping), KeyChange.new_vending_key_id.in_(stopping))
    found = select(Meter, KeyChange).outerjoin(KeyChange, has_open).where(either, Meter.closed_at.is_(None))
    page = found.where(Meter.id > query.after).order_by(Meter.id).limit(query.limit + 1)
    return [(row[0], row[1]) for row in await session.execute(page)]


def _stopped(meter: Meter, change: KeyChange | None, keys: dict[int, VendingKey], stops: dict[int, Stop]) -> Stopped:
    if change is not None and change.new_vending_key_id in stops:
        new = change.new_vending_key_id
        remedy = f"key change {change.id} leads to this key: plan another one to a key that lasts"
        return Stopped(meter, keys[new], stops[new], change, remedy)
    stop = stops[meter.vending_key_id]
    return Stopped(meter, keys[meter.vending_key_id], stop, change, _remedy(stop, change))


def _remedy(stop: Stop, change: KeyChange | None) -> str:
    if change is None:
        wanted = {BASE_DATE: "with a later base date", KEY_EXPIRED: "with a later KEN"}.get(stop.reason, "of KT 2")
        return f"plan a key change to a vending key {wanted}"
    if change.state == key_change.PLANNED:
        return f"key change {change.id} is planned: sell to the customer, so that its tokens go out"
    return f"key change {change.id} is issued: see that its tokens are entered at the meter"
