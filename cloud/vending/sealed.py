"""Secrets in the table sealed_secret: put under the key-encryption key, opened for the moment of their use."""

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.errors import Unavailable
from cloud.vending.envelope import Keyring, Sealed, SecretDamaged, SecretLocked
from cloud.vending.models import SealedSecret

_OF_SUBJECT = (
    select(SealedSecret)
    .where(SealedSecret.purpose == bindparam("purpose"), SealedSecret.subject == bindparam("subject"))
    .execution_options(autoflush=False)  # what is put is flushed at once
)
_READ = "sealed_read"


def note(session: AsyncSession, purpose: str, subject: str, found: Sealed) -> None:
    """Tell what was read of a secret along with other things, so that its use asks the database nothing."""
    session.info.setdefault(_READ, {})[purpose, subject] = found


class SealedSecrets:
    """One secret for each purpose and subject; without a keyring every use is Unavailable."""

    def __init__(self, ring: Keyring | None) -> None:
        self._ring = ring

    async def put(
        self, session: AsyncSession, utility_id: int, purpose: str, subject: str, secret: bytes, now: int
    ) -> None:
        """Keep a secret, in place of the one before it."""
        row = await _find(session, purpose, subject)
        if row is None:
            row = SealedSecret(utility_id=utility_id, purpose=purpose, subject=subject, created_at=now)
            session.add(row)
        _fill(row, self._loaded().seal(secret, _bound_to(utility_id, purpose, subject)))
        session.info.get(_READ, {}).pop((purpose, subject), None)
        await session.flush()

    async def get(self, session: AsyncSession, utility_id: int, purpose: str, subject: str) -> bytes:
        """Return a secret; Unavailable if it is not there or cannot be opened."""
        found = await _sealed(session, purpose, subject)
        if found is None:
            raise Unavailable("key_missing", f"The key store has no {purpose} key for {subject}; restore it.")
        return self._open(found, _bound_to(utility_id, purpose, subject))

    async def has(self, session: AsyncSession, purpose: str, subject: str) -> bool:
        """Tell whether a secret is there."""
        return await _sealed(session, purpose, subject) is not None

    async def rewrap(self, session: AsyncSession) -> int:
        """Put every secret under the present key-encryption key; return how many were under another."""
        ring = self._loaded()
        old = select(SealedSecret).where(SealedSecret.kek_id != ring.present.id).with_for_update()
        rows = (await session.scalars(old)).all()
        for row in rows:
            bound_to = _bound_to(row.utility_id, row.purpose, row.subject)
            _fill(row, ring.seal(self._open(_held(row), bound_to), bound_to))
        return len(rows)

    def _open(self, found: Sealed, bound_to: str) -> bytes:
        try:
            return self._loaded().open(found, bound_to)
        except (SecretDamaged, SecretLocked) as error:
            raise Unavailable("key_unusable", f"The key store cannot use a key: {error}") from None

    def _loaded(self) -> Keyring:
        if self._ring is None:
            raise Unavailable("key_store_locked", "The key store has no key-encryption key; set PENSTOCK_KEK_FILE.")
        return self._ring


async def _sealed(session: AsyncSession, purpose: str, subject: str) -> Sealed | None:
    noted: Sealed | None = session.info.get(_READ, {}).get((purpose, subject))
    if noted is not None:
        return noted
    row = await _find(session, purpose, subject)
    return None if row is None else _held(row)


async def _find(session: AsyncSession, purpose: str, subject: str) -> SealedSecret | None:
    return await session.scalar(_OF_SUBJECT, {"purpose": purpose, "subject": subject})


def _bound_to(utility_id: int, purpose: str, subject: str) -> str:
    return f"penstock secret {purpose} of utility {utility_id} for {subject}"


def _held(row: SealedSecret) -> Sealed:
    return Sealed(row.kek_id, row.nonce, row.ciphertext)


def _fill(row: SealedSecret, sealed: Sealed) -> None:
    row.kek_id, row.nonce, row.ciphertext = sealed.kek_id, sealed.nonce, sealed.ciphertext
