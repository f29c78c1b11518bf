"""The bundle of an enrolment: every key and setting of a gateway, sealed so that its device alone can read it."""

import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.config import Config
from cloud.errors import Refused, Unavailable
from cloud.meters import floors, policies, standing
from cloud.meters.models import GatewayEpoch, Meter, MeterOpening, PolicyDocument, Utility
from cloud.tariffs import device as device_tariffs
from cloud.tariffs.models import DeviceTariff
from cloud.vending.models import VendingKey
from cloud.vending.store import KeyStore, MeterIdentity, Use
from shared import kinds
from shared.documents import BUNDLE, BUNDLE_METER, COMMODITIES, SEAL_CONTEXT, SEALED, key_check
from shared.seal import seal
from shared.sts.cipher import EA07
from shared.sts.errors import RangeError
from shared.sts.time_id import minutes_at
from shared.wire import Layout
from shared.x25519 import PublicKeyError

_NO_TABLES = b""
_FURTHER = Layout(b"", (("document", "v2"),))


@dataclass(frozen=True)
class Broker:
    """Where gateways find the broker, and the DER of the authority that its certificate must come from."""

    host: str
    port: int
    ca_der: bytes


def broker_of(config: Config) -> Broker:
    """Return the configured broker; Unavailable while its authority is not configured."""
    if config.broker_ca is None:
        raise Unavailable("broker_ca_missing", "Gateways need the broker's authority; set PENSTOCK_BROKER_CA.")
    try:
        der = ssl.PEM_cert_to_DER_cert(config.broker_ca.read_text().strip())
    except (OSError, ValueError):
        raise Unavailable(
            "broker_ca_unreadable", "PENSTOCK_BROKER_CA is no readable PEM certificate; correct it."
        ) from None
    return Broker(config.mqtt_host, config.mqtt_port, der)


async def make(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    enrolled: GatewayEpoch,
    password: str,
    broker: Broker,
    now: int,
) -> bytes:
    """Return the PSseal01 document for an epoch; opens every meter of the gateway in it."""
    who = {"utility": enrolled.utility_id, "gateway": enrolled.gateway_id, "epoch": enrolled.epoch}
    utility = await session.get_one(Utility, enrolled.utility_id)
    policy = await policies.latest(session, enrolled.utility_id)
    floor = await floors.latest(session, enrolled.utility_id)
    meters = await _meters(session, enrolled)
    plain = BUNDLE.encode(
        **who,
        issued_s=now,
        command_public=utility.command_public,
        floor_public=utility.floor_public,
        link_key=await key_store.make_link_key(session, utility.id, enrolled.gateway_id, enrolled.epoch, now),
        broker_host=broker.host.encode(),
        broker_port=broker.port,
        broker_user=f"gw-{enrolled.gateway_id}".encode(),
        broker_password=password.encode(),
        broker_ca=broker.ca_der,
        policy=policy.document + policy.signature,
        floor=floor.document + floor.signature if floor else b"",
        more=b"".join([_FURTHER.encode(document=one) for one in await _further(session, utility.id, meters, now)]),
        tables=_tables(key_store, meters),
        meters=b"".join([await _meter(session, key_store, actor, enrolled, meter, key, now) for meter, key in meters]),
    )
    return SEALED.encode(**who, box=_sealed(enrolled.seal_public, SEAL_CONTEXT.encode(**who), plain))


async def _further(
    session: AsyncSession, utility_id: int, meters: Sequence[tuple[Meter, VendingKey]], now: int
) -> list[bytes]:
    """The signed policies of the other groups, and the tariffs of groups whose meters' accounts hold money."""
    groups = sorted({meter.meter_group for meter, _ in meters})
    priced = sorted({meter.meter_group for meter, _ in meters if meter.mode & kinds.MODE_CURRENCY})
    rows: list[PolicyDocument | DeviceTariff] = []
    for group in groups:
        own = await policies.latest_of(session, utility_id, group) if group != policies.ALL_METERS else None
        rows += [own] if own is not None else []
    for group in priced:
        tariffs = await device_tariffs.in_force_and_next(session, utility_id, group, now)
        if not tariffs or tariffs[0].effective_from_s > now:
            raise Refused(
                "no_tariff", f"Group {group} holds money and has no tariff in effect; see POST /device-tariffs."
            )
        rows += tariffs
    return [row.document + row.signature for row in rows]


