"""The key store: keys sealed in the database, opened for the moment of their use; vending keys perhaps in a token."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.errors import Refused, Unavailable
from cloud.vending import sts
from cloud.vending.envelope import Keyring
from cloud.vending.models import VendingKey
from cloud.vending.pkcs11_token import Pkcs11Token
from cloud.vending.sealed import SealedSecrets
from cloud.vending.store import CreditToken, Encoded, MeterIdentity, Use
from cloud.vending.vending_keys import SealedVendingKeys, TokenVendingKeys, VendingKeys
from shared import return_code
from shared.documents import key_check
from shared.sts.cipher import EA07
from shared.sts.tables import Tables

_KEY_TYPE_DEFAULT = 1
_SECRET_BYTES = 32
_LINK = "link"
_RETURN = "return"


class SealedKeyStore:
    """Implements KeyStore over the table sealed_secret; without a keyring every use is Unavailable.

    `tables` are those of EA07; without them no token for such a meter can be made. With a `token`, new vending keys of
    DKGA04 are made in it and derive in it; PKCS#11 has no MISTY1 and no STA, so tokens are encrypted here.
    """

    def __init__(self, ring: Keyring | None, tables: Tables | None = None, token: Pkcs11Token | None = None) -> None:
        self._secrets = SealedSecrets(ring)
        self._tables = tables
        software = SealedVendingKeys(self._secrets)
        self._vending_keys: VendingKeys = software if token is None else TokenVendingKeys(token, software)

    async def make_vending_key(self, session: AsyncSession, key: VendingKey, now: int) -> str:
        """Make the random key for a row whose attributes are final; return its check value."""
        return await self._vending_keys.make(session, key, now)

    async def derive(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, use: Use) -> bytes:
        """Return the decoder key of one meter."""
        await self._audit(session, key, meter, "key.derive", use)
        return await self._vending_keys.decoder_key(session, key, meter)

    async def encode(
        self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, token: CreditToken, use: Use
    ) -> Encoded:
        """Return the token for one meter; Refused for credit under a default key."""
        if key.kt == _KEY_TYPE_DEFAULT:
            raise Refused("default_key", "A meter under a default key (KT 1) takes no credit; change its key first.")
        await self._audit(session, key, meter, "key.encode", use)
        decoder_key = await self._vending_keys.decoder_key(session, key, meter)
        digits = sts.credit_token(decoder_key, key.ea, self._tables_for(key), token)
        return Encoded(digits, key_check(decoder_key))

    async def key_change(
        self,
        session: AsyncSession,
        old: VendingKey,
        old_meter: MeterIdentity,
        new: VendingKey,
        new_meter: MeterIdentity,
        use: Use,
    ) -> list[Encoded]:
        """Return the sections from one decoder key of a meter to the next; the use of both vending keys is audited."""
        await self._audit(session, old, old_meter, "key.change", use)
        await self._audit(session, new, new_meter, "key.derive", use)
        old_key = await self._vending_keys.decoder_key(session, old, old_meter)
        new_key = await self._vending_keys.decoder_key(session, new, new_meter)
        sections = sts.key_change_tokens(old_key, old, new_key, new, new_meter.ti, self._tables_for(old))
        return [Encoded(digits, key_check(old_key)) for digits in sections]

    async def void(
        self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, tid: int, target_tid: int, use: Use
    ) -> Encoded:
        """Return the token that burns an identifier of one meter; Refused if it lies too far back."""
        await self._audit(session, key, meter, "key.void", use)
        decoder_key = await self._vending_keys.decoder_key(session, key, meter)
        digits = sts.void_token(decoder_key, key.ea, self._tables_for(key), tid, target_tid)
        return Encoded(digits, key_check(decoder_key))

    def sta_tables(self) -> bytes:
        """Return the tables of EA07 as they stand in a bundle, empty when there are none."""
        tables = self._tables
        return b"" if tables is None else tables.s1 + tables.s2 + tables.p

    async def make_signing_key(self, session: AsyncSession, utility_id: int, purpose: str, now: int) -> bytes:
        """Make the utility's Ed25519 pair; return its public key."""
        seed = secrets.token_bytes(_SECRET_BYTES)
        await self._secrets.put(session, utility_id, purpose, str(utility_id), seed, now)
        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    async def sign(self, session: AsyncSession, utility_id: int, purpose: str, document: bytes) -> bytes:
        """Return the signature of a whole document."""
        seed = await self._secrets.get(session, utility_id, purpose, str(utility_id))
        return Ed25519PrivateKey.from_private_bytes(seed).sign(document)

    async def make_link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int, now: int) -> bytes:
        """Make, or replace, the link key of a gateway in an epoch."""
        secret = secrets.token_bytes(_SECRET_BYTES)
        await self._secrets.put(session, utility_id, _LINK, f"{gateway}/{epoch}", secret, now)
        return secret

    async def link_key(self, session: AsyncSession, utility_id: int, gateway: int, epoch: int) -> bytes:
        """Return the link key of a gateway in an epoch."""
        return await self._secrets.get(session, utility_id, _LINK, f"{gateway}/{epoch}")

    async def return_key(self, session: AsyncSession, utility_id: int, drn: str, epoch: int, now: int) -> bytes:
        """Return the return-code key of a meter in an epoch; it is made at the first call."""
        subject = f"{drn}/{epoch}"
        if not await self._secrets.has(session, _RETURN, subject):
            await self._secrets.put(session, utility_id, _RETURN, subject, secrets.token_bytes(_SECRET_BYTES), now)
        return await self._secrets.get(session, utility_id, _RETURN, subject)

    async def check_return_code(
        self,
        session: AsyncSession,
        utility_id: int,
        drn: str,
        epoch: int,
        code: str,
        candidates: list[tuple[int, int, int, int]],
        use: Use,
    ) -> tuple[int, int, int, int] | None:
        """Return which of the candidates a code of a meter stands for; each guess is audited."""
        key = await self._secrets.get(session, utility_id, _RETURN, f"{drn}/{epoch}")
        found = return_code.check(key, code, epoch, candidates)
        detail = {"drn": drn, "epoch": epoch, "candidates": len(candidates), "fits": found is not None}
        await audit.record(
            session, use.actor, "key.return-code", use.subject, detail, utility_id=utility_id, now=use.now
        )
        return found

    async def pin(self, session: AsyncSession, utility_id: int, drn: str, epoch: int, use: Use) -> str:
        """Return the 4 digits of a meter's customer."""
        key = await self._secrets.get(session, utility_id, _RETURN, f"{drn}/{epoch}")
        detail = {"drn": drn, "epoch": epoch}
        await audit.record(session, use.actor, "key.pin", use.subject, detail, utility_id=utility_id, now=use.now)
        return return_code.pin(key)

    async def rewrap(self, session: AsyncSession) -> int:
        """Put every secret under the present key-encryption key; return how many were under another."""
        return await self._secrets.rewrap(session)

    def _tables_for(self, key: VendingKey) -> Tables | None:
        if key.ea == EA07 and self._tables is None:
            raise Unavailable("tables_missing", "EA07 needs the operator's tables; set PENSTOCK_STA_TABLES_FILE.")
        return self._tables

    async def _audit(self, session: AsyncSession, key: VendingKey, meter: MeterIdentity, action: str, use: Use) -> None:
        detail = {"vending_key": key.id, "check_value": key.check_value, "drn": meter.drn, "for": use.subject}
        await audit.record(
            session, use.actor, action, f"vending-key:{key.id}", detail, utility_id=key.utility_id, now=use.now
        )
