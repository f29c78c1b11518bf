"""The numbers of bills and credit notes: one row for each utility, without gaps; and their count within a span."""

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing.models import Bill, BillNumber


async def next_number(session: AsyncSession, utility_id: int) -> int:
    """Return the next number of a utility; its row stays locked, so a transaction that fails leaves no gap."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first = insert(BillNumber).values(utility_id=utility_id, last=0).on_conflict_do_nothing()
    await session.execute(first)
    locked = select(BillNumber).where(BillNumber.utility_id == utility_id).with_for_update()
    row = (await session.scalars(locked.execution_options(populate_existing=True))).one()
    row.last += 1
    await session.flush()
    return row.last


async def next_part(session: AsyncSession, span_id: int) -> int:
    """Return the next number within a span."""
    last = await session.scalar(select(func.max(Bill.part)).where(Bill.span_id == span_id))
    return (last or 0) + 1
