"""The sale of tokens: exactly once per purchase id, identifiers above all before them, everything in one transaction.

No token is stored. Each is a pure function of its vend's row and the vending key, so a repeat can only be the same.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters import service as meters
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.rows import of_actor, rows_after
from cloud.vending import accounts, booking, debts, delivery, key_change, pricing, rules
from cloud.vending.models import KeyChange, Purchase, Vend, VendingKey
from cloud.vending.pricing import Buyer
from cloud.vending.purchase import Plan, Wanted, plan
from cloud.vending.sale_models import SaleRecord
from cloud.vending.store import CreditToken, KeyStore, MeterIdentity, Use
from cloud.vending.tokens import CREDIT, KEY_CHANGE, Sale, Token

_RND_VALUES = 16
RETURN, ACCOUNT = "return", "account"


@dataclass(frozen=True)
class Order:
    """What a customer asks for and pays; `volume_ml` None for as much as the money buys, the account's too.

    `delivery` is keypad or remote; `change` returns to the hand or account.
    """

    purchase_id: str
    drn: str
    volume_ml: int | None
    tender_kind: str
    tender_minor: int
    currency: str
    delivery: str
    change: str = RETURN


@dataclass(frozen=True)
class _Keyed:
    """The key that a sale's tokens are made under, and the open key change that leads there, if there is one."""

    key: VendingKey
    ti: int
    key_check: int
    last_tid: int
    change: KeyChange | None


async def vend(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> Sale:
    """Sell tokens, or return the sale that this purchase id already made; Conflict if that was for something else."""
    if not await _claim(session, order, now):
        return await _repeat(session, key_store, actor, order, now)
    meter = await _locked_meter(session, actor, order.drn)
    gateway = await _opened_gateway(session, meter)
    keyed = await _keyed(session, meter)
    buyer = await pricing.buyer(session, meter, order.currency, now, lock=True)
    planned = plan(_wanted(order, meter), buyer.standing)
    rows = _rows(actor, order, buyer, keyed, planned, now)
    _advance(meter, keyed, rows[-1].tid, now)
    session.add_all(rows)
    session.add(await pricing.record(session, buyer, planned, order.purchase_id, now))
    await session.flush()
    await books.post(session, booking.sale(rows, meter.commodity, planned.settled), actor, now)
    await debts.take_share(session, buyer.debt, order.purchase_id, planned.settled.debt_minor, buyer.month, now)
    sale = await reprint(session, key_store, actor, rows, now)
    await _record(session, actor, sale, now)
    await delivery.deliver(session, sale, gateway, now)
    return sale


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
    rows = await _parts(session, order.purchase_id)
    if purchase.request_sha256 != _order_hash(order) or not actor.may_see(rows[0].utility_id):
        used = f"Purchase id {order.purchase_id} was used for another order; a new purchase needs a new id."
        raise Conflict("purchase_id_used", used)
    return await reprint(session, key_store, actor, rows, now)


async def _parts(session: AsyncSession, purchase_id: str) -> Sequence[Vend]:
    return (await session.scalars(select(Vend).where(Vend.purchase_id == purchase_id).order_by(Vend.part))).all()


async def reprint(session: AsyncSession, key_store: KeyStore, actor: Actor, rows: Sequence[Vend], now: int) -> Sale:
    """Make the tokens of a sale again, given all its vends; the key store audits each."""
    meter = await session.get_one(Meter, rows[0].meter_id)
    tokens = await _section_tokens(session, key_store, actor, rows[0], now)
    tokens += [Token(CREDIT, row.part, await _digits(session, key_store, actor, row, meter, now), row) for row in rows]
    return await _sale(session, rows, meter, tokens)


async def without_tokens(session: AsyncSession, rows: Sequence[Vend]) -> Sale:
    """Return a sale for who may not sell: its figures, no digits, and no key is used."""
    meter = await session.get_one(Meter, rows[0].meter_id)
    tokens = [Token(CREDIT, row.part, "", row) for row in rows]
    return await _sale(session, rows, meter, tokens)


async def _sale(session: AsyncSession, rows: Sequence[Vend], meter: Meter, tokens: list[Token]) -> Sale:
    purchase_id = rows[0].purchase_id
    moved = await accounts.movement(session, meter.utility_id, purchase_id)
    return Sale(list(rows), meter, tokens, moved, await session.get(SaleRecord, purchase_id))


async def _section_tokens(session: AsyncSession, key_store: KeyStore, actor: Actor, row: Vend, now: int) -> list[Token]:
    if row.key_change_id is None:
        return []
    change = await session.get_one(KeyChange, row.key_change_id)
    sections = await key_change.sections(session, key_store, actor, change, now)
    return [Token(KEY_CHANGE, number, section.digits, None) for number, section in enumerate(sections, 1)]


async def token_of(session: AsyncSession, key_store: KeyStore, actor: Actor, vend_id: int, now: int) -> str:
    """Return the 20 digits of one vend, for its delivery by the link."""
    row = await session.get_one(Vend, vend_id)
    return await _digits(session, key_store, actor, row, await session.get_one(Meter, row.meter_id), now)


async def tokens_of(session: AsyncSession, key_store: KeyStore, actor: Actor, vend_id: int, now: int) -> list[str]:
    """Return the digits of every token of the sale that a vend belongs to, in the order to enter them."""
    row = await session.get_one(Vend, vend_id)
    sale = await reprint(session, key_store, actor, await _parts(session, row.purchase_id), now)
    return [token.digits for token in sale.tokens]


async def _locked_meter(session: AsyncSession, actor: Actor, drn: str) -> Meter:
    # The lock makes token identifiers of one meter rise one after another.
    await meters.meter_of(session, actor, drn)
    locked = select(Meter).where(Meter.drn == drn).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(locked)).one()


