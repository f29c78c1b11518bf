"""What follows when bills are late: reminders, then a trickle, then a disconnection, and back again once they are paid.

Each order is a command to the meter under the policy that two people approved, and names the policy and the sum, so
its effect is explained. A critical need is never limited: a person is told instead. When a valve may close is the
meter's to decide, by its friendly hours.
"""

import structlog
from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts.models import Customer
from cloud.audit import service as audit
from cloud.auth.actor import system
from cloud.billing import policies, rules, settling, spans
from cloud.billing.models import ArrearsOrder, Bill, BillingPolicy, BillNotice, CreditSpan, OpenBill
from cloud.commands import orders
from cloud.commands.models import Command
from cloud.commands.service import APPLIED, OUTSTANDING
from cloud.errors import CloudError
from cloud.meters.models import Meter
from cloud.notify import outbox, texts
from shared import documents, kinds

ACTOR = system("billing")
_LOOKED_AT = 500
_AGAIN_S = 6 * 3600
"""After how long a command that the gateway refused, or never got, is given again."""

_log = structlog.get_logger("billing")


async def customers(session: AsyncSession, after: int, limit: int) -> list[int]:
    """Return customers that may have something to be told or ordered, by rising number: who has an open bill, or a
    meter that is limited."""
    limited = Meter.mode.op("&")(kinds.MODE_TRICKLE | kinds.MODE_ARREARS) != 0
    billed = select(CreditSpan.customer_id).join(Meter, Meter.id == CreditSpan.meter_id)
    either = union(select(OpenBill.customer_id), billed.where(limited, CreditSpan.until_day.is_(None))).subquery()
    found = select(either.c.customer_id).where(either.c.customer_id > after)
    return list(await session.scalars(found.order_by(either.c.customer_id).limit(limit)))


async def remind(session: AsyncSession, customer_id: int, now: int) -> int:
    """Send the reminders of a customer's bills whose day has come, each once; return how many."""
    customer = await session.get_one(Customer, customer_id)
    policy = await policies.in_force(session, customer.utility_id)
    if policy is None:
        return 0
    today = (await spans.zone_of(session, customer.utility_id)).local(now)[0]
    sent = 0
    for bill, left in await settling.open_bills(session, customer_id):
        days = [day for day in policy.reminder_days if bill.due_day + day <= today]
        # Of several that were missed only the last is of use.
        if days and await _first_time(session, bill, f"reminder:{days[-1]}", now):
            due = rules.date_text(bill.due_day)
            told = texts.reminder if days[-1] < 0 else texts.overdue
            said = told(customer.language, bill.number, left, bill.currency, due)
            await outbox.add(
                session,
                utility_id=bill.utility_id,
                customer_id=customer_id,
                kind="bill_reminder",
                text=said,
                now=now,
            )
            sent += 1
    return sent


async def _first_time(session: AsyncSession, bill: Bill, step: str, now: int) -> bool:
    if await session.get(BillNotice, (bill.id, step)) is not None:
        return False
    session.add(BillNotice(bill_id=bill.id, step=step, utility_id=bill.utility_id, at=now))
    await session.flush()
    return True


async def review(session: AsyncSession, customer_id: int, now: int) -> int:
    """Order for each meter that is billed to a customer what its late bills ask for; return how many orders."""
    customer = await session.get_one(Customer, customer_id)
    policy = await policies.in_force(session, customer.utility_id)
    if policy is None:
        return 0
    # A meter that was closed for a bill and moved on to prepayment is not limited by it any more: the mode says so.
    mine = select(CreditSpan.meter_id).where(CreditSpan.customer_id == customer_id, CreditSpan.until_day.is_(None))
    meters = select(Meter).where(Meter.id.in_(mine)).order_by(Meter.id).with_for_update()
    found = (await session.scalars(meters.execution_options(populate_existing=True))).all()
    today = (await spans.zone_of(session, customer.utility_id)).local(now)[0]
    owed = await _still_owed(session, customer, today, now)
    ordered = 0
    for meter in found:
        late = [(bill, left) for bill, left in owed if bill.meter_id == meter.id]
        ordered += await _review_meter(session, meter, policy, late, today, now)
    return ordered


async def _still_owed(session: AsyncSession, customer: Customer, today: int, now: int) -> list[tuple[Bill, int]]:
    """A customer's open bills; what is due was paid from the account first, whose lock waits for who pays just now."""
    owed = await settling.open_bills(session, customer.id)
    due = sorted({bill.currency for bill, _ in owed if bill.due_day <= today})
    for currency in due:
        await settling.from_account(session, ACTOR, customer, currency, now)
    return await settling.open_bills(session, customer.id) if due else owed


