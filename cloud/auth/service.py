"""API keys. Nobody gives a scope that they lack, and nobody reaches past their own utility."""

import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth import rules
from cloud.auth.actor import Actor, system
from cloud.auth.models import ApiKey, Operator
from cloud.errors import Forbidden, NotFound, Refused, Unauthenticated
from cloud.meters.models import Utility
from cloud.rows import of_actor, rows_after

_KEY_PREFIX = "psk_"
_KEY_AND_OWNER = (
    select(ApiKey, Operator)
    .outerjoin(Operator, Operator.id == ApiKey.operator_id)
    .where(ApiKey.key_sha256 == bindparam("key_sha256"))
)


async def actor_of_key(session: AsyncSession, key: str, now: int) -> Actor:
    """Return the program behind an API key; Unauthenticated if it is unknown, revoked, over, or its owner is gone."""
    pair = (await session.execute(_KEY_AND_OWNER, {"key_sha256": rules.secret_hash(key)})).first()
    if pair is None or not _is_live(pair[0], pair[1], now):
        raise Unauthenticated("api_key_unknown", "The API key is unknown or ended; make one with POST /api-keys.")
    row, owner = pair
    scopes = frozenset(row.scopes) & (rules.SCOPES if owner is None else rules.scopes_of(owner.role, owner.agent_id))
    label = f"api-key:{row.id}"
    agent_id = owner.agent_id if owner is not None and owner.agent_id is not None else row.agent_id
    return Actor(label=label, utility_id=row.utility_id, scopes=scopes, person_id=row.operator_id, agent_id=agent_id)


def _is_live(key: ApiKey, owner: Operator | None, now: int) -> bool:
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return False
    return owner is None or owner.active


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
