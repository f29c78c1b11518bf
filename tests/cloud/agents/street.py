"""A street of sellers as their callers live it: two agents and a cashier sell to one meter, whatever crashes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import floats, rules, service, statement
from cloud.agents.models import Agent, AgentSale, FloatRequest
from cloud.agents.rules import Fraction
from cloud.agents.statement import Span
from cloud.auth import rules as rights
from cloud.auth.actor import Actor
from cloud.books import reports
from cloud.vending import service as vending
from cloud.vending import voiding
from cloud.vending.models import Vend
from cloud.vending.service import Order
from cloud.vending.voiding import VoidOrder
from tests.cloud.books.crashes import Crash, crashing
from tests.cloud.books.sales import Shop
from tests.fakes.utility import ADMIN

FIRST = Actor("first person", None, rights.SCOPES, person_id=1)
SECOND = Actor("second person", None, rights.SCOPES, person_id=2)
_EVER = Span(0, 1 << 15, 0, 1 << 32)
_NO_LIMIT = 1 << 60


@dataclass
class Street:
    """A shop with agents by number. `paid_in` is what went into each float, less what was drawn."""

    shop: Shop
    agents: list[int] = field(default_factory=list)
    paid_in: Counter[int] = field(default_factory=Counter)
    references: int = 0

    async def add(self, fraction: Fraction) -> int:
        """Make an agent whose commission two people agreed on."""
        town = self.shop.town
        async with town.database.begin() as session:
            agent = Agent(
                utility_id=town.utility,
                name=f"agent {len(self.agents)}",
                currency="KES",
                state=rules.ACTIVE,
                commission_numerator=0,
                commission_denominator=1,
                commission_rest=0,
                created_at=town.now,
            )
            await service.add(session, FIRST, agent, fraction)
            if fraction.numerator:
                await service.approve_commission(session, SECOND, agent.id, fraction, town.now)
        self.agents.append(agent.id)
        return agent.id

    async def attempt(self, work: Callable[[AsyncSession], Awaitable[object]], crash_at: int | None) -> bool:
        """Carry one transaction out; False if the cloud crashed."""
        database = self.shop.town.database
        try:
            with crashing(database.engine.sync_engine, crash_at):
                async with database.begin() as session:
                    await work(session)
        except Crash:
            return False
        return True

    async def move(self, agent_id: int, kind: str, amount_minor: int, crash_at: int | None = None) -> bool:
        """Top a float up or draw from it, under a new reference."""
        self.references += 1
        request = FloatRequest(
            agent_id=agent_id,
            kind=kind,
            amount_minor=amount_minor,
            source="bank",
            reference=f"slip {self.references}",
            reason="r",
            asked_at=self.shop.town.now,
        )
        done = await self.attempt(lambda session: floats.ask(session, FIRST, request, _NO_LIMIT), crash_at)
        if done:
            self.paid_in[agent_id] += amount_minor if kind == floats.TOP_UP else -amount_minor
        return done

    async def sell(self, agent_id: int | None, order: Order, crash_at: int | None = None) -> bool:
        """Send an order as an agent's seller, or as the cashier; the same tokens as ever."""
        actor = ADMIN if agent_id is None else seller(agent_id)
        town, digits = self.shop.town, self.shop.digits
        told: list[str] = []

        async def work(session: AsyncSession) -> None:
            sale = await vending.vend(session, town.key_store, actor, order, town.now)
            told.extend(token.digits for token in sale.tokens)

        done = await self.attempt(work, crash_at)
        assert not done or digits.setdefault(order.purchase_id, told) == told
        return done

    async def burn(self, vend: Vend, crash_at: int | None = None) -> bool:
        """Order the void of a token, and let the ledger show it."""
        town = self.shop.town

        async def order(session: AsyncSession) -> None:
            wanted = VoidOrder(vend.purchase_id, vend.part, "keypad")
            await voiding.order(session, town.key_store, ADMIN, wanted, town.now)

        if vend.void_tid is None:
            await self.attempt(order, None)
        async with town.database.read() as session:
            fresh = await session.get_one(Vend, vend.id)
        return await self.shop.burn(fresh, crash_at)

    async def check(self) -> None:
        """Every float is what went in, less what its sales took, and more what they earned; the books balance."""
        town = self.shop.town
        async with town.database.read() as session:
            balances = await reports.trial_balance(session, ADMIN, town.utility)
            sales = list(await session.scalars(select(AgentSale).where(AgentSale.agent_id.in_(self.agents))))
            agents = list(await session.scalars(select(Agent).where(Agent.id.in_(self.agents))))
            days = {agent.id: await statement.of_span(session, agent, _EVER) for agent in agents}
            lines = {agent.id: await statement.lines(session, agent, _EVER) for agent in agents}
        assert not any(reports.left_over(balances).values())
        assert all(one.holds for one in balances)
        by_code = {one.account.code: -one.balance for one in balances}
        earned = 0
        for agent in agents:
            mine = [sale for sale in sales if sale.agent_id == agent.id]
            kept = sum(sale.base_minor - sale.reversed_minor for sale in mine)
            weighed = kept * agent.commission_numerator - agent.commission_rest
            commission, none = divmod(weighed, agent.commission_denominator)
            held = by_code.get(f"agent:{agent.id}", 0)
            assert none == 0 and held >= 0
            assert held == self.paid_in[agent.id] - sum(sale.base_minor for sale in mine) + commission
            if agent.commission_rest >= 0:
                assert commission == kept * agent.commission_numerator // agent.commission_denominator
            assert days[agent.id].closing_minor == held and days[agent.id].holds
            assert not lines[agent.id] or lines[agent.id][-1].balance_minor == held
            earned += commission
        assert -by_code.get("commissions", 0) == earned


def seller(agent_id: int) -> Actor:
    """Who sells for an agent."""
    return Actor(f"seller of {agent_id}", None, rights.ROLES[rights.AGENT], agent_id=agent_id)
