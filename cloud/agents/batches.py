"""Voucher batches that a shop or an agent takes over: what is paid for them, and what the utility owes from then on.

Below the face another person approves, but for an agent who pays no less than its commission leaves.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.agents import booking, rules, service
from cloud.agents.models import Agent, BatchSale
from cloud.agents.selling import fraction_of, locked
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.books import service as books
from cloud.decided import DONE
from cloud.errors import Conflict, NotFound, Refused
from cloud.payments.voucher_models import Voucher, VoucherBatch
from cloud.rows import insert, owned

SOLD, RETURNED, KEPT = "sold", "returned", "kept"


async def sell(session: AsyncSession, actor: Actor, sale: BatchSale, now: int) -> BatchSale:
    """Sell a batch, or ask another person to let it go below its face."""
    batch = await owned(session, actor, VoucherBatch, sale.batch_id, "voucher batch")
    _check_goes_on(batch, now)
    sale.utility_id, sale.currency, sale.face_minor = batch.utility_id, batch.currency, batch.count * batch.amount_minor
    sale.asked_by, sale.asked_at, sale.state = actor.require_person(), now, rules.WAITING
    sale.returned_minor = 0
    if sale.price_minor > sale.face_minor:
        raise Refused("price_wrong", f"The vouchers are worth {sale.face_minor} minor units; nobody pays more.")
    agent = await _agent(session, actor, sale)
    await insert(session, sale, Conflict("batch_sold", f"Batch {batch.id} is sold, or somebody asked to sell it."))
    free = 0 if agent is None else rules.discount_minor(sale.face_minor, fraction_of(agent))
    if sale.face_minor - sale.price_minor > free:
        await _record(session, actor, sale, "voucher-batch.sale-ask", now)
    else:
        await _carry_out(session, actor, sale, now)
    return sale


async def approve(session: AsyncSession, actor: Actor, batch_id: int, now: int) -> BatchSale:
    """Let a batch go at the price that another person asked for."""
    sale = await _waiting(session, actor, batch_id)
    require_another_person(actor, sale.asked_by)
    _check_goes_on(await session.get_one(VoucherBatch, batch_id, populate_existing=True), now)
    await _carry_out(session, actor, sale, now)
    return sale


def _check_goes_on(batch: VoucherBatch, now: int) -> None:
    if batch.state != DONE:
        raise Refused("batch_not_made", f"Batch {batch.id} is {batch.state}; it has no vouchers that could be sold.")
    if batch.stopped_at is not None or batch.expires_at <= now:
        raise Refused("batch_ended", f"Batch {batch.id} was stopped or has expired.")


async def decline(session: AsyncSession, actor: Actor, batch_id: int, now: int) -> BatchSale:
    """End such a request; the batch may be sold otherwise."""
    sale = await _waiting(session, actor, batch_id)
    sale.state, sale.decided_by, sale.decided_at = rules.DECLINED, actor.require_person(), now
    await _record(session, actor, sale, "voucher-batch.sale-decline", now)
    return sale


async def end(session: AsyncSession, actor: Actor, batch_id: int, how: str, now: int) -> BatchSale:
    """Say what becomes of what nobody redeemed of a sold batch that is over: its price is returned, or it is kept.

    Not the person who sold it says so. Whoever redeems at the same time is waited for, and nobody does afterwards.
    """
    sale = await of_batch(session, actor, batch_id)
    await session.refresh(sale, with_for_update=True)
    batch = await session.get_one(VoucherBatch, batch_id, with_for_update=True, populate_existing=True)
    require_another_person(actor, sale.asked_by)
    if sale.state != SOLD or (batch.stopped_at is None and batch.expires_at > now):
        raise Conflict("batch_open", f"Batch {batch_id} is {sale.state}, or neither expired nor stopped.")
    batch.stopped_at = batch.stopped_at or now
    await session.flush()
    unused = select(Voucher.id).where(Voucher.batch_id == batch_id, Voucher.payment_id.is_(None))
    left_minor = len((await session.scalars(unused.with_for_update())).all()) * batch.amount_minor
    if left_minor and how == RETURNED:
        sale.returned_minor = rules.returned_minor(sale.price_minor, sale.face_minor, left_minor)
        await books.post(session, booking.batch_returned(sale, left_minor), actor, now)
    elif left_minor:
        await books.post(session, booking.batch_kept(sale, left_minor), actor, now)
    sale.state = how
    await _record(session, actor, sale, f"voucher-batch.{how}", now)
    return sale


async def of_batch(session: AsyncSession, actor: Actor, batch_id: int) -> BatchSale:
    """The sale of a batch; NotFound while nobody took it over."""
    batch = await owned(session, actor, VoucherBatch, batch_id, "voucher batch")
    mine = select(BatchSale).where(BatchSale.batch_id == batch.id, BatchSale.state != rules.DECLINED)
    sale = await session.scalar(mine)
    if sale is None:
        raise NotFound("batch_unsold", f"Batch {batch.id} was sold to nobody.")
    return sale


async def _agent(session: AsyncSession, actor: Actor, sale: BatchSale) -> Agent | None:
    if sale.agent_id is None:
        return None
    agent = await service.of_id(session, actor, sale.agent_id)
    if agent.utility_id != sale.utility_id or agent.currency != sale.currency or agent.state != rules.ACTIVE:
        raise Refused("agent_unfit", f"Agent {agent.id} is not active, or its float is of another utility or currency.")
    return agent


async def _carry_out(session: AsyncSession, actor: Actor, sale: BatchSale, now: int) -> None:
    if sale.agent_id is not None:
        agent = await locked(session, sale.agent_id)
        held = (await books.locked(session, agent.utility_id, booking.account(agent))).held
        if held < sale.price_minor:
            raise Refused("float_exceeded", f"The float has {held} minor units, not {sale.price_minor}.")
    sale.state, sale.decided_by, sale.decided_at = SOLD, actor.require_person(), now
    await session.flush()
    await books.post(session, booking.batch_sold(sale), booking.Person(sale.asked_by), now)
    await _record(session, actor, sale, "voucher-batch.sale", now)


async def _waiting(session: AsyncSession, actor: Actor, batch_id: int) -> BatchSale:
    sale = await of_batch(session, actor, batch_id)
    await session.refresh(sale, with_for_update=True)
    if sale.state != rules.WAITING:
        raise Conflict("batch_sold", f"Batch {batch_id} is {sale.state}.")
    return sale


async def _record(session: AsyncSession, actor: Actor, sale: BatchSale, action: str, now: int) -> None:
    names = (
        "sold_to",
        "agent_id",
        "paid_by",
        "face_minor",
        "price_minor",
        "returned_minor",
        "currency",
        "reference",
        "state",
    )
    detail = {name: getattr(sale, name) for name in names}
    subject = f"voucher-batch:{sale.batch_id}"
    await audit.record(session, actor, action, subject, detail, utility_id=sale.utility_id, now=now)
