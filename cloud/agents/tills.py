"""Cashiers' tills: what a shift should have in cash, by the books, against what was counted.

Expected is the opening count and every posting to `cash` by that person meanwhile, in sessions or by own API keys.
A difference is settled by another person, in an entry of the books.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking
from cloud.agents.models import TillShift
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.auth.models import ApiKey
from cloud.books import rules as books
from cloud.books import service
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.errors import Conflict, Forbidden, Refused
from cloud.rows import insert, of_actor, owned, rows_after


@dataclass(frozen=True)
class Moved:
    """What came into a till, and what went out of it, by the kind of its entries; in minor units."""

    kind: str
    count: int
    taken_minor: int
    given_minor: int


@dataclass(frozen=True)
class Till:
    """A shift with what moved, and what the till should have."""

    shift: TillShift
    moved: list[Moved]

    @property
    def expected_minor(self) -> int:
        """The opening count, with what came, less what went."""
        return self.shift.opening_minor + sum(one.taken_minor - one.given_minor for one in self.moved)


async def open_shift(session: AsyncSession, actor: Actor, shift: TillShift) -> Till:
    """Begin a shift with a counted till; Conflict while the person has one open in that currency."""
    actor.require_utility(shift.utility_id)
    shift.person_id = actor.require_person()
    there = f"You have an open shift in {shift.currency}; close it first."
    await insert(session, shift, Conflict("shift_open", there))
    await _record(session, actor, shift, "till.open", {"opening_minor": shift.opening_minor}, shift.opened_at)
    return Till(shift, [])


async def close(session: AsyncSession, actor: Actor, shift_id: int, counted_minor: int, note: str, now: int) -> Till:
    """End one's own shift with what was counted; what came in this very second belongs to the next one."""
    shift = await owned(session, actor, TillShift, shift_id, "shift")
    await session.refresh(shift, with_for_update=True)
    if shift.person_id != actor.require_person():
        raise Forbidden("not_your_shift", "Another person has this shift; only they close it.")
    if shift.closed_at is not None:
        raise Conflict("shift_closed", f"Shift {shift.id} is closed.")
    shift.closed_at, shift.counted_minor, shift.note = now, counted_minor, note or None
    till = Till(shift, await _moved(session, shift))
    shift.difference_minor = counted_minor - till.expected_minor
    if shift.difference_minor and not note:
        less = f"The till should have {till.expected_minor} minor units and {counted_minor} were counted"
        raise Refused("note_missing", f"{less}; count again, or say in a note why.")
    detail = {"counted_minor": counted_minor, "difference_minor": shift.difference_minor, "note": note}
    await _record(session, actor, shift, "till.close", detail, now)
    return till


async def settle(session: AsyncSession, actor: Actor, shift_id: int, reason: str, now: int) -> Till:
    """Put the difference of another person's shift into the books."""
    shift = await owned(session, actor, TillShift, shift_id, "shift")
    await session.refresh(shift, with_for_update=True)
    if not shift.difference_minor or shift.settled_at is not None:
        raise Conflict("nothing_to_settle", f"Shift {shift.id} has no difference that is not settled.")
    shift.settled_by, shift.settled_at = require_another_person(actor, shift.person_id), now
    await service.post(session, booking.difference(shift, reason), actor, now)
    detail = {"difference_minor": shift.difference_minor, "reason": reason}
    await _record(session, actor, shift, "till.settle", detail, now)
    return Till(shift, await _moved(session, shift))


async def hand_over(
    session: AsyncSession, actor: Actor, shift_id: int, amount_minor: int, reference: str, now: int
) -> Till:
    """Take cash out of the till of another person's open shift, into the safe; no more than should be there."""
    shift = await owned(session, actor, TillShift, shift_id, "shift")
    await session.refresh(shift, with_for_update=True)
    require_another_person(actor, shift.person_id)
    if shift.closed_at is not None:
        raise Conflict("shift_closed", f"Shift {shift.id} is closed.")
    till = Till(shift, await _moved(session, shift))
    if till.expected_minor < amount_minor:
        raise Refused("till_short", f"The till should have {till.expected_minor} minor units, not {amount_minor}.")
    shift.handovers += 1
    await session.flush()
    await service.post(session, booking.handed_over(shift, shift.handovers, amount_minor, reference), actor, now)
    await _record(session, actor, shift, "till.handover", {"amount_minor": amount_minor, "reference": reference}, now)
    return Till(shift, await _moved(session, shift))


async def of_id(session: AsyncSession, actor: Actor, shift_id: int) -> Till:
    """One shift; a cashier sees the own."""
    shift = await owned(session, actor, TillShift, shift_id, "shift")
    if _sees_own(actor) and shift.person_id != actor.person_id:
        raise Forbidden("not_your_shift", "Another person has this shift.")
    return Till(shift, await _moved(session, shift))


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[TillShift]:
    """A page of the shifts that the caller may see."""
    mine = of_actor(select(TillShift), actor, TillShift.utility_id)
    if _sees_own(actor):
        mine = mine.where(TillShift.person_id == actor.require_person())
    return await rows_after(session, mine, TillShift.id, query)


def _sees_own(actor: Actor) -> bool:
    if "tills:read" in actor.scopes:
        return False
    actor.require_scope("tills:write")
    return True


async def _moved(session: AsyncSession, shift: TillShift) -> list[Moved]:
    in_, out = BookPosting.amount > 0, BookPosting.amount < 0
    sums = (
        select(
            BookEntry.kind,
            func.count(BookEntry.id.distinct()),
            func.coalesce(func.sum(BookPosting.amount).filter(in_), 0),
            func.coalesce(func.sum(-BookPosting.amount).filter(out), 0),
        )
        .join(BookPosting, BookPosting.entry_id == BookEntry.id)
        .join(BookAccount, BookAccount.id == BookPosting.account_id)
        .where(*_of(shift), await _by(session, shift))
        .group_by(BookEntry.kind)
        .order_by(BookEntry.kind)
    )
    return [Moved(kind, count, int(taken), int(given)) for kind, count, taken, given in await session.execute(sums)]


def _of(shift: TillShift) -> list[ColumnElement[bool]]:
    """Postings to the till in the shift; what settles a difference is of no shift."""
    wanted = [
        BookAccount.utility_id == shift.utility_id,
        BookAccount.code == books.cash("cash", "").code,
        BookAccount.unit == shift.currency,
        BookEntry.kind != booking.TILL,
        BookEntry.at >= shift.opened_at,
    ]
    return wanted if shift.closed_at is None else [*wanted, BookEntry.at < shift.closed_at]


async def _by(session: AsyncSession, shift: TillShift) -> ColumnElement[bool]:
    """What the shift's person did, whatever key was used; cash that was handed over stands under who took it."""
    keys = await session.scalars(select(ApiKey.id).where(ApiKey.operator_id == shift.person_id))
    labels = [f"operator:{shift.person_id}", *(f"api-key:{key}" for key in keys)]
    own = and_(BookEntry.kind != booking.HANDOVER, BookEntry.actor.in_(labels))
    return or_(own, and_(BookEntry.kind == booking.HANDOVER, BookEntry.subject == f"shift:{shift.id}"))


async def _record(
    session: AsyncSession, actor: Actor, shift: TillShift, action: str, detail: dict[str, object], now: int
) -> None:
    said = {"currency": shift.currency, **detail}
    await audit.record(session, actor, action, f"shift:{shift.id}", said, utility_id=shift.utility_id, now=now)
