"""Opening an account in one step: customer, place, meter, tariff class, billing, contacts and language, or nothing.

What there is already is named by its number; what there is not is made. All of it is one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import finals, places, service
from cloud.accounts.contacts import Way
from cloud.accounts.models import Account, Customer, ServicePoint
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import by_hand, spans
from cloud.commands import orders
from cloud.commands.models import Command, CommandRequest
from cloud.errors import Refused
from cloud.meters import service as meters
from cloud.meters.models import Gateway, Meter, MeterOpening
from cloud.meters.service import NewMeterOrder
from cloud.rows import owned
from cloud.tariffs.models import Tariff
from cloud.vending.store import KeyStore
from shared import kinds

_BILLED = kinds.MODE_CREDIT | kinds.MODE_CRITICAL


@dataclass(frozen=True)
class NewCustomer:
    """A customer to be made, and the ways to them in order."""

    name: str
    language: str
    contacts: Sequence[Way]


@dataclass(frozen=True)
class NewPoint:
    """A place to be made; coordinates in 1/1000000 of a degree."""

    place: str
    address: str | None = None
    latitude_e6: int | None = None
    longitude_e6: int | None = None


@dataclass(frozen=True)
class Billing:
    """How the account is charged: payment `prepayment` or `credit`, the meter's group, protection, and who lives there.

    The group chooses policy and allowance.
    """

    payment: str
    meter_group: int
    critical_need: bool
    persons: int | None


@dataclass(frozen=True)
class Opening:
    """An account to be opened. `meter` is a number, or one to be made; None is the meter that stays at the place."""

    utility_id: int
    customer: int | NewCustomer
    point: int | NewPoint
    meter: str | NewMeterOrder | None
    tariff_id: int
    billing: Billing


@dataclass(frozen=True)
class Opened:
    """An account that was opened. `order` is what its meter was told about its mode, where it had to be told."""

    account: Account
    customer: Customer
    point: ServicePoint
    meter: Meter
    order: Command | CommandRequest | None


async def open_account(session: AsyncSession, key_store: KeyStore, actor: Actor, wanted: Opening, now: int) -> Opened:
    """Open an account; Conflict if one is open at the place, Refused if its parts do not go together."""
    actor.require_utility(wanted.utility_id)
    customer = await _customer(session, actor, wanted, now)
    tariff = await owned(session, actor, Tariff, wanted.tariff_id, "tariff")
    point = await _point(session, actor, wanted, tariff, now)
    meter = await _meter(session, key_store, actor, wanted, point, now)
    _check(wanted, customer, point, meter, tariff)
    standing = await finals.of(session, meter, finals.LAST_VERIFIED, now)
    stay = await places.stay_of(session, meter.id)
    if stay is None or stay.service_point_id != point.id:
        await places.install(session, point, meter, standing.register_ml, now)
    persons = wanted.billing.persons
    account = await places.move_in(session, customer.id, point, meter, persons, standing.register_ml, now)
    meter.tariff_id = tariff.id
    order = await _bill(session, actor, meter, wanted.billing, now)
    await spans.cut(session, meter, customer.id, now)
    detail = {"customer": customer.id, "service_point": point.id, "drn": meter.drn, "tariff": tariff.id}
    detail |= {"register_ml": standing.register_ml, "balance": standing.balance, "payment": wanted.billing.payment}
    subject = f"account:{account.id}"
    await audit.record(session, actor, "account.open", subject, detail, utility_id=account.utility_id, now=now)
    return Opened(account, customer, point, meter, order)


async def _customer(session: AsyncSession, actor: Actor, wanted: Opening, now: int) -> Customer:
    if isinstance(wanted.customer, int):
        return await owned(session, actor, Customer, wanted.customer, "customer")
    new = wanted.customer
    row = Customer(utility_id=wanted.utility_id, name=new.name, language=new.language, created_at=now)
    return await service.add(session, actor, row, new.contacts)


async def _point(session: AsyncSession, actor: Actor, wanted: Opening, tariff: Tariff, now: int) -> ServicePoint:
    if isinstance(wanted.point, int):
        return await places.point_of(session, actor, wanted.point)
    new = wanted.point
    point = ServicePoint(
        utility_id=wanted.utility_id,
        place=new.place,
        address=new.address,
        latitude_e6=new.latitude_e6,
        longitude_e6=new.longitude_e6,
        commodity=tariff.commodity,
        created_at=now,
    )
    session.add(point)
    await session.flush()
    return point


async def _meter(
    session: AsyncSession, key_store: KeyStore, actor: Actor, wanted: Opening, point: ServicePoint, now: int
) -> Meter:
    if isinstance(wanted.meter, NewMeterOrder):
        return await meters.add_meter(session, key_store, actor, wanted.meter, now)
    if isinstance(wanted.meter, str):
        found = await meters.meter_of(session, actor, wanted.meter)
        return await places.locked_meter(session, found.id)
    stay = await places.stay_at(session, point.id)
    if stay is None:
        raise Refused("no_meter", f"Service point {point.id} has no meter; name the one that is there now.")
    return await places.locked_meter(session, stay.meter_id)


def _check(wanted: Opening, customer: Customer, point: ServicePoint, meter: Meter, tariff: Tariff) -> None:
    for row, what in ((customer, "customer"), (point, "service point"), (meter, "meter"), (tariff, "tariff")):
        if row.utility_id != wanted.utility_id:
            raise Refused("utility_mismatch", f"The {what} belongs to another utility than {wanted.utility_id}.")
    if tariff.commodity != point.commodity or tariff.commodity != meter.commodity:
        said = f"Tariff {tariff.id} is for {tariff.commodity}, the place for {point.commodity}, the meter for"
        raise Refused("tariff_commodity", f"{said} {meter.commodity}; all three are of one commodity.")
    if meter.bulk:
        raise Refused("bulk_account", f"Meter {meter.drn} is a bulk meter, which has no account.")


async def _bill(
    session: AsyncSession, actor: Actor, meter: Meter, billing: Billing, now: int
) -> Command | CommandRequest | None:
    """Charge the meter so from now on: by its row before a device is there, by an order afterwards."""
    wanted = (billing.payment, billing.meter_group, billing.critical_need)
    if (meter.payment, meter.meter_group, meter.critical_need) == wanted:
        return None
    gateway = await session.get_one(Gateway, meter.gateway_id)
    if await session.get(MeterOpening, (meter.id, gateway.epoch)) is None:
        bits = kinds.MODE_CREDIT if billing.payment == "credit" else 0
        bits |= kinds.MODE_CRITICAL if billing.critical_need else 0
        meter.mode, meter.meter_group = meter.mode & ~_BILLED | bits, billing.meter_group
        await session.flush()
        return None
    await by_hand.check_empty(session, meter, billing.payment)
    order = await orders.mode(
        session,
        meter,
        payment=billing.payment,
        arrears="none",
        critical_need=billing.critical_need,
        meter_group=billing.meter_group,
        reason="account opened",
    )
    return await orders.give(session, actor, order, now)
