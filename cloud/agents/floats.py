"""Money into and out of an agent's float: by a payment that names the agent, or asked for by a person.

Above the limit, which counts for a day's requests together, another person approves. A reference of a deposit counts
once, whoever tells of it.
"""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking, rules, service
from cloud.agents.models import Agent, FloatRequest
from cloud.agents.selling import locked
from cloud.api.fields import PageQuery
from cloud.audit.service import Named
from cloud.auth.actor import Actor, require_another_person
from cloud.books import service as books
from cloud.errors import Conflict, Refused
from cloud.payments import rules as payment_rules
from cloud.payments.models import Payment
from cloud.rows import insert, of_actor, owned, rows_after

TOP_UP, WITHDRAWAL = "top_up", "withdrawal"
_DAY_S = 86_400
_AGENT = re.compile(r"[Aa]([1-9][0-9]{0,17})")


async def ask(
    session: AsyncSession, actor: Actor, request: FloatRequest, limit_minor: int, channels: Iterable[str] = ()
) -> FloatRequest:
    """Ask for a top-up or a withdrawal; up to the limit it is done at once.

    `channels` are those through which payments come; one that came with this reference is no deposit to tell of.
    """
    await service.of_id(session, actor, request.agent_id)
    agent = await locked(session, request.agent_id)  # a payment with the reference, or a second request, waits here
    _check(agent, request.kind)
    await _check_not_paid(session, agent, request, channels)
    request.utility_id, request.asked_by, request.state = agent.utility_id, actor.require_person(), rules.WAITING
    used = f"The reference {request.reference!r} was used; each deposit or transfer has one of its own."
    alone_minor = await _alone_minor(session, request)
    await insert(session, request, Conflict("reference_used", used))
    if alone_minor + request.amount_minor > limit_minor:
        await _record(session, actor, request, "float.ask", request.asked_at)
    else:
        await _carry_out(session, actor, request, request.asked_at)
    return request


async def _check_not_paid(session: AsyncSession, agent: Agent, request: FloatRequest, channels: Iterable[str]) -> None:
    if (request.kind, request.source) != (TOP_UP, "bank"):
        return
    named = {request.reference, *(f"{channel}:{request.reference}" for channel in channels)}
    mine = (Payment.utility_id == agent.utility_id, Payment.reference.in_(named), Payment.state != payment_rules.VOID)
    paid = await session.scalar(select(Payment.id).where(*mine).limit(1))
    if paid is not None:
        said = f"This money came as payment {paid}; if it is in no float, assign it (POST /payments/{paid}/float)."
        raise Conflict("reference_used", said)


async def _alone_minor(session: AsyncSession, request: FloatRequest) -> int:
    """What the last day's requests of this kind for the agent moved that nobody but who asked approved."""
    mine = (FloatRequest.agent_id == request.agent_id, FloatRequest.kind == request.kind)
    alone = (FloatRequest.state == rules.DONE, FloatRequest.decided_by == FloatRequest.asked_by)
    found = select(func.coalesce(func.sum(FloatRequest.amount_minor), 0)).where(*mine, *alone)
    return int(await session.scalar(found.where(FloatRequest.asked_at > request.asked_at - _DAY_S)) or 0)


async def approve(session: AsyncSession, actor: Actor, request_id: int, now: int) -> FloatRequest:
    """Carry out what another person asked for."""
    request = await _waiting(session, actor, request_id)
    require_another_person(actor, request.asked_by)
    await _carry_out(session, actor, request, now)
    return request


async def decline(session: AsyncSession, actor: Actor, request_id: int, now: int) -> FloatRequest:
    """End a request; its reference stays used, so that it is not asked for again by mistake."""
    request = await _waiting(session, actor, request_id)
    request.state, request.decided_by, request.decided_at = rules.DECLINED, actor.require_person(), now
    await _record(session, actor, request, "float.decline", now)
    return request


