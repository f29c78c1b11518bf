"""A sale by an agent: its float pays, and it earns its commission, in the transaction of the sale.

Locks: the agent's row, then its float, after those of meter, customer and debt. Who is no agent costs no statement.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking, rules
from cloud.agents.models import Agent, AgentSale
from cloud.agents.rules import Fraction
from cloud.audit.service import Named
from cloud.auth.actor import Actor, system
from cloud.books import service as books
from cloud.errors import Conflict, Refused
from cloud.vending.models import Vend


async def sold(session: AsyncSession, actor: Actor, rows: Sequence[Vend], now: int) -> None:
    """Let the caller's agent pay for a sale that is in the books, and keep the sale as the agent's.

    The customer's money, less the change, is in the agent's hands; its float pays as much. Refused: it has not so much.
    """
    if actor.agent_id is None:
        return
    first = rows[0]
    base_minor = first.tender_minor - first.change_minor
    agent = await locked(session, actor.agent_id)
    await _check(session, agent, first, base_minor)
    fraction = fraction_of(agent)
    given, agent.commission_rest = rules.earned(agent.commission_rest, fraction, base_minor)
    sale = AgentSale(
        purchase_id=first.purchase_id,
        agent_id=agent.id,
        base_minor=base_minor,
        commission_numerator=fraction.numerator,
        commission_denominator=fraction.denominator,
        commission_minor=given,
        reversed_minor=0,
        sold_at=now,
    )
    session.add(sale)
    await session.flush()
    draft = booking.sold(agent, sale, first.tender_kind)
    if draft.lines:
        await books.post(session, draft, actor, now)


async def _check(session: AsyncSession, agent: Agent, first: Vend, base_minor: int) -> None:
    if agent.utility_id != first.utility_id or agent.state != rules.ACTIVE:
        raise Refused("agent_inactive", f"Agent {agent.id} is {agent.state}, or sells for another utility.")
    if first.tender_kind not in rules.TENDERS:
        raise Refused("tender_wrong", f"An agent takes {', '.join(rules.TENDERS)}; not {first.tender_kind}.")
    if first.currency != agent.currency:
        raise Refused("currency_wrong", f"The float is in {agent.currency}, the sale in {first.currency}.")
    held = (await books.locked(session, agent.utility_id, booking.account(agent))).held
    if held < base_minor:
        raise Refused("float_exceeded", f"The float has {held} minor units, the sale takes {base_minor}; top it up.")


async def taken_back(session: AsyncSession, vend: Vend, now: int) -> None:
    """A token is void: what an agent earned by it goes back, as far as the float has it. Its meter is locked."""
    sale = await session.get(AgentSale, vend.purchase_id, with_for_update=True, populate_existing=True)
    if sale is None:
        return
    agent = await locked(session, sale.agent_id)
    part = rules.voided_part(sale.base_minor, sale.reversed_minor, vend.amount_minor)
    held = (await books.locked(session, agent.utility_id, booking.account(agent))).held
    then = Fraction(sale.commission_numerator, sale.commission_denominator)
    taken, rest = rules.taken_back(agent.commission_rest, fraction_of(agent), then, part, held)
    sale.reversed_minor += part
    agent.commission_rest = rest
    await session.flush()
    if taken:
        draft = booking.commission_back(agent, vend.id, vend.purchase_id, taken)
        await books.post(session, draft, system("ledger"), now)


async def cancelled(session: AsyncSession, first: Vend, by: Named, now: int) -> None:
    """A sale that was never released is undone: its agent's float has its money again, less what it earned by it."""
    sale = await session.get(AgentSale, first.purchase_id, with_for_update=True, populate_existing=True)
    if sale is None:
        return
    agent = await locked(session, sale.agent_id)
    held = (await books.locked(session, agent.utility_id, booking.account(agent))).held + sale.base_minor
    then = Fraction(sale.commission_numerator, sale.commission_denominator)
    taken, rest = rules.taken_back(agent.commission_rest, fraction_of(agent), then, sale.base_minor, held)
    sale.reversed_minor, agent.commission_rest = sale.base_minor, rest
    await session.flush()
    draft = booking.cancelled(agent, sale, first.tender_kind, taken)
    if draft.lines:
        await books.post(session, draft, by, now)


async def check_repeat(session: AsyncSession, actor: Actor, purchase_id: str) -> None:
    """Raise Conflict where the caller sells for an agent and another seller made this purchase."""
    if actor.agent_id is not None and not await is_mine(session, actor, purchase_id):
        used = f"Purchase id {purchase_id} was used by another seller; a new purchase needs a new id."
        raise Conflict("purchase_id_used", used)


async def is_mine(session: AsyncSession, actor: Actor, purchase_id: str) -> bool:
    """Tell whether a purchase is there for the caller: for who sells for an agent, only those of that agent."""
    if actor.agent_id is None:
        return True
    sale = await session.get(AgentSale, purchase_id)
    return sale is not None and sale.agent_id == actor.agent_id


async def agent_of(session: AsyncSession, purchase_id: str) -> Agent | None:
    """Return the agent who made a purchase; None if the utility itself did."""
    mine = select(Agent).join(AgentSale, AgentSale.agent_id == Agent.id).where(AgentSale.purchase_id == purchase_id)
    return await session.scalar(mine)


def of_agent(statement: Select[Any], actor: Actor, purchase_id: Any) -> Select[Any]:
    """Narrow a statement to the sales of the caller's agent, by the column of the purchase; for others it stays."""
    if actor.agent_id is None:
        return statement
    mine = select(AgentSale.purchase_id).where(AgentSale.agent_id == actor.agent_id)
    return statement.where(purchase_id.in_(mine))


async def locked(session: AsyncSession, agent_id: int) -> Agent:
    """Return an agent's row as it is, locked until the transaction ends."""
    # Its key stays free: what refers to the agent is inserted meanwhile, here and side by side.
    mine = select(Agent).where(Agent.id == agent_id).with_for_update(key_share=True)
    return (await session.scalars(mine.execution_options(populate_existing=True))).one()


def fraction_of(agent: Agent) -> Fraction:
    """Return the commission in force."""
    return Fraction(agent.commission_numerator, agent.commission_denominator)
