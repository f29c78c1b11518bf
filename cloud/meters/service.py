"""Utilities, gateways and meters: making and finding them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import places
from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters import policies
from cloud.meters.models import Gateway, Meter, Utility
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.tariffs.models import Tariff
from cloud.vending import key_service
from cloud.vending.models import VendingKey
from cloud.vending.store import COMMAND, FLOOR, KeyStore, MeterIdentity, Use
from shared import kinds
from shared.documents import key_check


@dataclass(frozen=True)
class NewMeterOrder:
    """A meter to be made; `kt` is the type of the vending key, 1 default or 2 unique."""

    gateway_id: int
    channel: int
    drn: str
    commodity: str
    pulse_volume_ml: int
    customer_id: int | None
    tariff_id: int
    sgc: str
    krn: int
    kt: int
    ti: int
    opening_register_ml: int
    mode: int = 0
    meter_group: int = 0


def mode_of(payment: str, account: str, *, bulk: bool, critical_need: bool, bypass: bool) -> int:
    """The bits of kinds.MODE_* of a new meter; Refused for a bulk meter with an account."""
    if bulk and (payment, account) != ("prepayment", "unit"):
        raise Refused("bulk_account", "A bulk meter has no account; leave payment and account out.")
    flags = {
        kinds.MODE_CREDIT: payment == "credit",
        kinds.MODE_CURRENCY: account == "currency",
        kinds.MODE_BULK: bulk,
        kinds.MODE_CRITICAL: critical_need,
        kinds.MODE_BYPASS: bypass,
    }
    return sum(bit for bit, is_set in flags.items() if is_set)


async def add_utility(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    *,
    name: str,
    currency: str,
    floor_public: bytes | None,
    now: int,
) -> Utility:
    """Make a utility, its command key pair, its floor key unless one made offline is given, and its first policy."""
    actor.require_all_utilities()
    utility = Utility(name=name, currency=currency, command_public=bytes(32), floor_public=bytes(32), created_at=now)
    await insert(session, utility, Conflict("utility_exists", f"There is a utility {name}; choose another name."))
    utility.command_public = await key_store.make_signing_key(session, utility.id, COMMAND, now)
    utility.floor_public = floor_public or await key_store.make_signing_key(session, utility.id, FLOOR, now)
    policy = await policies.add_first(session, key_store, utility.id, now)
    detail = {
        "name": name,
        "command_public": utility.command_public.hex(),
        "floor_public": utility.floor_public.hex(),
        "policy_check": policy.check_value,
    }
    await audit.record(session, actor, "utility.add", f"utility:{utility.id}", detail, utility_id=utility.id, now=now)
    return utility


async def list_utilities(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Utility]:
    """Return a page of the utilities that the caller works for."""
    return await rows_after(session, of_actor(select(Utility), actor, Utility.id), Utility.id, query)


async def add_gateway(session: AsyncSession, actor: Actor, utility_id: int, name: str, now: int) -> Gateway:
    """Make a gateway; it has no device until one is enrolled."""
    actor.require_utility(utility_id)
    gateway = Gateway(utility_id=utility_id, name=name, epoch=0, created_at=now)
    await insert(session, gateway, NotFound("utility_unknown", f"There is no utility {utility_id}."))
    await audit.record(
        session, actor, "gateway.add", f"gateway:{gateway.id}", {"name": name}, utility_id=utility_id, now=now
    )
    return gateway


async def gateway_of(session: AsyncSession, actor: Actor, gateway_id: int) -> Gateway:
    """Return a gateway that the caller may see."""
    return await owned(session, actor, Gateway, gateway_id, "gateway")


async def list_gateways(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Gateway]:
    """Return a page of the gateways that the caller may see."""
    return await rows_after(session, of_actor(select(Gateway), actor, Gateway.utility_id), Gateway.id, query)


async def add_meter(session: AsyncSession, key_store: KeyStore, actor: Actor, order: NewMeterOrder, now: int) -> Meter:
    """Make a meter. All that it refers to belongs to the gateway's utility; its number and its channel are free."""
    gateway = await gateway_of(session, actor, order.gateway_id)
    key = await key_service.find(session, gateway.utility_id, order.sgc, order.krn, order.kt)
    await _check_tariff(session, actor, gateway, order)
    if order.customer_id is not None:
        customer = await owned(session, actor, Customer, order.customer_id, "customer")
        _same_utility(customer.utility_id, gateway, f"customer {order.customer_id}")
    use = Use(actor, f"meter:{order.drn}", now)
    decoder_key = await key_store.derive(session, key, MeterIdentity(order.drn, order.ti), use)
    meter = _meter(order, gateway, key, key_check(decoder_key), now)
    await insert(session, meter, _meter_refusal(order))
    if meter.customer_id is not None:
        await places.of_new_meter(session, meter, now)
    detail = {
        "gateway": gateway.id,
        "channel": order.channel,
        "pulse_volume_ml": order.pulse_volume_ml,
        "mode": order.mode,
        "meter_group": order.meter_group,
        "tariff": order.tariff_id,
        "vending_key": key.id,
        "ti": order.ti,
        "customer": order.customer_id,
    }
    await audit.record(session, actor, "meter.add", f"meter:{order.drn}", detail, utility_id=meter.utility_id, now=now)
    return meter


