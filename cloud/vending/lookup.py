"""What a cashier sees before a sale: whose meter it is, what it pays, whether a sale is possible, and what it bought.

Nothing is locked and nothing is changed; the sale that follows asks again.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.agents import selling as agents
from cloud.auth.actor import Actor
from cloud.errors import CloudError, Refused
from cloud.meters import service as meters
from cloud.meters import standing
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.meters.standing import Standing
from cloud.payments.models import Payment
from cloud.rows import of_actor
from cloud.tariffs import rules as tariff_rules
from cloud.tariffs.models import Tariff
from cloud.tariffs.rules import Position
from cloud.vending import key_change, money_plan, money_statement, pricing, rules
from cloud.vending.models import Vend, VendingKey
from cloud.vending.purchase import Debt
from cloud.vending.tokens import KEY_TYPE_DEFAULT

SALES_SHOWN = 10
FOUND_MAX = 20


@dataclass(frozen=True)
class Offer:
    """What a meter is sold now: the class's version, where the month stands, the customer's money and debt.

    `device` has block and prices of a meter that holds money (`statement.MoneyCredit`), else there is a `position`.
    """

    tariff_version: int
    position: Position | None
    device: dict[str, int | None] | None
    balance_minor: int | None
    debt: Debt


@dataclass(frozen=True)
class Found:
    """A meter with all that a cashier asks about. Without an `offer`, `refusal` says why nothing can be sold."""

    meter: Meter
    tariff: Tariff
    customer: Customer | None
    standing: Standing
    offer: Offer | None
    refusal: CloudError | None
    changes_key: bool
    purchases: list[list[Vend]]


async def of_meter(session: AsyncSession, actor: Actor, drn: str, now: int) -> Found:
    """Return what there is to know of a meter; NotFound if the caller may not see it."""
    meter = await meters.meter_of(session, actor, drn)
    tariff = await session.get_one(Tariff, meter.tariff_id)
    customer = None if meter.customer_id is None else await session.get(Customer, meter.customer_id)
    change = await key_change.open_for(session, meter.id)
    offer, refusal = None, None
    try:
        await _check(session, meter, now)
        offer = await _offer(session, meter, tariff, now)
    except CloudError as error:
        refusal = error
    last = agents.of_agent(select(Vend).where(Vend.meter_id == meter.id), actor, Vend.purchase_id)
    purchases = await _purchases(session, last, SALES_SHOWN)
    stands = await standing.of(session, meter)
    return Found(meter, tariff, customer, stands, offer, refusal, change is not None, purchases)


async def _check(session: AsyncSession, meter: Meter, now: int) -> None:
    """Refuse what a sale would refuse for the meter itself, whatever is asked for."""
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if await session.get(MeterOpening, (meter.id, gateway.epoch)) is None:
        told = f"Meter {meter.drn} was not open when gateway {gateway.id} was enrolled; enrol the gateway first."
        raise Refused("meter_not_enrolled", told)
    change = await key_change.open_for(session, meter.id)
    key = await session.get_one(VendingKey, change.new_vending_key_id if change else meter.vending_key_id)
    if key.kt == KEY_TYPE_DEFAULT:
        raise Refused("default_key", "A meter under a default key (KT 1) takes no credit; change its key first.")
    last = change.last_tid if change is not None and change.roll_over else meter.last_tid
    rules.allocate_tid(last, now, key.base_year, key.ken)


async def _offer(session: AsyncSession, meter: Meter, tariff: Tariff, now: int) -> Offer:
    if meter.account == "currency":
        money = await money_plan.buyer(session, meter, tariff.currency, now)
        device = await money_statement.tariff_of(session, meter)
        return Offer(money.version.version, None, device, money.balance_minor, money.owed)
    found = await pricing.buyer(session, meter, tariff.currency, now)
    stands = found.standing
    position = tariff_rules.position(stands.terms, stands.month.before_ml)
    return Offer(found.version.version, position, None, stands.balance_minor, stands.debt)


async def by_reference(session: AsyncSession, actor: Actor, reference: str) -> list[list[Vend]]:
    """Return the purchases that payments with this reference of a provider or bank made, newest first."""
    paid = select(Payment.purchase_id).where(Payment.reference == reference, Payment.purchase_id.is_not(None))
    return await _found(session, actor, select(Vend).where(Vend.purchase_id.in_(paid)))


async def by_phone(session: AsyncSession, actor: Actor, phone: str) -> list[list[Vend]]:
    """Return the last purchases of the customers who are reached by this number, newest first."""
    theirs = select(Meter.id).join(Customer, Customer.id == Meter.customer_id).where(Customer.phone == phone)
    customers = select(Customer.id).where(Customer.phone == phone)
    return await _found(session, actor, select(Vend).where(Vend.meter_id.in_(theirs), Vend.customer_id.in_(customers)))


async def by_drn(session: AsyncSession, actor: Actor, drn: str) -> list[list[Vend]]:
    """Return the last purchases of a meter, newest first; NotFound if the caller may not see it."""
    meter = await meters.meter_of(session, actor, drn)
    return await _found(session, actor, select(Vend).where(Vend.meter_id == meter.id))


async def _found(session: AsyncSession, actor: Actor, vends: Select[Any]) -> list[list[Vend]]:
    mine = of_actor(agents.of_agent(vends, actor, Vend.purchase_id), actor, Vend.utility_id)
    return await _purchases(session, mine, FOUND_MAX)


async def _purchases(session: AsyncSession, vends: Select[Any], most: int) -> list[list[Vend]]:
    """The parts of each of the newest purchases."""
    newest = vends.where(Vend.part == 1).order_by(Vend.id.desc()).limit(most)
    firsts = (await session.scalars(newest)).all()
    by_id: dict[str, list[Vend]] = defaultdict(list)
    parts = select(Vend).where(Vend.purchase_id.in_([row.purchase_id for row in firsts])).order_by(Vend.part)
    for row in await session.scalars(parts):
        by_id[row.purchase_id].append(row)
    return [by_id[row.purchase_id] for row in firsts]
