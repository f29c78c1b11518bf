"""Tariffs that meters apply themselves: made from readable numbers, signed once, never changed; versions rise."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after
from cloud.tariffs.models import DeviceTariff
from cloud.vending.store import COMMAND, KeyStore
from shared.errors import SharedError
from shared.policy import check_value
from shared.tariff import PRICE_MAX, decode_tariff, encode_tariff


@dataclass(frozen=True)
class Order:
    """A tariff to be made; `blocks` as (limit in ml, 0 for none, price per m3), money in 1/100000 of the currency."""

    utility_id: int
    meter_group: int
    effective_from_s: int
    counters: int
    fixed_month: int
    fixed_days_max: int
    blocks: list[tuple[int, int]]


async def add(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> DeviceTariff:
    """Sign and keep the next version; Refused if a number in it is wrong, or it would come into force in the past."""
    actor.require_utility(order.utility_id)
    if await session.get(Utility, order.utility_id, with_for_update=True) is None:
        raise NotFound("utility_unknown", f"There is no utility {order.utility_id}.")
    if order.effective_from_s < now:
        raise Refused("in_the_past", "A tariff cannot come into force in the past; give a later effective_from_s.")
    version = await _last_version(session, order.utility_id) + 1
    document = _encoded(order, version)
    row = DeviceTariff(
        utility_id=order.utility_id,
        meter_group=order.meter_group,
        version=version,
        effective_from_s=order.effective_from_s,
        check_value=check_value(document),
        document=document,
        signature=await key_store.sign(session, order.utility_id, COMMAND, document),
        created_at=now,
    )
    await insert(session, row, Conflict("version_used", "Another tariff was made meanwhile; send it again."))
    detail = {"group": row.meter_group, "version": version, "check": row.check_value, "document": document.hex()}
    subject = f"device-tariff:{row.id}"
    await audit.record(session, actor, "device-tariff.add", subject, detail, utility_id=row.utility_id, now=now)
    return row


def _encoded(order: Order, version: int) -> bytes:
    try:
        document = encode_tariff(
            order.utility_id,
            order.meter_group,
            version,
            order.effective_from_s,
            order.counters,
            order.fixed_month,
            order.fixed_days_max,
            order.blocks,
        )
    except SharedError as error:
        raise Refused("tariff_wrong", f"This is no tariff: {error}.") from None
    if not decode_tariff(document).is_payable():
        too_high = f"A gateway takes no price and no monthly charge above {PRICE_MAX}; give lower ones."
        raise Refused("tariff_too_high", too_high)
    return document


async def _last_version(session: AsyncSession, utility_id: int) -> int:
    # One numbering for all groups: a meter that changes its group goes on to a version that was made later.
    made = select(func.max(DeviceTariff.version)).where(DeviceTariff.utility_id == utility_id)
    return await session.scalar(made) or 0


async def of_version(session: AsyncSession, utility_id: int, meter_group: int, version: int) -> DeviceTariff | None:
    """One tariff of a group."""
    mine = (DeviceTariff.utility_id == utility_id, DeviceTariff.meter_group == meter_group)
    return await session.scalar(select(DeviceTariff).where(*mine, DeviceTariff.version == version))


async def in_force_and_next(session: AsyncSession, utility_id: int, meter_group: int, now: int) -> list[DeviceTariff]:
    """What a gateway of this group needs now: the tariff in force, and the next that was made; each if there is one."""
    mine = select(DeviceTariff).where(DeviceTariff.utility_id == utility_id, DeviceTariff.meter_group == meter_group)
    begun = mine.where(DeviceTariff.effective_from_s <= now).order_by(DeviceTariff.version.desc()).limit(1)
    to_come = mine.where(DeviceTariff.effective_from_s > now).order_by(DeviceTariff.version.desc()).limit(1)
    found = [await session.scalar(begun), await session.scalar(to_come)]
    return [row for row in found if row is not None]


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[DeviceTariff]:
    """A page of the tariffs that the caller may see."""
    mine = of_actor(select(DeviceTariff), actor, DeviceTariff.utility_id)
    return await rows_after(session, mine, DeviceTariff.id, query)
