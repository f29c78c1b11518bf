"""Issuing: a counted bill becomes one for ever, with the next number, its entry in the books, and a message.

Locks: the customer's account, then the utility's number. So payments and bills of one customer wait for one another.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import counting, document, numbers, policies, rules, settling, spans
from cloud.billing.document import Content
from cloud.billing.models import Bill, CreditSpan
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.errors import Conflict
from cloud.notify import outbox, texts


async def issue(
    session: AsyncSession, actor: Actor, span: CreditSpan, content: Content, run_id: int | None, now: int
) -> Bill:
    """Make a bill of what was counted, and pay it from the customer's account as far as that goes.

    Conflict if the span was billed otherwise since: count again.
    """
    customer = await session.get_one(Customer, span.customer_id)
    await books.locked(session, span.utility_id, book_rules.customer(customer.id, content.currency))
    begun = await counting.begun(session, span)
    if (begun.day, begun.register_ml) != (content.from_day, content.from_register_ml):
        raise Conflict("billed_since", f"Meter {content.drn} was billed since this was counted; count again.")
    today = (await spans.zone_of(session, span.utility_id)).local(now)[0]
    policy = await policies.in_force(session, span.utility_id)
    bill = Bill(
        utility_id=span.utility_id,
        number=await numbers.next_number(session, span.utility_id),
        run_id=run_id,
        span_id=span.id,
        part=await numbers.next_part(session, span.id),
        meter_id=span.meter_id,
        customer_id=customer.id,
        currency=content.currency,
        from_day=content.from_day,
        until_day=content.until_day,
        from_register_ml=content.from_register_ml,
        until_register_ml=content.until_register_ml,
        volume_ml=content.volume_ml,
        total_minor=content.total_minor,
        content=content.model_dump(),
        issued_at=now,
        due_day=today + policies.due_days(policy),
    )
    session.add(bill)
    await session.flush()
    draft = document.entry(bill.utility_id, bill.id, bill.number, content, customer.id)
    if draft is not None:
        await books.post(session, draft, actor, now)
    await settling.owe(session, bill)
    await _record(session, actor, bill, now)
    await settling.from_account(session, actor, customer, content.currency, now)
    if content.total_minor:
        await _tell(session, customer, bill, now)
    return bill


async def _tell(session: AsyncSession, customer: Customer, bill: Bill, now: int) -> None:
    left = await settling.left_minor(session, bill)
    said = texts.bill(
        customer.language, bill.number, bill.total_minor, left, bill.currency, rules.date_text(bill.due_day)
    )
    await outbox.add(session, utility_id=bill.utility_id, customer_id=customer.id, kind="bill", text=said, now=now)


async def _record(session: AsyncSession, actor: Actor, bill: Bill, now: int) -> None:
    detail = {
        "number": bill.number,
        "customer": bill.customer_id,
        "meter": bill.meter_id,
        "from_day": bill.from_day,
        "until_day": bill.until_day,
        "volume_ml": bill.volume_ml,
        "total_minor": bill.total_minor,
        "currency": bill.currency,
    }
    await audit.record(session, actor, "bill.issue", f"bill:{bill.id}", detail, utility_id=bill.utility_id, now=now)
