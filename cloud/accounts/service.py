"""Customers: making and listing them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import contacts
from cloud.accounts.contacts import Way
from cloud.accounts.models import Customer
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import NotFound
from cloud.meters.models import Utility
from cloud.rows import insert, of_actor, rows_after


async def add(session: AsyncSession, actor: Actor, customer: Customer, ways: Sequence[Way] | None = None) -> Customer:
    """Insert a customer, reached by these ways, or by phone and e-mail as the row says.

    The audit says that, not who it is: personal data can be removed, audit entries cannot.
    """
    actor.require_utility(customer.utility_id)
    if ways is not None:
        contacts.write(customer, ways, customer.created_at)
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


async def set_move_credit(
    session: AsyncSession, actor: Actor, utility_id: int, move_credit: str, reason: str, now: int
) -> None:
    """Set what a utility does with the credit on a meter when its customer moves out: `place` or `refund`."""
    actor.require_utility(utility_id)
    utility = await session.get(Utility, utility_id, with_for_update=True)
    if utility is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    detail = {"move_credit": move_credit, "was": utility.move_credit, "reason": reason}
    utility.move_credit = move_credit
    subject = f"utility:{utility_id}"
    await audit.record(session, actor, "utility.move-credit", subject, detail, utility_id=utility_id, now=now)
