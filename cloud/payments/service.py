"""A payment's way: told of, confirmed, sold for; each step is one transaction under the payment's lock.

What a message may do depends on where the payment stands, so they may come late, doubled and in any order.
"""

from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor, system
from cloud.billing import reopening
from cloud.payments import money, rules
from cloud.payments.channels import Channel
from cloud.payments.models import Payment, PaymentEvent, PushRequest
from cloud.payments.providers.interface import Answered, Ended, Message
from cloud.payments.rules import Notice

ACTOR = system("payments")
CONFIRMATIONS_MAX = 10
_REASON_MAX = 300
_log = structlog.get_logger("payments")


async def receive(session: AsyncSession, channel: Channel, message: Message, digest: bytes, now: int) -> None:
    """Take in what a checked message says; `digest` is the SHA-256 of its bytes, which count once."""
    if isinstance(message, Notice):
        await told(session, channel, message, digest, now)
    elif isinstance(message, Answered):
        await _answered(session, channel, message, now)
    else:
        await _ended(session, channel, message, now)


async def told(session: AsyncSession, channel: Channel, notice: Notice, digest: bytes, now: int) -> bool:
    """Take in what is said of a payment; tell whether it is a new payment."""
    if not await _first_time(session, channel, notice, digest, now):
        return False
    if notice.kind == rules.FAILED:
        return False  # it was never paid; should money come later under this reference, that is another message
    if await _claim(session, channel, notice, now):
        return True
    payment = await locked(session, channel.kind, notice.reference)
    if payment.utility_id != channel.utility_id:
        _log.error("two channels tell of one payment", payment=payment.id, channel=channel.name)
    elif notice.kind == rules.REVERSED:
        await taken_back(session, payment, notice.amount_minor, now)
    else:
        await _told_again(session, channel, payment, notice, now)
    return False


async def _first_time(session: AsyncSession, channel: Channel, notice: Notice, digest: bytes, now: int) -> bool:
    values = {
        "utility_id": channel.utility_id,
        "channel": channel.name,
        "provider": channel.kind,
        "reference": notice.reference,
        "kind": notice.kind,
        "amount_minor": notice.amount_minor,
        "currency": notice.currency,
        "body_sha256": digest,
        "received_at": now,
    }
    return await insert_once(session, PaymentEvent, values) is not None


async def _claim(session: AsyncSession, channel: Channel, notice: Notice, now: int) -> bool:
    """Store the payment unless its provider and reference are there; the insert itself decides who is first."""
    paid = notice.kind == rules.PAID
    values = {
        "utility_id": channel.utility_id,
        "channel": channel.name,
        "provider": channel.kind,
        "reference": notice.reference,
        "tender_kind": "bank_transfer" if channel.provider is None else channel.provider.tender_kind,
        "amount_minor": notice.amount_minor,
        "currency": notice.currency,
        "account_reference": notice.account_reference,
        "state": rules.RECEIVED if paid else rules.VOID,
        "code": None if paid else "reversed_first",
        "attempts": 0,
        "next_attempt_at": now,
        "paid_at": notice.paid_at,
        "received_at": now,
        "reversed_minor": 0 if paid else notice.amount_minor,
        "looks": 0,
    }
    made = await insert_once(session, Payment, values)
    if made is not None and paid and not (channel.provider is not None and channel.provider.asks):
        await verify(session, await session.get_one(Payment, made), now)
    return made is not None


async def insert_once(session: AsyncSession, table: Any, values: dict[str, Any]) -> int | None:
    """Insert a row and return its id; None if a unique key is taken."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = await session.execute(insert(table).values(**values).on_conflict_do_nothing().returning(table.id))
    made_id: int | None = made.scalar_one_or_none()
    return made_id


async def locked(session: AsyncSession, provider: str, reference: str) -> Payment:
    """Return a payment that is there, locked until the transaction ends."""
    mine = select(Payment).where(Payment.provider == provider, Payment.reference == reference)
    return (await session.scalars(mine.with_for_update().execution_options(populate_existing=True))).one()


async def _told_again(session: AsyncSession, channel: Channel, payment: Payment, notice: Notice, now: int) -> None:
    # A bank that uses a reference for two days' money would lose the second: that is for a person to see.
    other_day = channel.provider is None and notice.paid_at != payment.paid_at
    if other_day or (notice.amount_minor, notice.currency) != (payment.amount_minor, payment.currency):
        said = f"It was told of again, with {notice.amount_minor} {notice.currency} at {notice.paid_at}."
        await list_for_person(session, payment, "contradicted", said, now)
    elif not payment.has_ended and rules.drn_of(payment.account_reference) is None:
        payment.account_reference = notice.account_reference or payment.account_reference


async def _answered(session: AsyncSession, channel: Channel, answer: Answered, now: int) -> None:
    mine = select(Payment).where(Payment.provider == channel.kind, Payment.reference == answer.reference)
    payment = await session.scalar(mine.with_for_update())
    if payment is None or payment.channel != channel.name:
        return
    if answer.gone_minor and payment.verified_at is not None:
        if payment.refunded_at is not None:
            return  # what we gave back ourselves
        await taken_back(session, payment, answer.gone_minor, now)
    else:
        await confirmed(session, payment, answer.notice, now)


async def confirmed(session: AsyncSession, payment: Payment, notice: Notice | None, now: int) -> None:
    """Believe a payment as far as its provider's records have it; else ask again, and list it in the end."""
    if payment.state != rules.RECEIVED:
        return
    if notice is None:
        await _not_confirmed(session, payment, now)
        return
    told = (payment.amount_minor, payment.currency)
    payment.amount_minor, payment.currency = notice.amount_minor, notice.currency  # the records are the truth
    await verify(session, payment, now)
    if told != (notice.amount_minor, notice.currency):
        said = f"{told[0]} {told[1]} were told of; the provider's records say {notice.amount_minor} {notice.currency}."
        await list_for_person(session, payment, "amount_differs", said, now)


