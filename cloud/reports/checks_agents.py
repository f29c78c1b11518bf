"""Floats of agents: what the books hold against top-ups, withdrawals, sales, voucher batches and commissions."""

from collections import defaultdict

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents.models import Agent, AgentSale, BatchSale, FloatRequest
from cloud.books.models import BookAccount, BookPosting
from cloud.payments.models import Payment
from cloud.reports.checks import Day
from cloud.reports.reconciliation_rules import Finding, Found, Line
from cloud.vending.hold_models import was_cancelled

SECTION = "agents"
_NAME = "floats, and what moved them"
_COMMISSION = "commission"
_SOLD = ("sold", "returned", "kept")


async def check(session: AsyncSession, day: Day) -> Found:
    """Check the float of every agent; one that differs is listed by itself."""
    mine = select(Agent).where(Agent.utility_id == day.utility_id).order_by(Agent.id)
    agents = (await session.scalars(mine)).all()
    if not agents:
        return Found()
    held, commission = await _held(session, day), await _commissions(session, day)
    moved = await _moved(session, day)
    found = Found()
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for agent in agents:
        ours = moved[agent.id] + commission[agent.id]
        sums[agent.currency][0] += held[agent.id]
        sums[agent.currency][1] += ours
        if held[agent.id] != ours:
            said = f"{agent.name}: the float holds {held[agent.id]}, its movements come to {ours}"
            rest = held[agent.id] - ours
            subject = f"agent:{agent.id}"
            found.findings.append(
                Finding(SECTION, "float_differs", subject, agent.currency, rest, day.from_s, said, _NAME)
            )
    found.lines = [Line(SECTION, _NAME, unit, left, right) for unit, (left, right) in sorted(sums.items())]
    return found


async def _held(session: AsyncSession, day: Day) -> dict[int, int]:
    held: dict[int, int] = defaultdict(int)
    mine = (BookAccount.utility_id == day.utility_id, BookAccount.code.like("agent:%"))
    for code, amount in await session.execute(select(BookAccount.code, BookAccount.held).where(*mine)):
        held[int(code.partition(":")[2])] += amount
    return held


async def _commissions(session: AsyncSession, day: Day) -> dict[int, int]:
    """What commissions moved: given with sales, and taken back with voids."""
    moved: dict[int, int] = defaultdict(int)
    mine = (BookAccount.utility_id == day.utility_id, BookAccount.code.like("agent:%"))
    sums = (
        select(BookAccount.code, -func.sum(BookPosting.amount))
        .join(BookPosting, BookPosting.account_id == BookAccount.id)
        .where(*mine, BookPosting.what == _COMMISSION)
        .group_by(BookAccount.code)
    )
    for code, amount in await session.execute(sums):
        moved[int(code.partition(":")[2])] += int(amount)
    return moved


async def _moved(session: AsyncSession, day: Day) -> dict[int, int]:
    """What went in and out by the rows of agents, without commissions."""
    moved: dict[int, int] = defaultdict(int)
    mine = (FloatRequest.utility_id == day.utility_id, FloatRequest.state == "done")
    amount = case((FloatRequest.kind == "top_up", FloatRequest.amount_minor), else_=-FloatRequest.amount_minor)
    asked = select(FloatRequest.agent_id, func.sum(amount)).where(*mine).group_by(FloatRequest.agent_id)
    sold = (
        select(AgentSale.agent_id, -func.sum(AgentSale.base_minor))
        .join(Agent, Agent.id == AgentSale.agent_id)
        .where(Agent.utility_id == day.utility_id, ~was_cancelled(AgentSale.purchase_id))
        .group_by(AgentSale.agent_id)
    )
    batches = (
        select(BatchSale.agent_id, func.sum(BatchSale.returned_minor - BatchSale.price_minor))
        .where(BatchSale.utility_id == day.utility_id, BatchSale.state.in_(_SOLD), BatchSale.paid_by == "float")
        .group_by(BatchSale.agent_id)
    )
    for statement in (asked, sold, batches):
        for agent_id, total in await session.execute(statement):
            moved[agent_id] += int(total)
    paid = select(Payment.used_for, func.sum(Payment.amount_minor)).where(
        Payment.utility_id == day.utility_id, Payment.used_for.like("agent:%")
    )
    for used_for, total in await session.execute(paid.group_by(Payment.used_for)):
        moved[int((used_for or "").partition(":")[2])] += int(total)
    return moved
