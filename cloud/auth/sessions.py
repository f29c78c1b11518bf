"""Operators' sessions: login behind a durable count of failures, use, and logout."""

import secrets

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth import rules
from cloud.auth.actor import Actor
from cloud.auth.models import Operator, OperatorSession
from cloud.auth.passwords import Passwords
from cloud.db import Database
from cloud.errors import TooManyRequests, Unauthenticated

_TOUCH_EVERY_S = 60


async def login(database: Database, passwords: Passwords, email: str, password: str, now: int) -> str:
    """Return a new session token; Unauthenticated for a wrong pair, TooManyRequests while the account is locked.

    The attempt is counted, and durable, before the password is looked at: attempts side by side cannot slip through.
    """
    async with database.begin() as session:
        operator = await _counted(session, email.lower(), now)
    usable = operator is not None and operator.active
    if not await passwords.matches(operator.password_hash if operator and usable else None, password):
        raise Unauthenticated("login_failed", "The e-mail address or the password is wrong.")
    assert operator is not None
    async with database.begin() as session:
        return await _open_session(session, operator, now)


async def _counted(session: AsyncSession, email: str, now: int) -> Operator | None:
    operator = await session.scalar(select(Operator).where(Operator.email == email).with_for_update())
    if operator is None:
        return None
    if now < operator.locked_until:
        wait_s = operator.locked_until - now
        raise TooManyRequests("account_locked", f"Too many wrong passwords; try again in {wait_s} seconds.")
    operator.failed_logins += 1
    operator.locked_until = now + rules.lock_s(operator.failed_logins)
    return operator


async def _open_session(session: AsyncSession, operator: Operator, now: int) -> str:
    token = secrets.token_urlsafe(32)
    await session.execute(update(Operator).where(Operator.id == operator.id).values(failed_logins=0, locked_until=0))
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


async def actor_of_session(database: Database, token: str, now: int) -> Actor:
    """Return the operator behind a live session; Unauthenticated if it is over, revoked or idle for too long."""
    async with database.read() as session:
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


def _actor(operator: Operator) -> Actor:
    return Actor(
        label=f"operator:{operator.id}",
        utility_id=operator.utility_id,
        scopes=rules.ROLES.get(operator.role, frozenset()),
        role=operator.role,
    )
