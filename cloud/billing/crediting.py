"""Taking a bill back by a credit note: one person asks, another approves. A bill is never edited or deleted."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import counting, document, numbers, settling
from cloud.billing.document import Content
from cloud.billing.models import Bill, CreditRequest
from cloud.billing.rules import Open
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.books.rules import Draft
from cloud.decided import DECLINED, WAITING
from cloud.errors import Conflict
from cloud.rows import insert, of_actor, owned, rows_after

APPROVED = "approved"


async def ask(session: AsyncSession, actor: Actor, bill_id: int, reason: str, now: int) -> CreditRequest:
    """Ask for a bill to be taken back; Conflict if it cannot be, or somebody asked already."""
    bill = await owned(session, actor, Bill, bill_id, "bill")
    actor.require_person()
    await _check_newest(session, bill)
    row = CreditRequest(
        utility_id=bill.utility_id,
        bill_id=bill.id,
        **decided.asked(actor, reason, now),
    )
    there = f"Somebody asked for bill {bill.number} to be taken back already; approve or decline that."
    await insert(session, row, Conflict("credit_asked", there))
    await _record(session, actor, row, bill, "bill.credit.ask", now)
    return row


async def approve(session: AsyncSession, actor: Actor, request_id: int, now: int) -> CreditRequest:
    """Take the bill back that another person asked for."""
    row = await _waiting(session, actor, request_id)
    decided.by_another(actor, row)
    decided.done(actor, row, now, APPROVED)
    bill = await session.get_one(Bill, row.bill_id)
    row.note_id = (await _take_back(session, actor, bill, row.reason, now)).id
    await _record(session, actor, row, bill, "bill.credit", now)
    return row


async def decline(session: AsyncSession, actor: Actor, request_id: int, now: int) -> CreditRequest:
    """Let the bill stand."""
    row = await _waiting(session, actor, request_id)
    actor.require_person()
    decided.done(actor, row, now, DECLINED)
    await _record(session, actor, row, await session.get_one(Bill, row.bill_id), "bill.credit.decline", now)
    return row


async def _waiting(session: AsyncSession, actor: Actor, request_id: int) -> CreditRequest:
    row = await owned(session, actor, CreditRequest, request_id, "credit request")
    await session.refresh(row, with_for_update=True)
    if row.state != WAITING:
        raise Conflict("request_decided", f"Credit request {row.id} was {row.state} by {row.decided_by}.")
    return row


async def _check_newest(session: AsyncSession, bill: Bill) -> None:
    """What follows is always counted from a bill that stands, so the newest of a meter's span is taken back first."""
    standing = await counting.standing_bills(session, Bill.span_id == bill.span_id)
    if bill.id not in {one.id for one in standing}:
        raise Conflict("bill_credited", f"Bill {bill.number} is a credit note, or was taken back already.")
    if standing[-1].id != bill.id:
        newer = f"Bill {standing[-1].number} of the same meter is newer"
        raise Conflict("bill_not_last", f"{newer}; take that one back first.")


async def _take_back(session: AsyncSession, actor: Actor, bill: Bill, reason: str, now: int) -> Bill:
    """What was paid of it goes to the customer's account, the rest is owed no more; the next count bills the days."""
    await books.locked(session, bill.utility_id, book_rules.customer(bill.customer_id, bill.currency))
    await _check_newest(session, bill)
    note = await _note(session, bill, now)
    left = await settling.left_minor(session, bill)
    await _undo(session, actor, bill, note, bill.total_minor - left, reason, now)
    if left:
        await settling.settle(session, bill.utility_id, [Open(bill.id, left)], f"credit-note:{note.id}", now)
    return note


async def _note(session: AsyncSession, bill: Bill, now: int) -> Bill:
    fields = ("utility_id", "run_id", "span_id", "meter_id", "customer_id", "currency", "from_day", "until_day")
    note = Bill(
        **{name: getattr(bill, name) for name in (*fields, "from_register_ml", "until_register_ml", "content")},
        number=await numbers.next_number(session, bill.utility_id),
        part=await numbers.next_part(session, bill.span_id),
        corrects_id=bill.id,
        volume_ml=-bill.volume_ml,
        total_minor=-bill.total_minor,
        issued_at=now,
        due_day=bill.due_day,
    )
    session.add(note)
    await session.flush()
    return note


async def _undo(session: AsyncSession, actor: Actor, bill: Bill, note: Bill, paid: int, reason: str, now: int) -> None:
    content = Content.model_validate(bill.content)
    account = book_rules.customer(bill.customer_id, bill.currency)
    moved = [(named, -amount, what) for named, amount, what in document.lines(content, bill.customer_id)]
    moved += [(document.receivable(bill.customer_id, bill.currency), paid, "paid"), (account, -paid, "paid")]
    lines = book_rules.lines(*moved)
    if lines:
        draft = Draft(bill.utility_id, f"bill:{note.id}", "credit-note", f"bill:{bill.id}", reason, lines)
        await books.post(session, draft, actor, now)


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[CreditRequest]:
    """A page of what was asked for, and what became of it."""
    mine = of_actor(select(CreditRequest), actor, CreditRequest.utility_id)
    return await rows_after(session, mine, CreditRequest.id, query)


async def _record(session: AsyncSession, actor: Actor, row: CreditRequest, bill: Bill, action: str, now: int) -> None:
    detail = {"bill": bill.number, "total_minor": bill.total_minor, "currency": bill.currency, "reason": row.reason}
    detail |= {"request": row.id, "requested_by": row.requested_by, "note": row.note_id}
    await session.flush()
    await audit.record(session, actor, action, f"bill:{bill.id}", detail, utility_id=bill.utility_id, now=now)