async def listed(session: AsyncSession, actor: Actor, state: str | None, query: PageQuery) -> Sequence[FloatRequest]:
    """A page of the requests that the caller may see."""
    mine = of_actor(select(FloatRequest), actor, FloatRequest.utility_id)
    if actor.agent_id is not None:
        mine = mine.where(FloatRequest.agent_id == actor.agent_id)
    if state is not None:
        mine = mine.where(FloatRequest.state == state)
    return await rows_after(session, mine, FloatRequest.id, query)


def agent_meant(account_reference: str) -> int | None:
    """Return the number of the agent that a payer meant by A and that number; None for any other reference."""
    found = _AGENT.fullmatch(account_reference.strip())
    return None if found is None else int(found[1])


async def pay_in(
    session: AsyncSession,
    actor: Named,
    agent_id: int,
    *,
    utility_id: int,
    payment_id: int,
    amount_minor: int,
    currency: str,
    reference: str,
    now: int,
) -> Agent:
    """Put a payment that stands in suspense into an agent's float; Refused, with the reason, if it cannot be."""
    agent = await session.get(Agent, agent_id)
    if agent is None or agent.utility_id != utility_id:
        raise Refused("agent_unknown", f"The utility has no agent {agent_id}.")
    agent = await locked(session, agent_id)
    _check(agent, TOP_UP)
    if agent.currency != currency:
        raise Refused("currency_wrong", f"The float of agent {agent.id} is in {agent.currency}, not in {currency}.")
    if await _told_by_hand(session, agent, reference):
        raise Refused("float_topped_up", f"A person topped the float of agent {agent.id} up with this reference.")
    await books.post(session, booking.paid_in(agent, payment_id, amount_minor, reference), actor, now)
    return agent


async def _told_by_hand(session: AsyncSession, agent: Agent, reference: str) -> bool:
    # A bank's payments have the channel's name before the bank's own reference.
    own = {reference, reference.partition(":")[2]}
    mine = (FloatRequest.utility_id == agent.utility_id, FloatRequest.kind == TOP_UP, FloatRequest.source == "bank")
    found = select(FloatRequest.id).where(*mine, FloatRequest.reference.in_(own), FloatRequest.state != rules.DECLINED)
    return await session.scalar(found.limit(1)) is not None


def _check(agent: Agent, kind: str) -> None:
    if agent.state == rules.CLOSED or (kind == TOP_UP and agent.state != rules.ACTIVE):
        raise Refused("agent_inactive", f"Agent {agent.id} is {agent.state}; nothing goes into its float.")


async def _carry_out(session: AsyncSession, actor: Actor, request: FloatRequest, now: int) -> None:
    agent = await locked(session, request.agent_id)
    _check(agent, request.kind)
    if request.kind == WITHDRAWAL:
        held = (await books.locked(session, agent.utility_id, booking.account(agent))).held
        if held < request.amount_minor:
            raise Refused("float_exceeded", f"The float has {held} minor units, not {request.amount_minor}.")
    request.state, request.decided_by, request.decided_at = rules.DONE, actor.require_person(), now
    await session.flush()
    # Under the name of who asked, and has the cash in the till.
    await books.post(session, booking.requested(request, agent), booking.Person(request.asked_by), now)
    await _record(session, actor, request, f"float.{request.kind.replace('_', '-')}", now)


async def _waiting(session: AsyncSession, actor: Actor, request_id: int) -> FloatRequest:
    request = await owned(session, actor, FloatRequest, request_id, "float request")
    await session.refresh(request, with_for_update=True)
    if request.state != rules.WAITING:
        raise Conflict("request_decided", f"Request {request.id} is {request.state}.")
    return request


async def _record(session: AsyncSession, actor: Actor, request: FloatRequest, action: str, now: int) -> None:
    agent = await session.get_one(Agent, request.agent_id)
    names = ("kind", "amount_minor", "source", "reference", "reason", "state")
    detail = {"request": request.id, **{name: getattr(request, name) for name in names}}
    await service.record(session, actor, agent, action, detail, now)
