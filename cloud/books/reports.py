"""What the books say: the trial balance of a utility, its entries page by page, and whether everything adds up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.auth.actor import Actor
from cloud.books import months
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.errors import NotFound
from cloud.meters.models import Utility
from cloud.rows import of_actor, rows_after


@dataclass(frozen=True)
class Balance:
    """An account with the sums of its debits and of its credits, both zero or more, in its unit."""

    account: BookAccount
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Debits less credits."""
        return self.debit - self.credit

    @property
    def holds(self) -> bool:
        """Tell whether what is kept beside the postings agrees with them."""
        return self.account.held == (-self.balance if self.account.floored else 0)


@dataclass(frozen=True)
class Shown:
    """An entry with its postings in order, each with its account."""

    entry: BookEntry
    postings: list[tuple[BookPosting, BookAccount]]


async def trial_balance(session: AsyncSession, actor: Actor, utility_id: int) -> list[Balance]:
    """Return every account of a utility with its sums; NotFound for a utility that the caller may not see."""
    if not actor.may_see(utility_id) or await session.get(Utility, utility_id) is None:
        raise NotFound("not_found", f"There is no utility {utility_id}.")
    sums = await months.totals(session, utility_id)
    mine = select(BookAccount).where(BookAccount.utility_id == utility_id)
    accounts = await session.scalars(mine.order_by(BookAccount.unit, BookAccount.code))
    return [Balance(account, *sums.get(account.id, (0, 0))) for account in accounts]


def left_over(balances: Sequence[Balance]) -> dict[str, int]:
    """Return debits less credits by unit; each is zero, or the books do not hold."""
    left: dict[str, int] = defaultdict(int)
    for one in balances:
        left[one.account.unit] += one.balance
    return dict(sorted(left.items()))


async def entries(session: AsyncSession, actor: Actor, query: PageQuery) -> list[Shown]:
    """Return a page of the entries that the caller may see."""
    mine = of_actor(select(BookEntry), actor, BookEntry.utility_id)
    found: Sequence[BookEntry] = await rows_after(session, mine, BookEntry.id, query)
    by_entry: dict[int, list[tuple[BookPosting, BookAccount]]] = defaultdict(list)
    postings = (
        select(BookPosting, BookAccount)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookPosting.entry_id.in_([entry.id for entry in found]))
        .order_by(BookPosting.entry_id, BookPosting.line)
    )
    for posting, account in await session.execute(postings):
        by_entry[posting.entry_id].append((posting, account))
    return [Shown(entry, by_entry[entry.id]) for entry in found]
