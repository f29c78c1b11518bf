"""The second factor of a login: enrolled with the password, confirmed with a code, and no code is taken twice."""

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth import rules, totp
from cloud.auth.actor import Actor
from cloud.auth.models import Operator, RecoveryCode, SecondFactor
from cloud.errors import Conflict, NotFound, Unauthenticated, Unavailable
from cloud.vending.envelope import Keyring, Sealed, SecretDamaged, SecretLocked

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


async def enrol(session: AsyncSession, ring: Keyring | None, actor: Actor, operator: Operator, now: int) -> str:
    """Make a secret that is not in use yet, in place of an unconfirmed one; return the address for authenticators."""
    row = await _locked(session, operator.id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("second_factor_on", "A second factor is in use; take it away with POST /me/totp/remove first.")
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    if row is None:
        row = SecondFactor(operator_id=operator.id)
        session.add(row)
    _fill(row, _loaded(ring).seal(secret, _bound_to(operator.id)))
    row.step_used, row.created_at = 0, now
    await _audited(session, actor, operator, "second-factor.enrol", now)
    return totp.enrolment_uri(secret, operator.email)


async def confirm(
    session: AsyncSession, ring: Keyring | None, actor: Actor, operator: Operator, code: str, now: int
) -> list[str]:
    """Take the secret into use with a first code; return the recovery codes, which are kept as hashes only."""
    row = await _locked(session, operator.id)
    if row is None or row.confirmed_at is not None:
        raise Conflict("second_factor_not_enrolled", "There is nothing to confirm; start with POST /me/totp.")
    if not _takes(row, ring, code, now):
        raise _wrong()
    row.confirmed_at = now
    codes = [secrets.token_hex(_RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
    await session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator.id))
    session.add_all(RecoveryCode(operator_id=operator.id, code_sha256=rules.secret_hash(one)) for one in codes)
    await _audited(session, actor, operator, "second-factor.confirm", now)
    return codes


async def check(
    session: AsyncSession, ring: Keyring | None, actor: Actor, operator: Operator, code: str | None, now: int
) -> None:
    """Raise Unauthenticated unless the operator has no second factor or the code fits; what fits is used up."""
    row = await _locked(session, operator.id)
    if row is None or row.confirmed_at is None:
        return
    if code is None:
        raise Unauthenticated("second_factor_needed", "Send the code of your authenticator, or a recovery code, too.")
    if len(code) == totp.DIGITS:
        if not _takes(row, ring, code, now):
            raise _wrong()
        return
    await _use_recovery_code(session, actor, operator, code, now)


async def remove(session: AsyncSession, actor: Actor, operator: Operator, now: int) -> None:
    """Take the second factor away; NotFound if there is none."""
    row = await _locked(session, operator.id)
    if row is None:
        raise NotFound("second_factor_off", "There is no second factor.")
    await session.delete(row)
    await session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator.id))
    await _audited(session, actor, operator, "second-factor.remove", now)


async def rewrap(session: AsyncSession, ring: Keyring) -> int:
    """Put every secret under the present key-encryption key; return how many were under another."""
    old = select(SecondFactor).where(SecondFactor.kek_id != ring.present.id).with_for_update()
    rows: Sequence[SecondFactor] = (await session.scalars(old)).all()
    for row in rows:
        _fill(row, ring.seal(_secret(row, ring), _bound_to(row.operator_id)))
    return len(rows)


async def _use_recovery_code(session: AsyncSession, actor: Actor, operator: Operator, code: str, now: int) -> None:
    mine = (RecoveryCode.operator_id == operator.id, RecoveryCode.used_at.is_(None))
    fits = RecoveryCode.code_sha256 == rules.secret_hash(code.strip().lower())
    used = await session.scalar(update(RecoveryCode).where(*mine, fits).values(used_at=now).returning(RecoveryCode.id))
    if used is None:
        raise _wrong()
    await _audited(session, actor, operator, "recovery-code.use", now)


def _takes(row: SecondFactor, ring: Keyring | None, code: str, now: int) -> bool:
    step = totp.step_of(_secret(row, ring), code, now, row.step_used)
    if step is None:
        return False
    row.step_used = step
    return True


def _wrong() -> Unauthenticated:
    return Unauthenticated("second_factor_wrong", "The code is wrong, or was used already; wait for the next one.")


async def _locked(session: AsyncSession, operator_id: int) -> SecondFactor | None:
    mine = select(SecondFactor).where(SecondFactor.operator_id == operator_id)
    return await session.scalar(mine.with_for_update().execution_options(populate_existing=True))


async def _audited(session: AsyncSession, actor: Actor, operator: Operator, action: str, now: int) -> None:
    subject = f"operator:{operator.id}"
    await audit.record(session, actor, action, subject, {}, utility_id=operator.utility_id, now=now)


def _secret(row: SecondFactor, ring: Keyring | None) -> bytes:
    try:
        return _loaded(ring).open(Sealed(row.kek_id, row.nonce, row.ciphertext), _bound_to(row.operator_id))
    except (SecretDamaged, SecretLocked) as error:
        raise Unavailable("key_unusable", f"The second factor cannot be read: {error}") from None


def _loaded(ring: Keyring | None) -> Keyring:
    if ring is None:
        raise Unavailable("key_store_locked", "A second factor needs the key-encryption key; set PENSTOCK_KEK_FILE.")
    return ring


def _bound_to(operator_id: int) -> str:
    return f"penstock second factor of operator {operator_id}"


def _fill(row: SecondFactor, sealed: Sealed) -> None:
    row.kek_id, row.nonce, row.ciphertext = sealed.kek_id, sealed.nonce, sealed.ciphertext
