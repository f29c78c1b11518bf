"""Enrolment: a device proves that it holds its key, and gets the next epoch of a gateway with a sealed bundle.

A challenge is used once and expires. A device that proves the same key for the same gateway again, because the first
bundle was lost before any use of it, gets the same epoch with a fresh link key and password. Another key opens the
next epoch.
"""

import hashlib
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict, Refused
from cloud.ledger.models import LedgerHead
from cloud.meters import bundle, service
from cloud.meters.bundle import Broker, broker_of
from cloud.meters.models import EnrolmentChallenge, Gateway, GatewayEpoch
from cloud.rows import insert
from cloud.vending.store import KeyStore
from shared.documents import ENROL
from shared.ed25519 import well_formed

__all__ = ["Claim", "Opened", "broker_of", "mqtt_password_fits", "prove", "start"]

CHALLENGE_LIFE_S = 600
_CHALLENGE_BYTES = 32
_PASSWORD_BYTES = 32


@dataclass(frozen=True)
class Claim:
    """The 32-byte public keys that a device says are its own, its chip's number in hex, and its kind of board."""

    device_public: bytes
    seal_public: bytes
    hardware_id: str
    board: str | None = None


@dataclass(frozen=True)
class Opened:
    """An epoch that was opened, and the bundle for it as a PSseal01 document."""

    gateway: int
    epoch: int
    sealed: bytes


async def start(session: AsyncSession, actor: Actor, gateway_id: int, claim: Claim, now: int) -> EnrolmentChallenge:
    """Make a challenge for a device; Conflict if its key or its chip belongs to another gateway."""
    gateway = await service.gateway_of(session, actor, gateway_id)
    await _refuse_duplicate(session, gateway, claim)
    made = EnrolmentChallenge(
        utility_id=gateway.utility_id,
        gateway_id=gateway.id,
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        device_public=claim.device_public,
        seal_public=claim.seal_public,
        hardware_id=claim.hardware_id,
        board=claim.board,
        expires_at=now + CHALLENGE_LIFE_S,
    )
    session.add(made)
    await session.flush()
    detail = {"device_public": claim.device_public.hex(), "hardware_id": claim.hardware_id}
    subject = f"gateway:{gateway.id}"
    await audit.record(session, actor, "gateway.challenge", subject, detail, utility_id=gateway.utility_id, now=now)
    return made


async def prove(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    gateway_id: int,
    signature: bytes,
    broker: Broker,
    now: int,
) -> Opened:
    """Check the signature over the newest challenge, open the epoch and seal its bundle."""
    gateway = await service.gateway_of(session, actor, gateway_id)
    await _hold_ledger(session, gateway.id)
    challenge = await _newest_challenge(session, gateway.id, now)
    _check_signature(challenge, signature)
    await _use_up(session, challenge, now)
    await _refuse_duplicate(session, gateway, _claim(challenge))
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    enrolled = await _epoch(session, gateway, challenge, password, now)
    sealed = await bundle.make(session, key_store, actor, enrolled, password, broker, now)
    detail = {
        "epoch": enrolled.epoch,
        "device_public": enrolled.device_public.hex(),
        "hardware_id": enrolled.hardware_id,
        "board": gateway.board,
    }
    await audit.record(
        session, actor, "gateway.enrol", f"gateway:{gateway.id}", detail, utility_id=gateway.utility_id, now=now
    )
    return Opened(gateway.id, enrolled.epoch, sealed)


async def mqtt_password_fits(session: AsyncSession, gateway_id: int, password: str) -> bool:
    """Tell whether this is the broker password of the gateway's present epoch."""
    present = (
        select(GatewayEpoch.mqtt_password_sha256)
        .join(Gateway, Gateway.id == GatewayEpoch.gateway_id)
        .where(Gateway.id == gateway_id, GatewayEpoch.epoch == Gateway.epoch)
    )
    kept = await session.scalar(present)
    return kept is not None and secrets.compare_digest(kept, _password_hash(password))