def _meter(order: NewMeterOrder, gateway: Gateway, key: VendingKey, check: int, now: int) -> Meter:
    return Meter(
        utility_id=gateway.utility_id,
        gateway_id=gateway.id,
        channel=order.channel,
        drn=order.drn,
        commodity=order.commodity,
        pulse_volume_ml=order.pulse_volume_ml,
        opening_register_ml=order.opening_register_ml,
        mode=order.mode,
        meter_group=order.meter_group,
        customer_id=order.customer_id,
        tariff_id=order.tariff_id,
        vending_key_id=key.id,
        ti=order.ti,
        key_check=check,
        last_tid=0,
        created_at=now,
    )


def _meter_refusal(order: NewMeterOrder) -> Conflict:
    place = f"channel {order.channel} of gateway {order.gateway_id}"
    return Conflict("meter_exists", f"The number {order.drn} or {place} is taken; check both with GET /meters.")


async def _check_tariff(session: AsyncSession, actor: Actor, gateway: Gateway, order: NewMeterOrder) -> None:
    tariff = await owned(session, actor, Tariff, order.tariff_id, "tariff")
    _same_utility(tariff.utility_id, gateway, f"tariff {order.tariff_id}")
    if tariff.commodity != order.commodity:
        raise Refused(
            "tariff_commodity", f"Tariff {tariff.id} is for {tariff.commodity}; choose one for {order.commodity}."
        )


def _same_utility(utility_id: int, gateway: Gateway, what: str) -> None:
    if utility_id != gateway.utility_id:
        raise Refused("utility_mismatch", f"{what} belongs to another utility than gateway {gateway.id}.")


async def meter_of(session: AsyncSession, actor: Actor, drn: str) -> Meter:
    """Return the meter with this number; NotFound if there is none or the caller may not see it."""
    meter = await session.scalar(select(Meter).where(Meter.drn == drn))
    if meter is None or not actor.may_see(meter.utility_id):
        raise unknown(drn)
    return meter


def unknown(drn: str) -> NotFound:
    """Return what is said of a number that no meter has, or none that the caller may see."""
    return NotFound("meter_unknown", f"There is no meter {drn}; check the number, or make it with POST /meters.")


async def drns(session: AsyncSession, meter_ids: set[int]) -> dict[int, str]:
    """Return the meter number of each of these meters."""
    return {
        row.id: row.drn for row in await session.execute(select(Meter.id, Meter.drn).where(Meter.id.in_(meter_ids)))
    }


async def set_token_limit(
    session: AsyncSession, actor: Actor, utility_id: int, token_max_ml: int | None, now: int
) -> Utility:
    """Set the most that a utility sells in one token, None for what its policy allows; larger sales are split."""
    actor.require_utility(utility_id)
    utility = await session.get(Utility, utility_id)
    if utility is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    utility.token_max_ml = token_max_ml
    detail = {"token_max_ml": token_max_ml}
    await audit.record(
        session, actor, "utility.token-limit", f"utility:{utility_id}", detail, utility_id=utility_id, now=now
    )
    return utility


async def list_meters(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Meter]:
    """Return a page of the meters that the caller may see."""
    return await rows_after(session, of_actor(select(Meter), actor, Meter.utility_id), Meter.id, query)