async def _opened_gateway(session: AsyncSession, meter: Meter) -> Gateway:
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if await session.get(MeterOpening, (meter.id, gateway.epoch)) is None:
        closed = f"Meter {meter.drn} was not open when gateway {gateway.id} was enrolled; enrol the gateway first."
        raise Refused("meter_not_enrolled", closed)
    return gateway


async def _keyed(session: AsyncSession, meter: Meter) -> _Keyed:
    change = await key_change.open_for(session, meter.id, lock=True)
    if change is None:
        key = await session.get_one(VendingKey, meter.vending_key_id)
        return _Keyed(key, meter.ti, meter.key_check, meter.last_tid, None)
    key = await session.get_one(VendingKey, change.new_vending_key_id)
    last_tid = change.last_tid if change.roll_over else meter.last_tid
    return _Keyed(key, change.new_ti, change.new_key_check, last_tid, change)


def _wanted(order: Order, meter: Meter) -> Wanted:
    if order.change == ACCOUNT and meter.customer_id is None:
        raise Refused("no_account", f"Meter {meter.drn} has no customer, so nothing can be kept; return the change.")
    return Wanted(order.volume_ml, order.tender_minor, order.change == ACCOUNT)


def _rows(
    actor: Actor,
    order: Order,
    buyer: Buyer,
    keyed: _Keyed,
    planned: Plan,
    now: int,
) -> list[Vend]:
    rows: list[Vend] = []
    tid = keyed.last_tid
    meter, tariff = buyer.meter, buyer.tariff
    for number, part in enumerate(planned.quote.parts, 1):
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
            tariff_id=tariff.id,
            price_minor_per_m3=planned.bill.blocks[0].price_milliminor // 1000,
            amount_minor=part.amount_minor,
            currency=tariff.currency,
            tender_kind=order.tender_kind,
            tender_minor=order.tender_minor if number == 1 else 0,
            change_minor=planned.settled.change_minor if number == 1 else 0,
            delivery=order.delivery,
            actor=actor.label,
            created_at=now,
            key_change_id=keyed.change.id if keyed.change else None,
        )
        rows.append(row)
    return rows


def _advance(meter: Meter, keyed: _Keyed, tid: int, now: int) -> None:
    change = keyed.change
    if change is not None and change.state == key_change.PLANNED:
        change.state, change.issued_at = key_change.ISSUED, now
    if change is not None and change.roll_over:
        change.last_tid = tid
    else:
        meter.last_tid = tid


async def _digits(session: AsyncSession, key_store: KeyStore, actor: Actor, row: Vend, meter: Meter, now: int) -> str:
    key = await session.get_one(VendingKey, row.vending_key_id)
    token = CreditToken(meter.commodity, row.tid, row.rnd, row.units)
    use = Use(actor, f"vend:{row.id}", now)
    encoded = await key_store.encode(session, key, MeterIdentity(meter.drn, row.ti), token, use)
    assert encoded.key_check == row.key_check, "the meter's key changed under the vend"
    return encoded.digits


async def _record(session: AsyncSession, actor: Actor, sale: Sale, now: int) -> None:
    first = sale.vend
    detail = {
        "purchase_id": first.purchase_id,
        "drn": sale.meter.drn,
        "tids": [row.tid for row in sale.vends],
        "volume_ml": sale.volume_ml,
        "amount_minor": sale.amount_minor,
        "tender_minor": first.tender_minor,
        "from_account_minor": sale.movement.used_minor,
        "to_account_minor": sale.movement.kept_minor,
        "fixed_minor": sale.fixed_minor,
        "debt_minor": sale.debt_minor,
        "tariff_version": sale.record.tariff_version_id if sale.record else None,
        "currency": first.currency,
        "tender_kind": first.tender_kind,
        "delivery": first.delivery,
        "key_change": first.key_change_id,
    }
    await audit.record(session, actor, "vend", f"vend:{first.id}", detail, utility_id=first.utility_id, now=now)


async def purchase_of(session: AsyncSession, actor: Actor, purchase_id: str) -> Sequence[Vend]:
    """Return the vends of a purchase in order; NotFound if there are none or the caller may not see them."""
    rows = await _parts(session, purchase_id)
    if not rows or not actor.may_see(rows[0].utility_id):
        raise NotFound("purchase_unknown", f"There is no purchase {purchase_id}; it was not vended.")
    return rows


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Vend]:
    """Return a page of the vends that the caller may see."""
    return await rows_after(session, of_actor(select(Vend), actor, Vend.utility_id), Vend.id, query)
