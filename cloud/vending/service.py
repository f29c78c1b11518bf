"""The sale of tokens: exactly once per purchase id, identifiers above all before them, everything in one transaction.

No token is stored. Each is a pure function of its vend's row and the vending key, so a repeat can only be the same.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, String, bindparam, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import selling as agents
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.books import service as books
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters import policies
from cloud.meters import service as meters
from cloud.meters.models import Meter
from cloud.rows import kept, of_actor, rows_after
from cloud.together import together
from cloud.vending import (
    accounts,
    ahead,
    booking,
    debts,
    delivery,
    free_tokens,
    holds,
    key_change,
    money_sales,
    pricing,
)
from cloud.vending import order as orders
from cloud.vending.ahead import Ahead
from cloud.vending.models import KeyChange, Purchase, Vend, VendingKey
from cloud.vending.order import FREE, Keyed, advance, wanted
from cloud.vending.pricing import Buyer
from cloud.vending.purchase import Plan, plan
from cloud.vending.rows import Carried, Made, Priced, add_record, add_vends
from cloud.vending.rows import rows as rows_of
from cloud.vending.sale_models import SaleRecord
from cloud.vending.store import CreditToken, KeyStore, MeterIdentity, Use
from cloud.vending.tokens import CREDIT, KEY_CHANGE, Sale, Token

Order = orders.Order
RETURN, ACCOUNT = orders.RETURN, orders.ACCOUNT
_PURCHASE: Any = Purchase.__table__
_CLAIMS: dict[str, Any] = {
    name: insert(_PURCHASE)
    .values(
        purchase_id=bindparam("claimed_id", type_=String),
        request_sha256=bindparam("sha256", type_=LargeBinary),
        created_at=bindparam("now", type_=BigInteger),
    )
    .on_conflict_do_nothing()
    .returning(_PURCHASE.c.purchase_id)
    for name, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_METER: Any = (
    select(Meter, policies.newest_id(Meter.utility_id))
    .where(Meter.drn == bindparam("drn", type_=String))
    .with_for_update(of=Meter)
    .execution_options(populate_existing=True)
)
_BEGINNING = {"postgresql": _METER.join(_CLAIMS["postgresql"].cte("claimed"), true()), "sqlite": _METER}
_OF_UTILITY = Meter.utility_id == bindparam("of_utility", type_=BigInteger)
_BEGINNINGS = {(name, False): statement for name, statement in _BEGINNING.items()}
_BEGINNINGS |= {(name, True): statement.where(_OF_UTILITY) for name, statement in _BEGINNING.items()}


async def vend(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> Sale:
    """Sell tokens, or return the sale that this purchase id already made; Conflict if that was for something else."""
    begun = await _begin(session, actor, order, now)
    if begun is None:
        return await _repeat(session, key_store, actor, order, now)
    meter, policy_id = begun
    known = await ahead.read(session, meter, policy_id, order.currency, now)
    _check_opened(meter, known)
    keyed = await keyed_for(session, meter) if known.key_changes else _under_its_key(meter, known.key)
    async with together(session):
        made = await _maker(order, meter)(session, actor, order, meter, keyed, known, now)
        tokens = await _tokens(session, key_store, actor, made.rows, meter, now)
        sale = Sale(made.rows, meter, tokens, made.movement, made.record)
        await _record(session, actor, sale, now)
        if not order.hold_s:
            await delivery.announce(session, sale, now, known.reach)
    await agents.sold(session, actor, made.rows, now)
    if order.hold_s:
        await holds.hold(session, actor, made, order.hold_s, now)
    else:
        await delivery.queue(session, sale, meter.gateway_id, now)
    return sale


def _maker(order: Order, meter: Meter) -> Callable[..., Awaitable[Made]]:
    """What prices an order, adds its rows and puts it into the books."""
    if order.tender_kind == FREE:
        return free_tokens.give
    return money_sales.sell if meter.account == "currency" else _sell


async def _sell(
    session: AsyncSession, actor: Actor, order: Order, meter: Meter, keyed: Keyed, known: Ahead, now: int
) -> Made:
    buyer = await pricing.buyer(session, meter, order.currency, now, known=known)
    planned = plan(wanted(order, meter), buyer.standing)
    settled = planned.settled
    rows = _rows(actor, order, buyer, keyed, planned, now)
    await advance(session, meter, keyed, rows[-1].tid, now)
    await add_vends(session, rows, known.vend_id)
    record = await pricing.record(session, buyer, planned, order.purchase_id, now)
    await add_record(session, record)
    await books.post_new(session, booking.sale(rows, meter.commodity, settled), actor, now)
    await debts.take_share(session, buyer.debt, order.purchase_id, settled.debt_minor, buyer.month, now)
    balance = buyer.standing.balance_minor
    return Made(rows, record, accounts.moved(settled.from_account_minor, settled.to_account_minor, balance))


async def _begin(session: AsyncSession, actor: Actor, order: Order, now: int) -> tuple[Meter, int] | None:
    """Claim the purchase id, then lock the meter; its utility's policy comes along. None: one of them is not to be had.

    The insert itself decides who is first: of two at once, the second waits for the first to commit. The lock makes
    token identifiers of one meter rise one after another.
    """
    dialect = session.get_bind().dialect.name
    values = {"claimed_id": order.purchase_id, "sha256": _order_hash(order), "now": now}
    if dialect == "sqlite" and (await session.execute(_CLAIMS[dialect], values)).first() is None:
        return None
    of_utility = actor.utility_id is not None
    values |= {"drn": order.drn} | ({"of_utility": actor.utility_id} if of_utility else {})
    row = (await session.execute(_BEGINNINGS[dialect, of_utility], values)).first()
    return None if row is None else (row[0], row[1])


def _order_hash(order: Order) -> bytes:
    return hashlib.sha256(json.dumps(order.said(), sort_keys=True).encode()).digest()


async def _repeat(session: AsyncSession, key_store: KeyStore, actor: Actor, order: Order, now: int) -> Sale:
    rows = await _parts(session, order.purchase_id)
    if not rows:  # so nobody sold under this id, and what is missing is the meter
        raise meters.unknown(order.drn)
    purchase = await session.get_one(Purchase, order.purchase_id)
    if purchase.request_sha256 != _order_hash(order) or not actor.may_see(rows[0].utility_id):
        used = f"Purchase id {order.purchase_id} was used for another order; a new purchase needs a new id."
        raise Conflict("purchase_id_used", used)
    await agents.check_repeat(session, actor, order.purchase_id)
    return await reprint(session, key_store, actor, rows, now)


async def _parts(session: AsyncSession, purchase_id: str) -> Sequence[Vend]:
    return (await session.scalars(select(Vend).where(Vend.purchase_id == purchase_id).order_by(Vend.part))).all()


async def reprint(session: AsyncSession, key_store: KeyStore, actor: Actor, rows: Sequence[Vend], now: int) -> Sale:
    """Make the tokens of a sale again, given all its vends; the key store audits each."""
    meter = await session.get_one(Meter, rows[0].meter_id)
    return await _sale(session, rows, meter, await _tokens(session, key_store, actor, rows, meter, now))


async def _tokens(
    session: AsyncSession, key_store: KeyStore, actor: Actor, rows: Sequence[Vend], meter: Meter, now: int
) -> list[Token]:
    if rows[0].held_until is not None:
        return _hidden(rows)
    sections = await _section_tokens(session, key_store, actor, rows[0], now)
    digits = [await _digits(session, key_store, actor, row, meter, now) for row in rows]
    return sections + [Token(CREDIT, row.part, each, row) for row, each in zip(rows, digits, strict=True)]


async def without_tokens(session: AsyncSession, rows: Sequence[Vend]) -> Sale:
    """Return a sale for who may not sell: its figures, no digits, and no key is used."""
    meter = await session.get_one(Meter, rows[0].meter_id)
    return await _sale(session, rows, meter, _hidden(rows))


def _hidden(rows: Sequence[Vend]) -> list[Token]:
    return [Token(CREDIT, row.part, "", row) for row in rows]


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
    assert row.held_until is None, "a token that is held is not delivered"
    return await _digits(session, key_store, actor, row, await session.get_one(Meter, row.meter_id), now)


async def tokens_of(session: AsyncSession, key_store: KeyStore, actor: Actor, vend_id: int, now: int) -> list[str]:
    """Return the digits of every token of the sale that a vend belongs to, in the order to enter them."""
    row = await session.get_one(Vend, vend_id)
    sale = await reprint(session, key_store, actor, await _parts(session, row.purchase_id), now)
    return [token.digits for token in sale.tokens]


def _check_opened(meter: Meter, known: Ahead) -> None:
    if not known.is_open:
        gateway = meter.gateway_id
        closed = f"Meter {meter.drn} was not open when gateway {gateway} was enrolled; enrol the gateway first."
        raise Refused("meter_not_enrolled", closed)


def _under_its_key(meter: Meter, key: VendingKey) -> Keyed:
    return Keyed(key, meter.ti, meter.key_check, meter.last_tid, None)


async def keyed_for(session: AsyncSession, meter: Meter) -> Keyed:
    """Return the key that the next tokens of a meter are made under."""
    change = await key_change.open_for(session, meter.id, lock=True)
    if change is None:
        return _under_its_key(meter, await kept(session, VendingKey, meter.vending_key_id))
    key = await kept(session, VendingKey, change.new_vending_key_id)
    last_tid = change.last_tid if change.roll_over else meter.last_tid
    return Keyed(key, change.new_ti, change.new_key_check, last_tid, change)


def _rows(actor: Actor, order: Order, buyer: Buyer, keyed: Keyed, planned: Plan, now: int) -> list[Vend]:
    price = planned.bill.blocks[0].price_milliminor // 1000
    priced = Priced(buyer.tariff.id, buyer.tariff.currency, price, planned.settled.change_minor)
    parts = [Carried(part.units, part.volume_ml, None, part.amount_minor) for part in planned.quote.parts]
    return rows_of(actor, order, buyer.meter, keyed, priced, parts, now)


async def _digits(session: AsyncSession, key_store: KeyStore, actor: Actor, row: Vend, meter: Meter, now: int) -> str:
    key = await kept(session, VendingKey, row.vending_key_id)
    token = CreditToken(meter.commodity, row.tid, row.rnd, row.units, row.money)
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
        "money": sale.money,
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
    if not rows or not actor.may_see(rows[0].utility_id) or not await agents.is_mine(session, actor, purchase_id):
        raise NotFound("purchase_unknown", f"There is no purchase {purchase_id}; it was not vended.")
    return rows


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Vend]:
    """Return a page of the vends that the caller may see."""
    mine = agents.of_agent(of_actor(select(Vend), actor, Vend.utility_id), actor, Vend.purchase_id)
    return await rows_after(session, mine, Vend.id, query)
