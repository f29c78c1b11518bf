"""Customers: making and listing them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import NotFound
from cloud.rows import insert, of_actor, rows_after


async def add(session: AsyncSession, actor: Actor, customer: Customer) -> Customer:
    """Insert a customer. The audit says that, not who it is: personal data can be removed, audit entries cannot."""
    actor.require_utility(customer.utility_id)
    await insert(session, customer, NotFound("utility_unknown", f"There is no utility {customer.utility_id}."))
    await audit.record(
        session,
        actor,
        "customer.add",
        f"customer:{customer.id}",
        {},
        utility_id=customer.utility_id,
        now=customer.created_at,
    )
    return customer


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[Customer]:
    """Return a page of the customers that the caller may see."""
    return await rows_after(session, of_actor(select(Customer), actor, Customer.utility_id), Customer.id, query)
