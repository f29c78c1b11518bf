"""Bills as they are read: by page, with what is left of each, and who sends them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.billing.models import Bill, OpenBill
from cloud.meters.models import Utility
from cloud.rows import of_actor


async def listed(
    session: AsyncSession, actor: Actor, customer_id: int | None, query: PageQuery, *, only_open: bool
) -> Sequence[tuple[Bill, int]]:
    """A page of the bills that the caller may see, and one more if there is a further page; each with what is open."""
    left = func.coalesce(OpenBill.left_minor, 0)
    found = of_actor(_with(left), actor, Bill.utility_id)
    if customer_id is not None:
        found = found.where(Bill.customer_id == customer_id)
    if only_open:
        found = found.where(OpenBill.left_minor > 0)
    after = found.where(Bill.id > literal(query.after, BigInteger)).order_by(Bill.id).limit(query.limit + 1)
    return [(row[0], int(row[1])) for row in (await session.execute(after)).all()]


def _with(left: Any) -> Select[Any]:
    return select(Bill, left).outerjoin(OpenBill, OpenBill.bill_id == Bill.id)


async def seller(session: AsyncSession, bill: Bill) -> str:
    """Return the name of the utility that sends a bill."""
    return (await session.get_one(Utility, bill.utility_id)).name
