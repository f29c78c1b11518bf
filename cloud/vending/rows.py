"""The rows of a purchase's tokens: one identifier after another, and on the first what was paid."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.meters.models import Meter
from cloud.together import add
from cloud.vending import rules
from cloud.vending.accounts import Movement
from cloud.vending.models import VEND_IDS, Vend
from cloud.vending.order import Keyed, Order
from cloud.vending.sale_models import SaleRecord

_RND_VALUES = 16
_VEND: Any = Vend.__table__
_SALE: Any = SaleRecord.__table__
_MORE_IDS = select(VEND_IDS.next_value()).select_from(func.generate_series(1, bindparam("more", type_=Integer)))


@dataclass(frozen=True)
class Carried:
    """What one token carries: base units and volume of a commodity, or money in 1/100000 of the currency; its price."""

    units: int
    volume_ml: int
    money: int | None
    amount_minor: int


@dataclass(frozen=True)
class Priced:
    """By what the tokens are priced, and what goes back to the payer at once."""

    tariff_id: int
    currency: str
    price_minor_per_m3: int
    change_minor: int


@dataclass(frozen=True)
class Made:
    """A purchase that is in the database and in the books; what is given has no record."""

    rows: list[Vend]
    record: SaleRecord | None
    movement: Movement


def rows(
    actor: Actor, order: Order, meter: Meter, keyed: Keyed, priced: Priced, parts: Sequence[Carried], now: int
) -> list[Vend]:
    """Return a row for each part, in order, with identifiers above all before them; Refused past the key's end."""
    made: list[Vend] = []
    tid = keyed.last_tid
    for number, part in enumerate(parts, 1):
        tid = rules.allocate_tid(tid, now, keyed.key.base_year, keyed.key.ken)
        row = Vend(
            utility_id=meter.utility_id,
            purchase_id=order.purchase_id,
            part=number,
            meter_id=meter.id,
            customer_id=meter.customer_id,
            vending_key_id=keyed.key.id,
            ti=keyed.ti,
            key_check=keyed.key_check,
            tid=tid,
            rnd=secrets.randbelow(_RND_VALUES),
            units=part.units,
            volume_ml=part.volume_ml,
            money=part.money,
            tariff_id=priced.tariff_id,
            price_minor_per_m3=priced.price_minor_per_m3,
            amount_minor=part.amount_minor,
            currency=priced.currency,
            tender_kind=order.tender_kind,
            tender_minor=order.tender_minor if number == 1 else 0,
            change_minor=priced.change_minor if number == 1 else 0,
            delivery=order.delivery,
            actor=actor.label,
            created_at=now,
            key_change_id=keyed.change.id if keyed.change else None,
            held_until=now + order.hold_s if order.hold_s else None,
        )
        made.append(row)
    return made


async def add_vends(session: AsyncSession, made: Sequence[Vend], first_id: int) -> None:
    """Number the rows of a purchase from an id that was taken for the first, and add them."""
    more = len(made) - 1
    if session.get_bind().dialect.name == "postgresql":
        ids = [first_id, *await session.scalars(_MORE_IDS, {"more": more})] if more else [first_id]
    else:
        ids = list(range(first_id, first_id + more + 1))
    for row, vend_id in zip(made, ids, strict=True):
        row.id = vend_id
        await add(session, _VEND, _given(row))


async def add_record(session: AsyncSession, record: SaleRecord) -> None:
    """Add what a purchase came to."""
    await add(session, _SALE, _given(record))


def _given(row: Vend | SaleRecord) -> dict[str, Any]:
    """What was said of a row, by its columns."""
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}
