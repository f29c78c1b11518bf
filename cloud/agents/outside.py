"""Cash that somebody took or gave on a day while no shift of theirs was open: no count of a till would show it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking
from cloud.agents.models import TillShift
from cloud.auth.models import ApiKey
from cloud.books import rules as books
from cloud.books.models import BookAccount, BookEntry, BookPosting


@dataclass(frozen=True)
class CashOutside:
    """Cash by who moved it, currency and kind of entry; in minor units."""

    actor: str
    currency: str
    kind: str
    count: int
    taken_minor: int
    given_minor: int


async def of_time(session: AsyncSession, utility_id: int, from_s: int, until_s: int) -> list[CashOutside]:
    """Return what moved in `from_s` <= t < `until_s`, without what left as it came: an agent's float has that."""
    taken = func.coalesce(func.sum(BookPosting.amount).filter(BookPosting.amount > 0), 0)
    given = func.coalesce(func.sum(-BookPosting.amount).filter(BookPosting.amount < 0), 0)
    sums = (
        select(BookEntry.actor, BookAccount.unit, BookEntry.kind, func.count(BookEntry.id.distinct()), taken, given)
        .join(BookPosting, BookPosting.entry_id == BookEntry.id)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(BookAccount.utility_id == utility_id, BookAccount.code == books.cash("cash", "").code)
        .where(BookEntry.at >= from_s, BookEntry.at < until_s, BookEntry.kind.not_in((booking.TILL, booking.HANDOVER)))
        .where(~_in_shift())
        .group_by(BookEntry.actor, BookAccount.unit, BookEntry.kind)
        .order_by(BookEntry.actor, BookAccount.unit, BookEntry.kind)
    )
    found = [CashOutside(*row[:4], int(row[4]), int(row[5])) for row in await session.execute(sums)]
    left: dict[tuple[str, str], int] = {}
    for one in found:
        name = one.actor, one.currency
        left[name] = left.get(name, 0) + one.taken_minor - one.given_minor
    return [one for one in found if left[one.actor, one.currency]]


def _in_shift() -> ColumnElement[bool]:
    """Whether the person of an entry, in a session or by a key of theirs, had a shift open then."""
    key = literal("api-key:") + cast(ApiKey.id, String)
    keys = select(key).where(ApiKey.operator_id == TillShift.person_id)
    own = or_(BookEntry.actor == literal("operator:") + cast(TillShift.person_id, String), BookEntry.actor.in_(keys))
    lasts = and_(
        TillShift.opened_at <= BookEntry.at, or_(TillShift.closed_at.is_(None), BookEntry.at < TillShift.closed_at)
    )
    mine = (TillShift.utility_id == BookAccount.utility_id, TillShift.currency == BookAccount.unit)
    return select(TillShift.id).where(*mine, own, lasts).correlate(BookEntry, BookAccount).exists()
