"""The sale of a token: exactly once per purchase id, its identifier above all before it, everything in one transaction.

The token is not stored. It is a pure function of the vend's row and the vending key, so a repeat can only be the same.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters import service as meters
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.notify import outbox, texts
from cloud.rows import of_actor, rows_after
from cloud.tariffs.models import Tariff
from cloud.vending import rules
from cloud.vending.models import Purchase, Vend, VendingKey
from cloud.vending.store import CreditToken, Encoded, KeyStore, MeterIdentity, Use

REMOTE = "remote"
_RND_VALUES = 16


@dataclass(frozen=True)
class Order:
    """What a customer asks for and pays; `delivery` is keypad or remote."""

    purchase_id: str
    drn: str
    volume_ml: int
    tender_kind: str
    tender_minor: int
    currency: str
    delivery: str


@dataclass(frozen=True)
class Sale:
    """A vend, its meter, and its token's 20 digits."""

    vend: Vend
    meter: Meter
    digits: str


async def vend(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> Sale:
    """Sell a token, or return the sale that this purchase id already made; Conflict if that was for something else."""
    if not await _claim(session, order, now):
        return await _repeat(session, key_store, actor, order, now)
    meter = await _locked_meter(session, actor, order.drn)
    key = await session.get_one(VendingKey, meter.vending_key_id)
    tariff = await _tariff(session, meter, order)
    gateway = await _opened_gateway(session, meter)
    row = _row(actor, order, meter, tariff, key, now)
    meter.last_tid = row.tid
    session.add(row)
    await session.flush()
    encoded = await _encode(session, key_store, actor, row, meter, key, now)
    await _record(session, actor, row, meter, now)
    await _deliver(session, row, meter, gateway, encoded.digits, now)
    return Sale(row, meter, encoded.digits)


async def _claim(session: AsyncSession, order: Order, now: int) -> bool:
    # The insert itself decides who is first: of two at once, the second waits here for the first to commit.
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    claim = insert(Purchase).values(purchase_id=order.purchase_id, request_sha256=_order_hash(order), created_at=now)
    claimed = await session.execute(claim.on_conflict_do_nothing().returning(Purchase.purchase_id))
    return claimed.first() is not None


def _order_hash(order: Order) -> bytes:
    return hashlib.sha256(json.dumps(asdict(order), sort_keys=True).encode()).digest()


async def _repeat(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> Sale:
    purchase = await session.get_one(Purchase, order.purchase_id)
    row = (await session.scalars(select(Vend).where(Vend.purchase_id == order.purchase_id))).one()
    if purchase.request_sha256 != _order_hash(order) or not actor.may_see(row.utility_id):
        used = f"Purchase id {order.purchase_id} was used for another order; a new purchase needs a new id."
        raise Conflict("purchase_id_used", used)
    return await reprint(session, key_store, actor, row, now)


async def reprint(session: AsyncSession, key_store: KeyStore, actor: Actor, row: Vend, now: int) -> Sale:
    """Make the token of a vend again; the key store audits it."""
    meter = await session.get_one(Meter, row.meter_id)
    key = await session.get_one(VendingKey, row.vending_key_id)
    return Sale(row, meter, (await _encode(session, key_store, actor, row, meter, key, now)).digits)


async def token_of(session: AsyncSession, key_store: KeyStore, actor: Actor, vend_id: int, now: int) -> str:
    """Return the 20 digits of a vend, for its delivery."""
    row = await session.get_one(Vend, vend_id)
    return (await reprint(session, key_store, actor, row, now)).digits


async def _locked_meter(session: AsyncSession, actor: Actor, drn: str) -> Meter:
    # The lock makes token identifiers of one meter rise one after another.
    await meters.meter_of(session, actor, drn)
    locked = select(Meter).where(Meter.drn == drn).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(locked)).one()


async def _tariff(session: AsyncSession, meter: Meter, order: Order) -> Tariff:
    tariff = await session.get_one(Tariff, meter.tariff_id)
    if order.currency != tariff.currency:
        raise Refused("currency_wrong", f"Meter {meter.drn} is sold to in {tariff.currency}, not in {order.currency}.")
    return tariff


async def _opened_gateway(session: AsyncSession, meter: Meter) -> Gateway:
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if await session.get(MeterOpening, (meter.id, gateway.epoch)) is None:
        closed = f"Meter {meter.drn} was not open when gateway {gateway.id} was enrolled; enrol the gateway first."
        raise Refused("meter_not_enrolled", closed)
    return gateway


def _row(actor: Actor, order: Order, meter: Meter, tariff: Tariff, key: VendingKey, now: int) -> Vend:
    quote = rules.quote(order.volume_ml, tariff.price_minor_per_m3, order.tender_minor)
    return Vend(
        utility_id=meter.utility_id,
        purchase_id=order.purchase_id,
        meter_id=meter.id,
        customer_id=meter.customer_id,
        vending_key_id=key.id,
        ti=meter.ti,
        key_check=meter.key_check,
        tid=rules.allocate_tid(meter.last_tid, now, key.base_year, key.ken),
        rnd=secrets.randbelow(_RND_VALUES),
        units=quote.units,
        volume_ml=quote.volume_ml,
        tariff_id=tariff.id,
        price_minor_per_m3=tariff.price_minor_per_m3,
        amount_minor=quote.amount_minor,
        currency=tariff.currency,
        tender_kind=order.tender_kind,
        tender_minor=order.tender_minor,
        change_minor=quote.change_minor,
        delivery=order.delivery,
        actor=actor.label,
        created_at=now,
    )


async def _encode(
    session: AsyncSession, key_store: KeyStore, actor: Actor, row: Vend, meter: Meter, key: VendingKey, now: int
) -> Encoded:
    token = CreditToken(meter.commodity, row.tid, row.rnd, row.units)
    use = Use(actor, f"vend:{row.id}", now)
    encoded = await key_store.encode(session, key, MeterIdentity(meter.drn, row.ti), token, use)
    assert encoded.key_check == row.key_check, "the meter's key changed under the vend"
    return encoded


async def _record(session: AsyncSession, actor: Actor, row: Vend, meter: Meter, now: int) -> None:
    detail = {
        "purchase_id": row.purchase_id,
        "drn": meter.drn,
        "tid": row.tid,
        "volume_ml": row.volume_ml,
        "amount_minor": row.amount_minor,
        "tender_minor": row.tender_minor,
        "currency": row.currency,
        "tender_kind": row.tender_kind,
        "delivery": row.delivery,
    }
    await audit.record(session, actor, "vend", f"vend:{row.id}", detail, utility_id=row.utility_id, now=now)


async def _deliver(session: AsyncSession, row: Vend, meter: Meter, gateway: Gateway, digits: str, now: int) -> None:
    if row.delivery == REMOTE:
        from cloud.commands.service import queue_token  # commands ask this module for tokens: late, or a circle

        await queue_token(
            session,
            gateway_id=gateway.id,
            channel=meter.channel,
            drn=meter.drn,
            digits=digits,
            vend_id=row.id,
            now=now,
        )
    if row.customer_id is not None:
        customer = await session.get_one(Customer, row.customer_id)
        text = texts.vended(customer.language, row, meter.drn)
        await outbox.add(
            session,
            utility_id=row.utility_id,
            customer_id=customer.id,
            kind="token",
            text=text,
            now=now,
            vend_id=row.id,
        )


async def vend_of(session: AsyncSession, actor: Actor, purchase_id: str) -> Vend:
    """Return the vend of a purchase; NotFound if there is none or the caller may not see it."""
    row = await session.scalar(select(Vend).where(Vend.purchase_id == purchase_id))
    if row is None or not actor.may_see(row.utility_id):
        raise NotFound("purchase_unknown", f"There is no purchase {purchase_id}; it was not vended.")
    return row


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Vend]:
    """Return a page of the vends that the caller may see."""
    return await rows_after(session, of_actor(select(Vend), actor, Vend.utility_id), Vend.id, query)


async def drns(session: AsyncSession, rows: Sequence[Vend]) -> dict[int, str]:
    """Return the meter number of each meter id in these vends."""
    found = select(Meter.id, Meter.drn).where(Meter.id.in_({row.meter_id for row in rows}))
    return {row.id: row.drn for row in await session.execute(found)}
