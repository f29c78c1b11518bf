"""The books against themselves: every unit sums to zero, what is kept beside postings agrees, no entry was changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import system
from cloud.books import months, proofs, reports
from cloud.books.models import BookEntry
from cloud.reports.checks import Day
from cloud.reports.reconciliation_rules import Finding, Found, Line

SECTION = "books"


async def check(session: AsyncSession, day: Day) -> Found:
    """Check the trial balance, the floored accounts, the last closed month and the entries of the day."""
    found = Found()
    balances = await reports.trial_balance(session, system("reports"), day.utility_id)
    for unit in sorted({one.account.unit for one in balances}):
        mine = [one for one in balances if one.account.unit == unit]
        debit, credit = sum(one.debit for one in mine), sum(one.credit for one in mine)
        found.lines.append(Line(SECTION, "debits and credits", unit, debit, credit))
    found.findings += [_held(one, day) for one in balances if not one.holds]
    for account, month, kept, recomputed in await months.faults(session, day.utility_id):
        said = f"month {month // 12}-{month % 12 + 1:02d}: {kept} is kept, the postings come to {recomputed}"
        found.findings.append(
            Finding(SECTION, "month_differs", account.code, account.unit, kept - recomputed, day.from_s, said)
        )
    found.findings += await _changed(session, day)
    return found


def _held(one: reports.Balance, day: Day) -> Finding:
    account = one.account
    said = f"{account.held} is held, the postings come to {-one.balance}"
    return Finding(SECTION, "held_differs", account.code, account.unit, account.held + one.balance, day.from_s, said)


async def _changed(session: AsyncSession, day: Day) -> list[Finding]:
    """Entries of the day whose postings are not those that their hash was made of."""
    mine = (BookEntry.utility_id == day.utility_id, BookEntry.at >= day.from_s, BookEntry.at < day.until_s)
    wrong = []
    async for entry in proofs.changed(session, *mine):
        said = f"entry {entry.id} ({entry.key}) does not say what its hash was made of"
        wrong.append(Finding(SECTION, "entry_changed", f"entry:{entry.id}", "", 0, entry.at, said))
    return wrong
