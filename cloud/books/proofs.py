"""Whether postings are still those that the hash of their entry was made of."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.books.rules import Account, Draft, Line, content_hash

_BATCH = 500


async def changed(session: AsyncSession, *wanted: ColumnElement[bool]) -> AsyncIterator[BookEntry]:
    """Yield the entries, among those wanted, that do not say what their hash was made of."""
    after = 0
    while True:
        page = select(BookEntry).where(*wanted, BookEntry.id > after).order_by(BookEntry.id).limit(_BATCH)
        entries = (await session.scalars(page)).all()
        if not entries:
            return
        drafts = await _drafts(session, entries)
        for entry in entries:
            if content_hash(drafts[entry.id]) != entry.sha256:
                yield entry
        after = entries[-1].id


async def first_changed(session: AsyncSession, after: int, last: int) -> int | None:
    """Return the id of the first such entry behind one id, up to another."""
    async for entry in changed(session, BookEntry.id > after, BookEntry.id <= last):
        return entry.id
    return None


async def _drafts(session: AsyncSession, entries: Sequence[BookEntry]) -> dict[int, Draft]:
    postings: dict[int, list[Line]] = defaultdict(list)
    rows = (
        select(BookPosting.entry_id, BookPosting.amount, BookPosting.what, BookAccount)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookPosting.entry_id.in_([entry.id for entry in entries]))
        .order_by(BookPosting.entry_id, BookPosting.line)
    )
    for entry_id, amount, what, account in await session.execute(rows):
        named = Account(account.code, account.unit, account.kind, account.floored)
        postings[entry_id].append(Line(named, amount, what))
    return {
        one.id: Draft(one.utility_id, one.key, one.kind, one.subject, one.reason, tuple(postings[one.id]))
        for one in entries
    }
