"""What the checks of a reconciliation share: the day that is looked at, and sums of the books by account and kind."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books.models import BookAccount, BookEntry, BookPosting
from shared.civil import Zone


@dataclass(frozen=True)
class Day:
    """A civil day of a utility, from `from_s` to before `until_s`; `now` is the time of the run."""

    utility_id: int
    currency: str
    number: int
    from_s: int
    until_s: int
    now: int
    zone: Zone


async def by_kind(session: AsyncSession, utility_id: int, prefix: str) -> dict[tuple[str, str], dict[str, int]]:
    """Return debits less credits by (account, unit) and kind of entry, of accounts with this code or this front."""
    mine = (BookAccount.code == prefix) | BookAccount.code.like(f"{prefix}:%")
    sums = (
        select(BookAccount.code, BookAccount.unit, BookEntry.kind, func.sum(BookPosting.amount))
        .join(BookPosting, BookPosting.account_id == BookAccount.id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookAccount.utility_id == utility_id, mine)
        .group_by(BookAccount.code, BookAccount.unit, BookEntry.kind)
    )
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for code, unit, kind, amount in await session.execute(sums):
        found[code, unit][kind] = int(amount)
    return found
