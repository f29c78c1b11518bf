"""Agents: made, suspended and closed; what they earn, with a second person; and who sells for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking, rules
from cloud.agents.models import Agent
from cloud.agents.rules import Fraction
from cloud.agents.selling import fraction_of, locked
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth import rules as rights
from cloud.auth.actor import Actor, require_another_person
from cloud.auth.models import ApiKey, Operator
from cloud.books import service as books
from cloud.books.models import BookAccount
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, owned, rows_after


async def add(session: AsyncSession, actor: Actor, agent: Agent, asked: Fraction) -> Agent:
    """Make an agent, who earns nothing until another person has approved the fraction that is asked for."""
    actor.require_utility(agent.utility_id)
    if await session.get(Utility, agent.utility_id) is None:
        raise NotFound("utility_unknown", f"There is no utility {agent.utility_id}.")
    if asked.numerator:
        _ask(agent, actor, asked)
    await insert(session, agent, Conflict("agent_named", f"There is an agent {agent.name!r} already."))
    await record(session, actor, agent, "agent.add", _terms(agent, asked), agent.created_at)
    return agent


async def of_id(session: AsyncSession, actor: Actor, agent_id: int) -> Agent:
    """One agent; NotFound if there is none, or the caller sells for another."""
    if actor.agent_id not in (None, agent_id):
        raise NotFound("not_found", f"There is no agent {agent_id}.")
    return await owned(session, actor, Agent, agent_id, "agent")


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Agent]:
    """A page of the agents that the caller may see: of one who sells for an agent, that one."""
    mine = of_actor(select(Agent), actor, Agent.utility_id)
    if actor.agent_id is not None:
        mine = mine.where(Agent.id == actor.agent_id)
    return await rows_after(session, mine, Agent.id, query)


async def held(session: AsyncSession, agents: Sequence[Agent]) -> dict[int, int]:
    """Return what the float of each agent holds now, in minor units."""
    codes = {booking.account(agent).code: agent.id for agent in agents}
    found = select(BookAccount.code, BookAccount.unit, BookAccount.held).where(BookAccount.code.in_(codes))
    by_name = {(code, unit): amount for code, unit, amount in await session.execute(found)}
    return {agent.id: by_name.get((booking.account(agent).code, agent.currency), 0) for agent in agents}


async def set_state(session: AsyncSession, actor: Actor, agent_id: int, state: str, reason: str, now: int) -> Agent:
    """Suspend an agent, let it sell again, or close it for good, which needs an empty float and nothing owed."""
    agent = await _locked(session, actor, agent_id)
    if agent.state == rules.CLOSED:
        raise Conflict("agent_closed", f"Agent {agent.id} is closed; make a new one.")
    if state == rules.CLOSED:
        left = (await books.locked(session, agent.utility_id, booking.account(agent))).held
        if left or agent.commission_rest < 0:
            raise Refused("float_left", f"The float has {left} minor units; let the agent draw them first.")
    detail = {"from": agent.state, "to": state, "reason": reason}
    agent.state = state
    await record(session, actor, agent, "agent.state", detail, now)
    return agent


async def ask_commission(session: AsyncSession, actor: Actor, agent_id: int, asked: Fraction, now: int) -> Agent:
    """Ask for another commission, which counts once another person approves it; the last one asked for stands."""
    agent = await _locked(session, actor, agent_id)
    _ask(agent, actor, asked)
    await record(session, actor, agent, "agent.commission-ask", _terms(agent, asked), now)
    return agent


async def approve_commission(session: AsyncSession, actor: Actor, agent_id: int, seen: Fraction, now: int) -> Agent:
    """Let a commission count from the next sale on. Conflict if another one was asked for than was seen."""
    agent = await _locked(session, actor, agent_id)
    asked = _asked(agent)
    require_another_person(actor, agent.asked_by)
    if (seen.numerator, seen.denominator) != (asked.numerator, asked.denominator):
        there = f"{asked.numerator}/{asked.denominator} is asked for now"
        raise Conflict("seen_differs", f"{there}; look at agent {agent.id} again before you approve it.")
    agent.commission_rest = rules.converted(agent.commission_rest, fraction_of(agent), asked)
    agent.commission_numerator, agent.commission_denominator = asked.numerator, asked.denominator
    agent.asked_numerator = agent.asked_denominator = agent.asked_by = None
    await record(session, actor, agent, "agent.commission-approve", _terms(agent, asked), now)
    return agent


async def decline_commission(session: AsyncSession, actor: Actor, agent_id: int, now: int) -> Agent:
    """End what was asked for; the commission stays as it is."""
    agent = await _locked(session, actor, agent_id)
    asked = _asked(agent)
    agent.asked_numerator = agent.asked_denominator = agent.asked_by = None
    await record(session, actor, agent, "agent.commission-decline", _terms(agent, asked), now)
    return agent


async def bind_operator(session: AsyncSession, actor: Actor, agent_id: int, operator_id: int, now: int) -> Agent:
    """Let an operator with the role `agent` sell for an agent, from the next request on."""
    agent = await _locked(session, actor, agent_id)
    operator = await owned(session, actor, Operator, operator_id, "operator")
    if operator.role != rights.AGENT or operator.utility_id != agent.utility_id:
        raise Refused("operator_unfit", f"Operator {operator.id} is not of the utility, or has not the role agent.")
    if operator.agent_id not in (None, agent.id):
        raise Conflict("operator_bound", f"Operator {operator.id} sells for agent {operator.agent_id}.")
    operator.agent_id = agent.id
    await record(session, actor, agent, "agent.bind", {"operator": operator.id}, now)
    return agent


async def release_operator(session: AsyncSession, actor: Actor, agent_id: int, operator_id: int, now: int) -> Agent:
    """Let an operator sell for an agent no more."""
    agent = await _locked(session, actor, agent_id)
    operator = await owned(session, actor, Operator, operator_id, "operator")
    if operator.agent_id != agent.id:
        raise Conflict("operator_free", f"Operator {operator.id} does not sell for agent {agent.id}.")
    operator.agent_id = None
    await record(session, actor, agent, "agent.release", {"operator": operator.id}, now)
    return agent


async def bind_key(session: AsyncSession, actor: Actor, agent_id: int, key_id: int, now: int) -> Agent:
    """Let an API key sell for an agent, for good; it ends by being revoked."""
    agent = await _locked(session, actor, agent_id)
    key = await owned(session, actor, ApiKey, key_id, "API key")
    excess = sorted(set(key.scopes) - rights.ROLES[rights.AGENT])
    if key.utility_id != agent.utility_id or excess:
        fit = ", ".join(sorted(rights.ROLES[rights.AGENT]))
        raise Refused("key_unfit", f"An agent's key is of the utility and has no scopes but {fit}.")
    if key.agent_id not in (None, agent.id):
        raise Conflict("key_bound", f"API key {key.id} sells for agent {key.agent_id}.")
    key.agent_id = agent.id
    await record(session, actor, agent, "agent.bind", {"api_key": key.id}, now)
    return agent


async def record(
    session: AsyncSession, actor: Actor, agent: Agent, action: str, detail: Mapping[str, Any], now: int
) -> None:
    """Write the audit entry of what happened to an agent."""
    await audit.record(session, actor, action, f"agent:{agent.id}", detail, utility_id=agent.utility_id, now=now)


def _ask(agent: Agent, actor: Actor, asked: Fraction) -> None:
    agent.asked_by = actor.require_person()
    agent.asked_numerator, agent.asked_denominator = asked.numerator, asked.denominator


def _asked(agent: Agent) -> Fraction:
    if agent.asked_numerator is None or agent.asked_denominator is None:
        raise Conflict("nothing_asked", f"No other commission is asked for for agent {agent.id}.")
    return Fraction(agent.asked_numerator, agent.asked_denominator)


def _terms(agent: Agent, fraction: Fraction) -> dict[str, Any]:
    return {"name": agent.name, "numerator": fraction.numerator, "denominator": fraction.denominator}


async def _locked(session: AsyncSession, actor: Actor, agent_id: int) -> Agent:
    await of_id(session, actor, agent_id)
    return await locked(session, agent_id)
