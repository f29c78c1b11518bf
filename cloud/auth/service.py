"""API keys. Nobody gives a scope that they lack, and nobody reaches past their own utility."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth import rules
from cloud.auth.actor import Actor, system
from cloud.auth.models import ApiKey, Operator
from cloud.db import Database
from cloud.errors import Forbidden, NotFound, Refused, Unauthenticated
from cloud.meters.models import Utility
from cloud.rows import of_actor, rows_after
from cloud.said import Said

_KEY_PREFIX = "psk_"
_KEY_AND_OWNER = Said(
    select(ApiKey.id, ApiKey.utility_id, ApiKey.scopes, ApiKey.operator_id, ApiKey.agent_id)
    .add_columns(ApiKey.revoked_at, ApiKey.expires_at)
    .add_columns(Operator.active, Operator.role, Operator.agent_id.label("owner_agent_id"))
    .outerjoin(Operator, Operator.id == ApiKey.operator_id)
    .where(ApiKey.key_sha256 == bindparam("key_sha256"))
)


async def actor_of_key(database: Database, key: str, now: int) -> Actor:
    """Return the program behind an API key; Unauthenticated if it is unknown, revoked, over, or its owner is gone."""
    row = await database.first(_KEY_AND_OWNER, {"key_sha256": rules.secret_hash(key)})
    if row is None or not _is_live(row, now):
        raise Unauthenticated("api_key_unknown", "The API key is unknown or ended; make one with POST /api-keys.")
    owner_agent = row["owner_agent_id"]
    of_owner = rules.SCOPES if row["operator_id"] is None else rules.scopes_of(row["role"], owner_agent)
    return Actor(
        label=f"api-key:{row['id']}",
        utility_id=row["utility_id"],
        scopes=frozenset(row["scopes"]) & of_owner,
        person_id=row["operator_id"],
        agent_id=row["agent_id"] if owner_agent is None else owner_agent,
    )


def _is_live(row: Mapping[str, Any], now: int) -> bool:
    if row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now):
        return False
    return row["operator_id"] is None or bool(row["active"])


async def add_api_key(
    session: AsyncSession,
    actor: Actor,
    name: str,
    scopes: frozenset[str],
    utility_id: int | None,
    now: int,
    *,
    owner: Operator | None = None,
    expires_at: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key that belongs to the caller's person, or to `owner`; return its row and the key itself."""
    check_scopes(actor, scopes)
    reach = await reach_of(session, actor, utility_id)
    if expires_at is not None and expires_at <= now:
        raise Refused("expiry_past", "expires_at lies in the past; give a time after now, or leave it out.")
    if owner is not None:
        _check_owner(owner, scopes, reach)
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        utility_id=reach,
        name=name,
        key_sha256=rules.secret_hash(key),
        scopes=sorted(scopes),
        operator_id=actor.person_id if owner is None else owner.id,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    detail = {"name": name, "scopes": sorted(scopes), "operator": row.operator_id, "expires_at": expires_at}
    await audit.record(session, actor, "api-key.add", f"api-key:{row.id}", detail, utility_id=reach, now=now)
    return row, key


def _check_owner(owner: Operator, scopes: frozenset[str], utility_id: int | None) -> None:
    if not owner.active or (owner.utility_id is not None and owner.utility_id != utility_id):
        raise Refused("owner_unfit", f"Operator {owner.email} is not active, or works for another utility.")
    missing = sorted(scopes - rules.ROLES.get(owner.role, frozenset()))
    if missing:
        raise Refused("owner_unfit", f"Operator {owner.email} may not do {missing[0]}, so no key of theirs may.")


def check_scopes(actor: Actor, scopes: frozenset[str]) -> None:
    """Raise Refused for an unknown scope, Forbidden for one that the caller lacks."""
    unknown = sorted(scopes - rules.SCOPES)
    if unknown:
        raise Refused(
            "scope_unknown", f"There is no scope {unknown[0]!r}; there are {', '.join(sorted(rules.SCOPES))}."
        )
    missing = sorted(scopes - actor.scopes)
    if missing:
        raise Forbidden("scope_missing", f"You cannot give the scope {missing[0]}, which you do not have.")


async def reach_of(session: AsyncSession, actor: Actor, utility_id: int | None) -> int | None:
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


def command_line() -> Actor:
    """Return the actor of the command line: whoever may start programs on the server."""
    return Actor(label=system("command line").label, utility_id=None, scopes=rules.SCOPES)