async def _refuse_duplicate(session: AsyncSession, gateway: Gateway, claim: Claim) -> None:
    key_used = select(GatewayEpoch.gateway_id, GatewayEpoch.epoch).where(
        GatewayEpoch.device_public == claim.device_public
    )
    used = (await session.execute(key_used)).first()
    if used is not None and tuple(used) != (gateway.id, gateway.epoch):
        taken = f"This device key was enrolled as gateway {used[0]}, epoch {used[1]}; make the device a new key."
        raise Conflict("device_key_enrolled", taken)
    chip_used = select(Gateway.id).where(Gateway.hardware_id == claim.hardware_id, Gateway.id != gateway.id)
    other = await session.scalar(chip_used)
    if other is not None:
        taken = f"Hardware {claim.hardware_id} is enrolled as gateway {other}; enrol other hardware there first."
        raise Conflict("hardware_enrolled", taken)


async def _hold_ledger(session: AsyncSession, gateway_id: int) -> None:
    # What the new epoch opens with is what the old one ends with: nothing is taken into it meanwhile, or afterwards.
    heads = select(LedgerHead.epoch).where(LedgerHead.gateway_id == gateway_id).order_by(LedgerHead.epoch)
    await session.scalars(heads.with_for_update())


async def _newest_challenge(session: AsyncSession, gateway_id: int, now: int) -> EnrolmentChallenge:
    mine = select(EnrolmentChallenge).where(EnrolmentChallenge.gateway_id == gateway_id)
    newest = await session.scalar(mine.order_by(EnrolmentChallenge.id.desc()).limit(1))
    if newest is None or newest.used_at is not None or now >= newest.expires_at:
        raise Refused("no_challenge", "There is no open challenge; ask for one with POST /gateways/{id}/enrolment.")
    return newest


def _check_signature(challenge: EnrolmentChallenge, signature: bytes) -> None:
    document = ENROL.encode(
        utility=challenge.utility_id,
        gateway=challenge.gateway_id,
        device_public=challenge.device_public,
        seal_public=challenge.seal_public,
        challenge=challenge.challenge,
    )
    try:
        if not well_formed(challenge.device_public, signature):  # under a key of small order everybody signs
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(challenge.device_public).verify(signature, document)
    except (InvalidSignature, ValueError):
        wrong = "The signature does not fit the claimed device key and the newest challenge; answer that one."
        raise Refused("proof_wrong", wrong) from None


async def _use_up(session: AsyncSession, challenge: EnrolmentChallenge, now: int) -> None:
    unused = update(EnrolmentChallenge).where(
        EnrolmentChallenge.id == challenge.id, EnrolmentChallenge.used_at.is_(None)
    )
    taken = await session.execute(unused.values(used_at=now).returning(EnrolmentChallenge.id))
    if taken.first() is None:
        raise Conflict("challenge_used", "The challenge was used by another request; ask for a new one.")


def _claim(challenge: EnrolmentChallenge) -> Claim:
    return Claim(challenge.device_public, challenge.seal_public, challenge.hardware_id)


async def _epoch(
    session: AsyncSession, gateway: Gateway, challenge: EnrolmentChallenge, password: str, now: int
) -> GatewayEpoch:
    present = await session.scalar(
        select(GatewayEpoch).where(GatewayEpoch.gateway_id == gateway.id, GatewayEpoch.epoch == gateway.epoch)
    )
    if present is not None and present.device_public == challenge.device_public:
        await _refuse_used_epoch(session, present)
    else:
        gateway.epoch += 1
        present = GatewayEpoch(utility_id=gateway.utility_id, gateway_id=gateway.id, epoch=gateway.epoch)
    gateway.hardware_id = present.hardware_id = challenge.hardware_id
    gateway.board = challenge.board
    present.device_public = challenge.device_public
    present.seal_public = challenge.seal_public
    present.mqtt_password_sha256 = _password_hash(password)
    present.opened_at = now
    await insert(
        session, present, Conflict("enrolled_meanwhile", "The key or the chip was enrolled meanwhile; look again.")
    )
    return present


async def _refuse_used_epoch(session: AsyncSession, present: GatewayEpoch) -> None:
    head = await session.get(LedgerHead, (present.gateway_id, present.epoch))
    if head is not None and head.sequence > 0:
        used = f"Epoch {present.epoch} has ledger entries; a device that starts again needs a new key and epoch."
        raise Conflict("epoch_used", used)


def _password_hash(password: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(password.encode()).digest()
