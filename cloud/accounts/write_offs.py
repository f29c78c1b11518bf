"""Giving up what is left of a debt: alone up to a limit, above it when another person approves."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.accounts.change_models import WriteOff
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import Conflict
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.vending import debts
from cloud.vending.sale_models import PaymentDebt


async def ask(session: AsyncSession, actor: Actor, debt_id: int, reason: str, limit_minor: int, now: int) -> WriteOff:
    """Write off what is left of a debt, or keep that for a second person."""
    debt = await owned(session, actor, PaymentDebt, debt_id, "debt")
    await session.refresh(debt, with_for_update=True)
    if debt.closed_at is not None:
        raise Conflict("debt_closed", f"Debt {debt_id} is closed.")
    left = debt.principal_minor - debt.paid_minor
    if left > limit_minor:
        actor.require_person()
    row = WriteOff(utility_id=debt.utility_id, debt_id=debt.id, amount_minor=left, **decided.asked(actor, reason, now))
    there = Conflict("write_off_there", f"A write-off of debt {debt_id} waits already; decide on that one.")
    await insert(session, row, there)
    detail = {"debt": debt.id, "amount_minor": left, "reason": reason}
    subject = f"write-off:{row.id}"
    await audit.record(session, actor, "debt.write-off-ask", subject, detail, utility_id=row.utility_id, now=now)
    if left <= limit_minor:
        await _carry_out(session, actor, row, now)
    return row


async def approve(session: AsyncSession, actor: Actor, write_off_id: int, now: int) -> WriteOff:
    """Write off what another person asked to write off; what was paid meanwhile is not lost by it."""
    row = await decided.waiting(session, actor, WriteOff, write_off_id, "write-off")
    decided.by_another(actor, row)
    await _carry_out(session, actor, row, now)
    return row


async def decline(session: AsyncSession, actor: Actor, write_off_id: int, now: int) -> WriteOff:
    """Let a debt go on."""
    row = await decided.waiting(session, actor, WriteOff, write_off_id, "write-off")
    await decided.decline(session, actor, row, "debt.write-off-decline", now)
    return row


async def _carry_out(session: AsyncSession, actor: Actor, row: WriteOff, now: int) -> None:
    debt = await session.get_one(PaymentDebt, row.debt_id)
    await session.refresh(debt, with_for_update=True)
    left = debt.principal_minor - debt.paid_minor
    await debts.close(session, actor, debt.id, row.reason, now)
    row.amount_minor = left
    decided.done(actor, row, now)
    await session.flush()


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[WriteOff]:
    """A page of the write-offs that the caller may see."""
    return await rows_after(session, of_actor(select(WriteOff), actor, WriteOff.utility_id), WriteOff.id, query)
