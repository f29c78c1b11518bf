"""The key store in software: random keys under the key-encryption key, opened for the moment of their use."""

import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.errors import Refused, Unavailable
from cloud.vending import sts
from cloud.vending.envelope import Keyring, Sealed, SecretDamaged, SecretLocked
from cloud.vending.models import SealedSecret, VendingKey
from cloud.vending.store import CreditToken, Encoded, MeterIdentity, Use
from shared.documents import key_check

_KEY_TYPE_DEFAULT = 1
_SECRET_BYTES = 32
_VENDING = "vending"
_LINK = "link"
_RETURN = "return"


class SealedKeyStore:
    """Implements KeyStore over the table sealed_secret; without a keyring every use is Unavailable."""

    def __init__(self, ring: Keyring | None) -> None:
        self._ring = ring

    async def make_vending_key(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the random key for a row whose attributes are final; return its check value."""
        secret = secrets.token_bytes(sts.VENDING_KEY_BYTES)
        await self._put(session, key.utility_id, _VENDING, _vending_subject(key), secret, now)
        return hmac.digest(secret, b"penstock vending key check", hashlib.sha256)[:4].hex()

    async def derive(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, use: Use) -> bytes:
        """Return the decoder key of one meter."""
        await self._audit(session, key, meter, "key.derive", use)
        return await self._decoder_key(session, key, meter)

    async def encode(
        self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, token: CreditToken, use: Use
    ) -> Encoded:
        """Return the token for one meter; Refused for credit under a default key."""
        if key.kt == _KEY_TYPE_DEFAULT:
            raise Refused("default_key", "A meter under a default key (KT 1) takes no credit; change its key first.")
        await self._audit(session, key, meter, "key.encode", use)
        decoder_key = await self._decoder_key(session, key, meter)
        digits = sts.credit_token(decoder_key, key.ea, token)
        return Encoded(digits, key_check(decoder_key))

    async def make_signing_key(self, session: AsyncSession, utility_id: int, purpose: str, now: int) -> bytes:
        """Make the utility's Ed25519 pair; return its public key."""
        seed = secrets.token_bytes(_SECRET_BYTES)
        await self._put(session, utility_id, purpose, str(utility_id), seed, now)
        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    async def sign(self, session: AsyncSession, utility_id: int, purpose: str, document: bytes) -> bytes:
        """Return the signature of a whole document."""
        seed = await self._get(session, utility_id, purpose, str(utility_id))
        return Ed25519PrivateKey.from_private_bytes(seed).sign(document)

    async def make_link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int, now: int) -> bytes:
        """Make, or replace, the link key of a gateway in an epoch."""
        secret = secrets.token_bytes(_SECRET_BYTES)
        await self._put(session, utility_id, _LINK, f"{gateway}/{epoch}", secret, now)
        return secret

    async def link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int) -> bytes:
        """Return the link key of a gateway in an epoch."""
        return await self._get(session, utility_id, _LINK, f"{gateway}/{epoch}")

    async def return_key(self, session: AsyncSession, utility_id: int, drn: str, epoch: int, now: int) -> bytes:
        """Return the return-code key of a meter in an epoch; it is made at the first call."""
        subject = f"{drn}/{epoch}"
        if await _find(session, _RETURN, subject) is None:
            await self._put(session, utility_id, _RETURN, subject, secrets.token_bytes(_SECRET_BYTES), now)
        return await self._get(session, utility_id, _RETURN, subject)

    async def rewrap(self, session: AsyncSession) -> int:
        """Put every secret under the present key-encryption key; return how many were under another."""
        ring = self._loaded()
        old = select(SealedSecret).where(SealedSecret.kek_id != ring.present.id).with_for_update()
        rows = (await session.scalars(old)).all()
        for row in rows:
            secret = self._open(row, _bound_to(row.utility_id, row.purpose, row.subject))
            _fill(row, ring.seal(secret, _bound_to(row.utility_id, row.purpose, row.subject)))
        return len(rows)

    async def _decoder_key(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity) -> bytes:
        secret = await self._get(session, key.utility_id, _VENDING, _vending_subject(key))
        return sts.decoder_key(secret, key, meter)

    async def _put(
        self, session: AsyncSession, utility_id: int, purpose: str, subject: str, secret: bytes, now: int
    ) -> None:
        row = await _find(session, purpose, subject)
        if row is None:
            row = SealedSecret(utility_id=utility_id, purpose=purpose, subject=subject, created_at=now)
            session.add(row)
        _fill(row, self._loaded().seal(secret, _bound_to(utility_id, purpose, subject)))
        await session.flush()

    async def _get(self, session: AsyncSession, utility_id: int, purpose: str, subject: str) -> bytes:
        row = await _find(session, purpose, subject)
        if row is None:
            raise Unavailable("key_missing", f"The key store has no {purpose} key for {subject}; restore it.")
        return self._open(row, _bound_to(utility_id, purpose, subject))

    def _open(self, row: SealedSecret, bound_to: str) -> bytes:
        try:
            return self._loaded().open(Sealed(row.kek_id, row.nonce, row.ciphertext), bound_to)
        except (SecretDamaged, SecretLocked) as error:
            raise Unavailable("key_unusable", f"The key store cannot use a key: {error}") from None

    def _loaded(self) -> Keyring:
        if self._ring is None:
            raise Unavailable("key_store_locked", "The key store has no key-encryption key; set PENSTOCK_KEK_FILE.")
        return self._ring

    async def _audit(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, action: str, use: Use) -> None:
        detail = {"vending_key": key.id, "check_value": key.check_value, "drn": meter.drn, "for": use.subject}
        await audit.record(
            session, use.actor, action, f"vending-key:{key.id}", detail, utility_id=key.utility_id, now=use.now
        )


async def _find(session: AsyncSession, purpose: str, subject: str) -> SealedSecret | None:
    found = select(SealedSecret).where(SealedSecret.purpose == purpose, SealedSecret.subject == subject)
    return await session.scalar(found)


def _vending_subject(key: VendingKey) -> str:
    attributes = (key.utility_id, key.sgc, key.krn, key.kt, key.base_year, key.ken, key.dkga, key.ea)
    return "/".join(str(attribute) for attribute in attributes)


def _bound_to(utility_id: int, purpose: str, subject: str) -> str:
    return f"penstock secret {purpose} of utility {utility_id} for {subject}"


def _fill(row: SealedSecret, sealed: Sealed) -> None:
    row.kek_id, row.nonce, row.ciphertext = sealed.kek_id, sealed.nonce, sealed.ciphertext
