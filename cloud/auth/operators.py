"""Operators: made, ended and brought back by those above them, and what each does with the own account."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth import rules, second_factor, sessions
from cloud.auth import service as keys
from cloud.auth.actor import Actor
from cloud.auth.models import ApiKey, Operator
from cloud.errors import Conflict, Forbidden, NotFound
from cloud.rows import insert, of_actor, owned, rows_after


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
    keys.check_scopes(actor, rules.ROLES[role])
    reach = await keys.reach_of(session, actor, utility_id)
    operator = Operator(utility_id=reach, email=email.lower(), role=role, password_hash=password_hash, created_at=now)
    await insert(session, operator, Conflict("email_used", f"There is an operator {operator.email}."))
    detail = {"email": operator.email, "role": role}
    await audit.record(session, actor, "operator.add", f"operator:{operator.id}", detail, utility_id=reach, now=now)
    return operator


async def list_operators(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Operator]:
    """Return a page of the operators that the caller may see."""
    return await rows_after(session, of_actor(select(Operator), actor, Operator.utility_id), Operator.id, query)


async def deactivate(session: AsyncSession, actor: Actor, operator_id: int, now: int) -> Operator:
    """End an operator: sessions and keys die with this transaction. Nobody ends the own account."""
    operator = await _managed(session, actor, operator_id)
    operator.active = False
    await sessions.end_all(session, operator.id, now)
    alive = (ApiKey.operator_id == operator.id, ApiKey.revoked_at.is_(None))
    await session.execute(update(ApiKey).where(*alive).values(revoked_at=now))
    return await _audited(session, actor, operator, "operator.deactivate", now)


async def activate(session: AsyncSession, actor: Actor, operator_id: int, now: int) -> Operator:
    """Let an operator sign in again; what ended with them stays ended."""
    operator = await _managed(session, actor, operator_id)
    operator.active = True
    return await _audited(session, actor, operator, "operator.activate", now)


async def set_role(session: AsyncSession, actor: Actor, operator_id: int, role: str, now: int) -> Operator:
    """Give an operator another role, which counts from the next request on, also for keys."""
    keys.check_scopes(actor, rules.ROLES[role])
    operator = await _managed(session, actor, operator_id)
    if operator.agent_id is not None and role != rules.AGENT:
        bound = f"Operator {operator.email} sells for agent {operator.agent_id}; release them from it first."
        raise Conflict("operator_bound", bound)
    detail = {"from": operator.role, "to": role}
    operator.role = role
    return await _audited(session, actor, operator, "operator.role", now, detail)


async def remove_second_factor(session: AsyncSession, actor: Actor, operator_id: int, now: int) -> Operator:
    """Take the second factor of somebody who has lost it; their sessions end."""
    operator = await _managed(session, actor, operator_id)
    await second_factor.remove(session, actor, operator, now)
    await sessions.end_all(session, operator.id, now)
    return operator


async def set_password(
    session: AsyncSession, actor: Actor, operator: Operator, password_hash: str, token: str | None, now: int
) -> None:
    """Change a password; every session but the one of this token ends."""
    change = update(Operator).where(Operator.id == operator.id)
    await session.execute(change.values(password_hash=password_hash, failed_logins=0, locked_until=0))
    await sessions.end_all(session, operator.id, now, but=token)
    await _audited(session, actor, operator, "operator.password", now)


async def of_email(session: AsyncSession, email: str) -> Operator:
    """Return the operator with this address; NotFound if there is none."""
    operator = await session.scalar(select(Operator).where(Operator.email == email.lower()))
    if operator is None:
        raise NotFound("operator_unknown", f"There is no operator {email}.")
    return operator


async def _managed(session: AsyncSession, actor: Actor, operator_id: int) -> Operator:
    operator = await owned(session, actor, Operator, operator_id, "operator")
    await session.refresh(operator, with_for_update=True)
    if operator.id == actor.person_id:
        raise Forbidden("own_account", "This is your own account; ask another administrator.")
    keys.check_scopes(actor, rules.ROLES.get(operator.role, frozenset()))
    return operator


async def _audited(
    session: AsyncSession,
    actor: Actor,
    operator: Operator,
    action: str,
    now: int,
    detail: Mapping[str, Any] | None = None,
) -> Operator:
    what = {"email": operator.email, **(detail or {})}
    subject = f"operator:{operator.id}"
    await audit.record(session, actor, action, subject, what, utility_id=operator.utility_id, now=now)
    return operator
