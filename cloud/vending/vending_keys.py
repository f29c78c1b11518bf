"""Where vending keys are made and used: sealed in the database, or inside a PKCS#11 token that they never leave."""

import hashlib
import hmac
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.errors import Unavailable
from cloud.vending import sts
from cloud.vending.models import VendingKey
from cloud.vending.pkcs11_token import KeyNotThere, Pkcs11Token, TokenUnusable
from cloud.vending.sealed import SealedSecrets
from cloud.vending.store import MeterIdentity

_PURPOSE = "vending"
_CHECK_TEXT = b"penstock vending key check"
_CHECK_BYTES = 4
_ATTRIBUTES = ("utility_id", "sgc", "krn", "kt", "base_year", "ken", "dkga", "ea")


class VendingKeys(Protocol):
    """Makes vending keys, and the decoder keys under them."""

    async def make(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the random key for a row whose attributes are final; return its check value, 8 hex digits."""

    async def decoder_key(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity) -> bytes:
        """Return the decoder key of one meter, 8 or 16 bytes; Unavailable if the vending key cannot be used."""


class SealedVendingKeys:
    """Vending keys as sealed secrets, for every algorithm."""

    def __init__(self, secrets: SealedSecrets) -> None:
        self._secrets = secrets

    async def make(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the random key for a row whose attributes are final; return its check value."""
        secret = sts.new_vending_key(key.dkga)
        await self._secrets.put(session, key.utility_id, _PURPOSE, _subject(key), secret, now)
        return hmac.digest(secret, _CHECK_TEXT, hashlib.sha256)[:_CHECK_BYTES].hex()

    async def decoder_key(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity) -> bytes:
        """Return the decoder key of one meter."""
        secret = await self._secrets.get(session, key.utility_id, _PURPOSE, _subject(key))
        return sts.decoder_key(secret, key, meter)

    async def holds(self, session: AsyncSession, key: VendingKey) -> bool:
        """Tell whether this vending key was made here."""
        return await self._secrets.has(session, _PURPOSE, _subject(key))


class TokenVendingKeys:
    """New keys of DKGA04 inside a PKCS#11 token; the rest, and what was made before there was one, in software."""

    def __init__(self, token: Pkcs11Token, software: SealedVendingKeys) -> None:
        self._token = token
        self._software = software

    async def make(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the key in the token if the token can derive with it.

        Its label ends in its check value, so a key whose row was rolled back is never mistaken for another.
        """
        if key.dkga != sts.DKGA04:
            return await self._software.make(session, key, now)

        def label_for(mac: bytes) -> str:
            return _label(key, mac[:_CHECK_BYTES].hex())

        try:
            mac = await self._token.make(_CHECK_TEXT, label_for)
        except TokenUnusable as error:
            raise _unusable(error) from None
        return mac[:_CHECK_BYTES].hex()

    async def decoder_key(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity) -> bytes:
        """Return the decoder key of one meter; the vending key works where it was made."""
        if await self._software.holds(session, key):
            return await self._software.decoder_key(session, key, meter)
        try:
            mac = await self._token.hmac_sha256(_label(key, key.check_value), sts.dkga04_input(key, meter))
        except KeyNotThere:
            missing = f"Neither the database nor the token has the vending key for {_subject(key)}; restore it."
            raise Unavailable("key_missing", missing) from None
        except TokenUnusable as error:
            raise _unusable(error) from None
        return sts.leftmost(mac, key)


def sealed_name(key: VendingKey) -> tuple[str, str]:
    """Return the purpose and the subject under which a vending key is sealed, if it is."""
    return _PURPOSE, _subject(key)


def _subject(key: VendingKey) -> str:
    return "/".join(str(getattr(key, name)) for name in _ATTRIBUTES)


def _label(key: VendingKey, check_value: str) -> str:
    return f"penstock vending {_subject(key)} {check_value}"


def _unusable(error: TokenUnusable) -> Unavailable:
    return Unavailable("key_unusable", f"The key store cannot use a key: {error}")