async def _review_meter(
    session: AsyncSession, meter: Meter, policy: BillingPolicy, late: list[tuple[Bill, int]], today: int, now: int
) -> bool:
    dues = [(bill.due_day, left) for bill, left in late]
    steps = policies.steps(policy)
    level = rules.arrears(steps, dues, today, critical_need=meter.critical_need)
    if meter.critical_need:
        await _tell_of_critical(session, late, rules.arrears(steps, dues, today, critical_need=False), meter, now)
    if level == meter.arrears or meter.payment != "credit":
        return False
    if level == rules.NONE and not await _ours(session, meter):
        return False  # a person limited it, and a person lets it go
    if await _on_its_way(session, meter, level, now) or await _ordered_otherwise(session, meter, now):
        return False
    await _order(session, meter, policy, level, sum(left for due, left in dues if due < today), now)
    return True


async def _ours(session: AsyncSession, meter: Meter) -> bool:
    """Whether an order of ours, since the meter was let go last, limited it so."""
    given = select(ArrearsOrder.level, Command.status).join(Command, Command.id == ArrearsOrder.command_id)
    newest = given.where(ArrearsOrder.meter_id == meter.id).order_by(ArrearsOrder.id.desc()).limit(_LOOKED_AT)
    for level, status in await session.execute(newest):
        if level == rules.NONE and status == APPLIED:
            return False
        if level == meter.arrears:
            return True
    return False


async def _on_its_way(session: AsyncSession, meter: Meter, level: str, now: int) -> bool:
    """Whether the last order said the same, and is outstanding, or was given a short while ago."""
    newest = (
        select(ArrearsOrder.level, ArrearsOrder.at, Command.status)
        .join(Command, Command.id == ArrearsOrder.command_id)
        .where(ArrearsOrder.meter_id == meter.id)
        .order_by(ArrearsOrder.id.desc())
        .limit(1)
    )
    last = (await session.execute(newest)).first()
    if last is None or last.level != level:
        return False
    return last.status in OUTSTANDING or now - last.at < _AGAIN_S


async def _ordered_otherwise(session: AsyncSession, meter: Meter, now: int) -> bool:
    """Whether a mode that is not ours may still reach the meter: a critical need or a switch, which ours would undo."""
    mine = (Command.gateway_id == meter.gateway_id, Command.drn == meter.drn, Command.kind == documents.COMMAND_MODE)
    alive = (Command.status.in_(OUTSTANDING), Command.expires_at > now)
    ours = select(ArrearsOrder.command_id).where(ArrearsOrder.meter_id == meter.id)
    found = select(Command.id).where(*mine, *alive, Command.id.not_in(ours)).limit(1)
    return await session.scalar(found) is not None


async def _order(
    session: AsyncSession, meter: Meter, policy: BillingPolicy, level: str, overdue_minor: int, now: int
) -> None:
    why = f"{overdue_minor} minor units overdue" if level != rules.NONE else "overdue bills are paid"
    reason = f"billing policy {policy.version}, by {policy.submitted_by} and {policy.decided_by}: {why}"[:300]
    order = await orders.mode(
        session,
        meter,
        payment="credit",
        arrears=level,
        critical_need=meter.critical_need,
        meter_group=meter.meter_group,
        reason=reason,
    )
    assert not order.by_two, "what takes two people is not ordered by a policy"
    try:
        async with session.begin_nested():
            command = await orders.give(session, ACTOR, order, now)
    except CloudError as error:  # a gateway without a device: nothing can be ordered until it has one
        _log.warning("arrears cannot be ordered", meter=meter.drn, reason=error.message)
        return
    assert isinstance(command, Command), "one person suffices, so it is a command"
    row = ArrearsOrder(
        utility_id=meter.utility_id,
        meter_id=meter.id,
        policy_id=policy.id,
        level=level,
        overdue_minor=overdue_minor,
        command_id=command.id,
        at=now,
    )
    session.add(row)
    await session.flush()
    detail = {"level": level, "overdue_minor": overdue_minor, "policy": policy.version, "command": command.id}
    subject = f"meter:{meter.drn}"
    await audit.record(session, ACTOR, "bill.arrears", subject, detail, utility_id=meter.utility_id, now=now)


async def _tell_of_critical(
    session: AsyncSession, late: list[tuple[Bill, int]], level: str, meter: Meter, now: int
) -> None:
    """A person is told, once for a bill and level, that supply stays as it is although bills are late."""
    if level == rules.NONE or not late:
        return
    bill = late[0][0]
    if await _first_time(session, bill, f"critical:{level}", now):
        _log.warning("late bills of a critical need", meter=meter.drn, bill=bill.number, level=level)
        detail = {"level": level, "bill": bill.number}
        subject = f"meter:{meter.drn}"
        await audit.record(session, ACTOR, "bill.critical", subject, detail, utility_id=meter.utility_id, now=now)
