"""Operators' sessions: login behind a durable count of failures, use, and their end."""

import secrets

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth import rules, second_factor
from cloud.auth.actor import Actor
from cloud.auth.failures import PASSWORD, SECOND_FACTOR, Failures
from cloud.auth.models import Operator, OperatorSession
from cloud.auth.passwords import Passwords
from cloud.db import Database
from cloud.errors import Forbidden, TooManyRequests, Unauthenticated
from cloud.vending.envelope import Keyring

_TOUCH_EVERY_S = 60


async def login(
    database: Database,
    passwords: Passwords,
    ring: Keyring | None,
    failures: Failures,
    email: str,
    password: str,
    code: str | None,
    remote: str,
    now: int,
) -> str:
    """Return a new session token; Unauthenticated for a wrong pair or code, TooManyRequests while it is locked.

    The attempt is counted, and durable, before password and code are looked at: attempts side by side cannot slip
    through, and a right password alone does not end the count.
    """
    operator, fits = await _tried(database, passwords, Operator.email == email.lower(), password, now)
    if operator is None or not fits:
        await (failures.of(operator, PASSWORD, remote, now) if operator else failures.of_nobody(remote, now))
        raise Unauthenticated("login_failed", "The e-mail address or the password is wrong.")
    try:
        async with database.begin() as session:
            await second_factor.check(session, ring, _actor(operator), operator, code, now)
            return await _open_session(session, operator, now)
    except Unauthenticated:
        if code is not None:  # without one, it is asked for
            await failures.of(operator, SECOND_FACTOR, remote, now)
        raise


async def confirm_password(
    database: Database,
    passwords: Passwords,
    failures: Failures,
    actor: Actor,
    password: str,
    remote: str,
    now: int,
) -> Operator:
    """Return the signed-in operator if this is their password. The try counts until it is `forgiven`."""
    operator, fits = await _tried(database, passwords, Operator.id == actor.require_person(), password, now)
    if operator is None or not fits:
        if operator is not None:
            await failures.of(operator, PASSWORD, remote, now)
        raise Forbidden("password_wrong", "The password is wrong.")
    return operator


async def _tried(
    database: Database, passwords: Passwords, which: ColumnElement[bool], password: str, now: int
) -> tuple[Operator | None, bool]:
    """Return the account, if there is one, and whether the password is its own and it may be used."""
    async with database.begin() as session:
        operator = await _counted(session, which, now)
    usable = operator is not None and operator.active
    fits = await passwords.matches(operator.password_hash if operator and usable else None, password)
    return operator, fits


async def _counted(session: AsyncSession, which: ColumnElement[bool], now: int) -> Operator | None:
    operator = await session.scalar(select(Operator).where(which).with_for_update())
    if operator is None:
        return None
    if now < operator.locked_until:
        wait_s = operator.locked_until - now
        told = f"Too many wrong passwords; try again in {wait_s} seconds."
        raise TooManyRequests("account_locked", told, retry_after_s=wait_s)
    operator.failed_logins += 1
    operator.locked_until = now + rules.lock_s(operator.failed_logins)
    return operator


async def _open_session(session: AsyncSession, operator: Operator, now: int) -> str:
    token = secrets.token_urlsafe(32)
    await forgiven(session, operator.id)
    session.add(
        OperatorSession(
            operator_id=operator.id,
            token_sha256=rules.secret_hash(token),
            created_at=now,
            used_at=now,
            expires_at=now + rules.SESSION_LIFE_S,
        )
    )
    actor = _actor(operator)
    await audit.record(session, actor, "login", actor.label, {}, utility_id=operator.utility_id, now=now)
    return token


async def forgiven(session: AsyncSession, operator_id: int) -> None:
    """Forget the failures of an account."""
    await session.execute(update(Operator).where(Operator.id == operator_id).values(failed_logins=0, locked_until=0))


async def actor_of_session(database: Database, token: str, now: int) -> Actor:
    """Return the operator behind a live session; Unauthenticated if it is over, revoked or idle for too long."""
    async with database.glance() as session:
        found = select(OperatorSession, Operator).join(Operator, Operator.id == OperatorSession.operator_id)
        row = (await session.execute(found.where(OperatorSession.token_sha256 == rules.secret_hash(token)))).first()
    if row is None or not _is_live(row[0], row[1], now):
        raise Unauthenticated("session_over", "The session is over; sign in again with POST /login.")
    if now - row[0].used_at >= _TOUCH_EVERY_S:
        async with database.begin() as session:
            await session.execute(update(OperatorSession).where(OperatorSession.id == row[0].id).values(used_at=now))
    return _actor(row[1])


def _is_live(login_session: OperatorSession, operator: Operator, now: int) -> bool:
    if login_session.revoked_at is not None or not operator.active:
        return False
    return now < login_session.expires_at and now - login_session.used_at < rules.SESSION_IDLE_S


async def logout(session: AsyncSession, actor: Actor, token: str, now: int) -> None:
    """Revoke the session of this token."""
    mine = OperatorSession.token_sha256 == rules.secret_hash(token)
    await session.execute(update(OperatorSession).where(mine).values(revoked_at=now))
    await audit.record(session, actor, "logout", actor.label, {}, utility_id=actor.utility_id, now=now)


async def end_all(session: AsyncSession, operator_id: int, now: int, but: str | None = None) -> None:
    """End every session of an operator at once, except the one of this token."""
    live = update(OperatorSession).where(
        OperatorSession.operator_id == operator_id, OperatorSession.revoked_at.is_(None)
    )
    if but is not None:
        live = live.where(OperatorSession.token_sha256 != rules.secret_hash(but))
    await session.execute(live.values(revoked_at=now))


def _actor(operator: Operator) -> Actor:
    return Actor(
        label=f"operator:{operator.id}",
        utility_id=operator.utility_id,
        scopes=rules.scopes_of(operator.role, operator.agent_id),
        role=operator.role,
        person_id=operator.id,
        agent_id=operator.agent_id,
    )
