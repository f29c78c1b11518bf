"""Bulk meters against the meters behind them, over a week: what leaks, or is taken before a meter, is listed."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books.rules import UNITS
from cloud.reports.checks import Day
from cloud.reports.meter_days import behind_bulk
from cloud.reports.reconciliation_rules import Finding, Found
from shared.civil import DAY_S

SECTION = "bulk"
DAYS = 7
LEAST_ML = 1_000_000
"""What meters may differ by in a week, whatever they counted: 1 m3 or 1 kWh."""
PERCENT = 5


async def check(session: AsyncSession, day: Day) -> Found:
    """List each gateway where bulk meter and meters differ by more than both bounds."""
    found = Found()
    for one in await behind_bulk(session, day.utility_id, day.number - DAYS + 1, day.number):
        bound = max(LEAST_ML, one.bulk_ml * PERCENT // 100)
        if abs(one.missing_ml) <= bound:
            continue
        code = "bulk_missing" if one.missing_ml > 0 else "bulk_exceeded"
        said = f"{one.bulk_ml} counted by bulk meters in {DAYS} days, {one.behind_ml} behind them"
        since = day.until_s - DAYS * DAY_S
        subject = f"gateway:{one.gateway_id}"
        found.findings.append(Finding(SECTION, code, subject, UNITS[one.commodity], one.missing_ml, since, said))
    return found
