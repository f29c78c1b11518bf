"""The end of a held purchase: it is confirmed and its tokens are released, or it is cancelled as if never sold.

Either is one transaction under the locks of the meter and of the hold, so there is one end, and a repeat finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import selling as agents
from cloud.audit import service as audit
from cloud.auth.actor import Actor, system
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.models import BookAccount, BookEntry, BookPosting
from cloud.books.rules import Account, Draft
from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.vending import booking, debts, delivery, holds, reprints, service
from cloud.vending.booking import KEPT, VOID
from cloud.vending.hold_models import SaleHold, is_open
from cloud.vending.models import Vend
from cloud.vending.sale_models import DebtPayment
from cloud.vending.store import KeyStore
from cloud.vending.tokens import Sale

CANCEL, RELEASE = booking.CANCEL, "release"
_WATCHDOG = system("watchdog")
EXPIRED = "not confirmed in time"


@dataclass(frozen=True)
class _Seller:
    """Who sold, in whose name a cancellation stands in the books, since the money lies in their till."""

    label: str


async def confirm(session: AsyncSession, key_store: KeyStore, actor: Actor, purchase_id: str, now: int) -> Sale:
    """Release a held purchase and deliver it; the same again shows its tokens again. Refused once it is cancelled."""
    rows = await service.purchase_of(session, actor, purchase_id)
    held, meter = await _locked(session, rows)
    if held.released_at is not None:
        return await reprints.reprinted(session, key_store, actor, rows, "json", now)
    if held.cancelled_at is not None:
        raise Refused("cancelled", f"Purchase {purchase_id} was cancelled: {held.reason}. Sell again under a new id.")
    if held.expires_at <= now:
        raise Refused("hold_expired", f"Purchase {purchase_id} was not confirmed in time; sell again under a new id.")
    for row in rows:
        row.held_until = None
    held.released_at, held.ended_by = now, actor.label
    await session.flush()
    if held.kept_minor:
        await books.post(session, holds.waiting(rows[0], -held.kept_minor, RELEASE), actor, now)
    await debts.settle_if_paid(session, await session.get(DebtPayment, purchase_id), now)
    sale = await service.reprint(session, key_store, actor, rows, now)
    await _record(session, actor, "vend.confirm", rows, {}, now)
    await delivery.deliver(session, sale, meter.gateway_id, now)
    return sale


async def cancel(session: AsyncSession, actor: Actor, purchase_id: str, reason: str, now: int) -> Sale:
    """Undo a held purchase, or show that it was undone; Refused once its tokens were released."""
    rows = await service.purchase_of(session, actor, purchase_id)
    held, _ = await _locked(session, rows)
    if held.released_at is not None:
        raise Refused("released", f"The tokens of purchase {purchase_id} were released; take them back with a void.")
    if held.cancelled_at is None:
        await _undo(session, actor, held, rows, reason, now)
    return await service.without_tokens(session, rows)


async def expired(session: AsyncSession, now: int, limit: int) -> Sequence[str]:
    """Return purchases that were not confirmed in time."""
    late = select(SaleHold.purchase_id).where(is_open(), SaleHold.expires_at <= now)
    return (await session.scalars(late.order_by(SaleHold.expires_at).limit(limit))).all()


async def expire(session: AsyncSession, purchase_id: str, now: int) -> None:
    """Cancel a purchase that was not confirmed in time, if nobody ended it meanwhile."""
    rows = await service.purchase_of(session, _WATCHDOG, purchase_id)
    held, _ = await _locked(session, rows)
    if held.released_at is None and held.cancelled_at is None and held.expires_at <= now:
        await _undo(session, _WATCHDOG, held, rows, EXPIRED, now)


async def _locked(session: AsyncSession, rows: Sequence[Vend]) -> tuple[SaleHold, Meter]:
    # The meter first, as in a sale; then all as it is under that lock.
    fresh = {"populate_existing": True}
    mine = select(Meter).where(Meter.id == rows[0].meter_id).with_for_update()
    meter = (await session.scalars(mine.execution_options(**fresh))).one()
    hold = select(SaleHold).where(SaleHold.purchase_id == rows[0].purchase_id).with_for_update()
    held = await session.scalar(hold.execution_options(**fresh))
    if held is None:
        said = f"Purchase {rows[0].purchase_id} was sold with release now"
        raise Refused("not_held", f"{said}; its tokens are out, and a void takes them back.")
    for row in rows:
        await session.refresh(row, with_for_update=True)
    return held, meter


async def _undo(
    session: AsyncSession, actor: Actor, held: SaleHold, rows: Sequence[Vend], reason: str, now: int
) -> None:
    held.cancelled_at, held.ended_by, held.reason = now, actor.label, reason
    for row in rows:
        row.voided_at = now
    await session.flush()
    seller = _Seller(rows[0].actor)
    await books.post(session, await _reversed(session, held, rows[0], reason), seller, now)
    await debts.give_back(session, await session.get(DebtPayment, held.purchase_id))
    await agents.cancelled(session, rows[0], seller, now)
    given_back = rows[0].tender_minor - rows[0].change_minor
    await _record(session, actor, "vend.cancel", rows, {"reason": reason, "returned_minor": given_back}, now)


async def _reversed(session: AsyncSession, held: SaleHold, first: Vend, reason: str) -> Draft:
    """Return the sale's entry the other way round, line by line; its volume is void, and what it kept was on hold."""
    said = (
        select(BookAccount.code, BookAccount.unit, BookAccount.kind, BookAccount.floored)
        .add_columns(BookPosting.amount, BookPosting.what)
        .join(BookPosting, BookPosting.account_id == BookAccount.id)
        .join(BookEntry, BookEntry.id == BookPosting.entry_id)
        .where(BookEntry.utility_id == first.utility_id, BookEntry.key == booking.sale_key(first.purchase_id))
        .order_by(BookPosting.line)
    )
    lines = []
    for code, unit, kind, floored, amount, what in await session.execute(said):
        account = Account(code, unit, kind, floored)
        if code.startswith("issued:"):
            account, what = book_rules.void(code.partition(":")[2]), VOID
        elif what == KEPT:
            account = holds.on_hold(unit)
        lines.append((account, -amount, what))
    assert lines, f"the sale {held.purchase_id} is in the books"
    key = booking.cancel_key(first.purchase_id)
    return Draft(first.utility_id, key, CANCEL, first.purchase_id, reason, book_rules.lines(*lines))


async def _record(
    session: AsyncSession, actor: Actor, action: str, rows: Sequence[Vend], detail: dict[str, object], now: int
) -> None:
    first = rows[0]
    said = {"purchase_id": first.purchase_id, "tids": [row.tid for row in rows], **detail}
    await audit.record(session, actor, action, f"vend:{first.id}", said, utility_id=first.utility_id, now=now)