async def _not_confirmed(session: AsyncSession, payment: Payment, now: int) -> None:
    payment.reason = "The provider's records do not have it."
    payment.next_attempt_at = now + rules.retry_after_s(payment.attempts)
    if payment.attempts >= CONFIRMATIONS_MAX:
        said = "The provider's records do not have it. Compare with its statement; close it if it never was."
        await list_for_person(session, payment, "not_confirmed", said, now)


async def verify(session: AsyncSession, payment: Payment, now: int) -> None:
    """The money is there: it enters the books and may be sold for."""
    payment.state, payment.verified_at, payment.next_attempt_at, payment.attempts = rules.VERIFIED, now, now, 0
    payment.code = payment.reason = payment.alarmed_at = None
    payment.look_again_at = rules.next_look_at(now, 0) if payment.provider in rules.SILENT else None
    await money.came(session, payment, ACTOR, now)
    await record(session, ACTOR, "payment.verify", payment, {}, now)


async def taken_back(session: AsyncSession, payment: Payment, amount_minor: int, now: int) -> None:
    """The provider took this much back in all; bills that it had paid are open again."""
    more = min(amount_minor, payment.amount_minor) - payment.reversed_minor
    if more <= 0:
        return
    key, source = f"payment:{payment.id}", f"payment:{payment.id}:back:{payment.reversed_minor}"
    owed = await reopening.take_back(session, payment.utility_id, key, more, source, now)
    if payment.verified_at is not None:
        await money.taken_back(session, payment, more, owed.debits, ACTOR, now)
        await reopening.follow_up(session, owed, now)
    payment.reversed_minor += more
    said = f"The provider took {payment.reversed_minor} of {payment.amount_minor} back."
    if owed.bills:
        said += f" Open again: {', '.join(f'bill {bill.number}' for bill in owed.bills)}."
    if payment.has_ended or payment.left_minor > 0:
        await list_for_person(session, payment, "reversed", said, now)
        return
    payment.state = rules.VOID if payment.verified_at is None else rules.REFUNDED
    payment.refunded_at = None if payment.verified_at is None else now
    payment.code, payment.reason = "reversed", said
    await record(session, ACTOR, "payment.reversed", payment, {}, now)


async def list_for_person(session: AsyncSession, payment: Payment, code: str, reason: str, now: int) -> None:
    """Put a payment into the queue; one that was sold for or returned stands there as disputed."""
    payment.state = rules.DISPUTED if payment.has_ended else rules.LISTED
    payment.code, payment.reason = code[:40], reason[:_REASON_MAX]
    await record(session, ACTOR, "payment.list", payment, {"code": payment.code}, now)
    _log.warning("payment needs a person", payment=payment.id, utility=payment.utility_id, code=code)


async def _ended(session: AsyncSession, channel: Channel, ended: Ended, now: int) -> None:
    asked = await session.get(PushRequest, ended.push_id, with_for_update=True)
    if asked is None or asked.channel != channel.name or asked.reference is not None:
        return
    asked.state, asked.reference, asked.ended_at = "paid" if ended.reference else "ended", ended.reference, now


async def record(
    session: AsyncSession, actor: Actor, action: str, payment: Payment, detail: dict[str, Any], now: int
) -> None:
    """Write the audit entry of what happened to a payment."""
    said = {
        "provider": payment.provider,
        "reference": payment.reference,
        "amount_minor": payment.amount_minor,
        "reversed_minor": payment.reversed_minor,
        "currency": payment.currency,
        "state": payment.state,
        **detail,
    }
    await audit.record(session, actor, action, f"payment:{payment.id}", said, utility_id=payment.utility_id, now=now)
