"""A copy with agents in it goes to the form before them and back: nothing else is lost, and nobody sells unbound."""

import asyncio

from alembic import command
from sqlalchemy import text

from cloud import schema
from cloud.agents import floats
from cloud.agents.rules import Fraction
from cloud.auth import operators
from cloud.auth import service as auth
from cloud.auth.models import ApiKey, Operator
from cloud.books import reports
from cloud.db import Database
from cloud.payments.models import Payment
from tests.cloud.agents.street import Street
from tests.cloud.books.sales import opened
from tests.fakes.utility import ADMIN, Town

_ROLES = "SELECT email, role, active FROM operator ORDER BY id"
_PAYMENT = "SELECT state, code, reason, amount_minor FROM payment"


async def test_agents_are_taken_away_and_their_money_stays_in_the_books(any_url: str) -> None:
    database = Database(any_url)
    town = await Town(database).found()
    street = Street(await opened(town))
    agent = await street.add(Fraction(1, 10))
    await street.move(agent, floats.TOP_UP, 100_000)
    await street.sell(agent, street.shop.order(5_000_000, 50_000, "return"))
    await bound(database, town, agent)
    config = schema.alembic_config(any_url)
    await database.close()

    await asyncio.to_thread(command.downgrade, config, "0011")
    database = Database(any_url)
    async with database.read() as session:
        roles = [tuple(row) for row in await session.execute(text(_ROLES))]
        payment = (await session.execute(text(_PAYMENT))).one()
    await database.close()
    await asyncio.to_thread(command.upgrade, config, "head")

    database = Database(any_url)
    async with database.read() as session:
        balances = await reports.trial_balance(session, ADMIN, town.utility)
        key = (await session.execute(text("SELECT name, agent_id FROM api_key"))).one()
    await database.close()
    assert [(email, role, bool(active)) for email, role, active in roles] == [("seller@a.example", "support", False)]
    assert tuple(payment) == ("disputed", "used", f"agent:{agent}", 700)
    assert tuple(key) == ("till", None)
    assert all(one.holds for one in balances) and not any(reports.left_over(balances).values())
    assert {one.account.code: one.balance for one in balances}[f"agent:{agent}"] == -55_000


async def bound(database: Database, town: Town, agent: int) -> None:
    """A seller, a key and a payment of the agent."""
    async with database.begin() as session:
        seller: Operator = await operators.add_operator(
            session,
            auth.command_line(),
            email="seller@a.example",
            password_hash="",
            role="agent",
            utility_id=town.utility,
            now=town.now,
        )
        seller.agent_id = agent
        key: ApiKey
        key, _ = await auth.add_api_key(session, ADMIN, "till", frozenset({"vend"}), town.utility, town.now)
        key.agent_id = agent
        session.add(
            Payment(
                utility_id=town.utility,
                channel="bank",
                provider="bank",
                reference="bank:1",
                tender_kind="bank_transfer",
                amount_minor=700,
                currency="KES",
                account_reference=f"A{agent}",
                state="used",
                attempts=0,
                next_attempt_at=town.now,
                paid_at=town.now,
                received_at=town.now,
                reversed_minor=0,
                used_for=f"agent:{agent}",
                used_at=town.now,
            )
        )