def _sealed(seal_public: bytes, context: bytes, plain: bytes) -> bytes:
    try:
        return seal(seal_public, secrets.token_bytes(32), secrets.token_bytes(16), context, plain)
    except PublicKeyError:
        raise Refused(
            "seal_key_weak", "The device's seal key is no usable X25519 key; make the device new keys."
        ) from None


async def _meters(session: AsyncSession, enrolled: GatewayEpoch) -> list[tuple[Meter, VendingKey]]:
    mine = select(Meter).where(Meter.gateway_id == enrolled.gateway_id, Meter.closed_at.is_(None))
    found: Sequence[Meter] = (await session.scalars(mine.order_by(Meter.channel).with_for_update())).all()
    if not found:
        raise Refused("no_meters", "The gateway has no meters; make them with POST /meters before it is enrolled.")
    return [(meter, await session.get_one(VendingKey, meter.vending_key_id)) for meter in found]


def _tables(key_store: KeyStore, meters: Sequence[tuple[Meter, VendingKey]]) -> bytes:
    # Licensed material: it goes only where a meter needs it.
    if all(key.ea != EA07 for _, key in meters):
        return _NO_TABLES
    tables = key_store.sta_tables()
    if not tables:
        raise Unavailable("tables_missing", "EA07 needs the operator's tables; set PENSTOCK_STA_TABLES_FILE.")
    return tables


async def _meter(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    enrolled: GatewayEpoch,
    meter: Meter,
    key: VendingKey,
    now: int,
) -> bytes:
    use = Use(actor, f"gateway:{enrolled.gateway_id}/{enrolled.epoch}", now)
    decoder_key = await key_store.derive(session, key, MeterIdentity(meter.drn, meter.ti), use)
    opening = await _open(session, enrolled, meter, key, key_check(decoder_key), now)
    return BUNDLE_METER.encode(
        channel=meter.channel,
        drn=meter.drn.encode(),
        commodity=COMMODITIES.index(meter.commodity),
        pulse_volume_ml=meter.pulse_volume_ml,
        mode=meter.mode,
        group=meter.meter_group,
        ea=key.ea,
        decoder_key=decoder_key,
        sgc=int(key.sgc),
        krn=key.krn,
        kt=key.kt,
        ken=key.ken,
        ti=meter.ti,
        base_year=key.base_year,
        tid_minimum=opening.tid_minimum,
        return_key=await key_store.return_key(session, meter.utility_id, meter.drn, enrolled.epoch, now),
        opening_balance=opening.balance_ml,
        opening_register=opening.register_ml,
    )


async def _open(
    session: AsyncSession, enrolled: GatewayEpoch, meter: Meter, key: VendingKey, check: int, now: int
) -> MeterOpening:
    # A meter that was open before goes on from what its ledger said last; a new one from what its register shows, and
    # from the balance of the meter that it replaced.
    before = await standing.of(session, meter)
    minimum = max(_minutes(meter, key, now), meter.last_tid)
    meter.last_tid = minimum
    opening = await session.merge(
        MeterOpening(
            meter_id=meter.id,
            epoch=enrolled.epoch,
            utility_id=meter.utility_id,
            gateway_id=enrolled.gateway_id,
            channel=meter.channel,
            balance_ml=meter.opening_balance if before.state is None else before.net,
            register_ml=meter.opening_register_ml if before.register_ml is None else before.register_ml,
            tid_minimum=minimum,
            krn=key.krn,
            ti=meter.ti,
            key_check=check,
            mode=meter.mode,
            meter_group=meter.meter_group,
            pulse_volume_ml=meter.pulse_volume_ml,
            entry_sequence=None,
            group_end=None,
            opened_at=now,
        )
    )
    await session.flush()
    return opening


def _minutes(meter: Meter, key: VendingKey, now: int) -> int:
    try:
        return minutes_at(now, key.base_year)
    except RangeError as error:
        stopped = f"Meter {meter.drn} takes no more tokens under its key: {error}; it needs a new key first."
        raise Refused("tid_exhausted", stopped) from None
