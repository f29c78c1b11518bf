"""API keys and operators. Nobody gives a scope that they lack, and nobody reaches past their own utility."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth import rules
from cloud.auth.actor import Actor, system
from cloud.auth.models import ApiKey, Operator
from cloud.errors import Conflict, Forbidden, NotFound, Refused, Unauthenticated
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after

_KEY_PREFIX = "psk_"


async def actor_of_key(session: AsyncSession, key: str) -> Actor:
    """Return the program behind an API key; Unauthenticated if it is unknown or revoked."""
    row = await session.scalar(select(ApiKey).where(ApiKey.key_sha256 == rules.secret_hash(key)))
    if row is None or row.revoked_at is not None:
        raise Unauthenticated("api_key_unknown", "The API key is unknown or revoked; make one with POST /api-keys.")
    return Actor(label=f"api-key:{row.id}", utility_id=row.utility_id, scopes=frozenset(row.scopes) & rules.SCOPES)


async def add_api_key(
    session: AsyncSession, actor: Actor, name: str, scopes: frozenset[str], utility_id: int | None, now: int
) -> tuple[ApiKey, str]:
    """Make a key; return its row and the key itself, which is kept as a hash only."""
    _check_scopes(actor, scopes)
    reach = await _reach(session, actor, utility_id)
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(utility_id=reach, name=name, key_sha256=rules.secret_hash(key), scopes=sorted(scopes), created_at=now)
    session.add(row)
    await session.flush()
    detail = {"name": name, "scopes": sorted(scopes)}
    await audit.record(session, actor, "api-key.add", f"api-key:{row.id}", detail, utility_id=reach, now=now)
    return row, key


def _check_scopes(actor: Actor, scopes: frozenset[str]) -> None:
    unknown = sorted(scopes - rules.SCOPES)
    if unknown:
        raise Refused(
            "scope_unknown", f"There is no scope {unknown[0]!r}; there are {', '.join(sorted(rules.SCOPES))}."
        )
    missing = sorted(scopes - actor.scopes)
    if missing:
        raise Forbidden("scope_missing", f"You cannot give the scope {missing[0]}, which you do not have.")


async def _reach(session: AsyncSession, actor: Actor, utility_id: int | None) -> int | None:
    """Return the utility of a new key or operator: the one asked for, else the caller's own, else all."""
    if utility_id is None:
        return actor.utility_id
    actor.require_utility(utility_id)
    if await session.get(Utility, utility_id) is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    return utility_id


async def list_api_keys(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[ApiKey]:
    """Return a page of the keys that the caller may see."""
    return await rows_after(session, of_actor(select(ApiKey), actor, ApiKey.utility_id), ApiKey.id, query)


async def revoke_api_key(session: AsyncSession, actor: Actor, key_id: int, now: int) -> None:
    """End a key at once; NotFound if the caller cannot see it."""
    row = await session.scalar(of_actor(select(ApiKey).where(ApiKey.id == key_id), actor, ApiKey.utility_id))
    if row is None:
        raise NotFound("api_key_unknown", f"There is no API key {key_id}.")
    if row.revoked_at is None:
        row.revoked_at = now
        await audit.record(
            session, actor, "api-key.revoke", f"api-key:{row.id}", {}, utility_id=row.utility_id, now=now
        )


async def add_operator(
    session: AsyncSession,
    actor: Actor,
    *,
    email: str,
    password_hash: str,
    role: str,
    utility_id: int | None,
    now: int,
) -> Operator:
    """Make an operator; Conflict for an address in use, Forbidden for a role above the caller's own."""
    _check_scopes(actor, rules.ROLES[role])
    reach = await _reach(session, actor, utility_id)
    operator = Operator(utility_id=reach, email=email.lower(), role=role, password_hash=password_hash, created_at=now)
    await insert(session, operator, Conflict("email_used", f"There is an operator {operator.email}."))
    detail = {"email": operator.email, "role": role}
    await audit.record(session, actor, "operator.add", f"operator:{operator.id}", detail, utility_id=reach, now=now)
    return operator


async def list_operators(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Operator]:
    """Return a page of the operators that the caller may see."""
    return await rows_after(session, of_actor(select(Operator), actor, Operator.utility_id), Operator.id, query)


def command_line() -> Actor:
    """Return the actor of the command line: whoever may start programs on the server."""
    return Actor(label=system("command line").label, utility_id=None, scopes=rules.SCOPES)
