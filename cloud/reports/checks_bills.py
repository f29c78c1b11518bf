"""Bills against the books: what customers owe by the books is what their bills are open for, and numbers have no gap.

Both are summed anew: what was billed less what was settled, and what is kept beside the bills as open.
"""

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.billing import settling
from cloud.billing.models import Bill, OpenBill
from cloud.reports.checks import Day, by_kind
from cloud.reports.reconciliation_rules import Finding, Found, Line

SECTION = "bills"
_OWED, _OPEN = "owed by the books, and open bills", "bills less what settled them, and what is kept as open"


async def check(session: AsyncSession, day: Day) -> Found:
    """Compare each customer's account with their open bills, and the bills with what settled them."""
    found = Found()
    booked = {key: sum(kinds.values()) for key, kinds in (await by_kind(session, day.utility_id, "receivable")).items()}
    kept = await _kept(session, day.utility_id)
    for code, unit in sorted(set(booked) | set(kept)):
        difference = booked.get((code, unit), 0) - kept.get((code, unit), 0)
        if difference:
            said = f"{booked.get((code, unit), 0)} by the books, bills are open for {kept.get((code, unit), 0)}"
            found.findings.append(
                Finding(SECTION, "receivable_differs", code, unit, difference, day.from_s, said, _OWED)
            )
    summed = await settling.open_sums(session, day.utility_id)
    for unit in sorted(set(summed) | {unit for _, unit in booked} | {unit for _, unit in kept}):
        left = sum(amount for (_, one), amount in booked.items() if one == unit)
        right = sum(amount for (_, one), amount in kept.items() if one == unit)
        found.lines.append(Line(SECTION, _OWED, unit, left, right))
        found.lines.append(Line(SECTION, _OPEN, unit, summed.get(unit, 0), right))
    found.findings += await _gaps(session, day)
    return found


async def _kept(session: AsyncSession, utility_id: int) -> dict[tuple[str, str], int]:
    left = select(OpenBill.customer_id, Bill.currency, func.sum(OpenBill.left_minor))
    mine = left.join(Bill, Bill.id == OpenBill.bill_id).where(OpenBill.utility_id == utility_id)
    found: dict[tuple[str, str], int] = defaultdict(int)
    for customer_id, unit, amount in await session.execute(mine.group_by(OpenBill.customer_id, Bill.currency)):
        found[f"receivable:{customer_id}", unit] += int(amount)
    return found


async def _gaps(session: AsyncSession, day: Day) -> list[Finding]:
    numbers = select(func.count(), func.coalesce(func.max(Bill.number), 0)).where(Bill.utility_id == day.utility_id)
    count, last = (await session.execute(numbers)).one()
    if count == last:
        return []
    said = f"there are {count} bills and credit notes, and the last number is {last}"
    return [Finding(SECTION, "number_missing", f"utility:{day.utility_id}", "", int(last - count), day.from_s, said)]
