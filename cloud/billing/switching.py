"""A meter's way from prepayment to bills and back: one person asks, another approves, the service carries it out.

To credit: the mode by command; when the ledger shows it, each pot of the meter is set to zero by command, and when the
ledger shows that, the credit's price stands on the customer's account and pays the first bill. What was owed at the
meter is in that bill. To prepayment: the mode by command; when the ledger shows it, the last bill goes up to it. Meters
that hold money go the same way; what they hold is money then, and they go on by the tariff on the device afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, system
from cloud.billing import runs, settled_credit, spans
from cloud.billing.spans import ORDERED, SETTLING, UNDER_WAY
from cloud.billing.switch_models import ModeSwitch, SwitchAdjustment
from cloud.commands import orders
from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.decided import DECLINED, DONE, WAITING
from cloud.errors import CloudError, Conflict, Refused
from cloud.meters import standing
from cloud.meters.models import Meter
from cloud.meters.service import meter_of
from cloud.reports import posting
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff
from cloud.tariffs.terms import CONSUMPTION, PURCHASE
from shared import documents, kinds

FAILED = "failed"
ACTOR = system("billing")
_CREDIT = "credit"
_POTS = (kinds.TOKEN_CREDIT, kinds.EMERGENCY_CREDIT, kinds.RESERVED_CREDIT, kinds.ACCUMULATED_DEBT)
_LOST = (commands.EXPIRED, commands.SUPERSEDED)
_AGAIN_S = 6 * 3600
"""After how long a pot that the gateway would not set to zero is tried again."""


@dataclass(frozen=True)
class Wanted:
    """The mode that a meter is to have, the class that it then pays by, the cycle of its bills, and why."""

    payment: str
    tariff_id: int
    cycle: int
    reason: str


async def ask(session: AsyncSession, actor: Actor, drn: str, wanted: Wanted, now: int) -> ModeSwitch:
    """Ask for a switch; Refused if the meter cannot be charged so, Conflict while another is under way."""
    meter = await meter_of(session, actor, drn)
    tariff = await owned(session, actor, Tariff, wanted.tariff_id, "tariff")
    actor.require_person()
    await _check(session, meter, tariff, wanted, now)
    row = ModeSwitch(
        utility_id=meter.utility_id,
        meter_id=meter.id,
        payment=wanted.payment,
        tariff_id=tariff.id,
        cycle=wanted.cycle,
        credit_ml=0,
        credit_money=0,
        value_minor=0,
        **decided.asked(actor, wanted.reason, now),
    )
    await insert(session, row, Conflict("switch_open", f"Meter {drn} is being switched already; decline that first."))
    await _record(session, actor, row, "meter.switch.ask", now)
    return row


async def _check(session: AsyncSession, meter: Meter, tariff: Tariff, wanted: Wanted, now: int) -> None:
    if meter.bulk:
        raise Refused("account_wrong", f"Meter {meter.drn} is a bulk meter, which has no account.")
    if meter.customer_id is None:
        raise Refused("no_customer", f"Meter {meter.drn} has no customer who could be billed; link one.")
    if meter.payment == wanted.payment:
        raise Refused("payment_same", f"Meter {meter.drn} is in {wanted.payment} mode already.")
    if (tariff.utility_id, tariff.commodity) != (meter.utility_id, meter.commodity):
        raise Refused("tariff_wrong", f"Tariff {tariff.id} is not for this meter's utility and commodity.")
    currency = (await session.get_one(Tariff, meter.tariff_id)).currency
    if meter.account == "currency" and tariff.currency != currency:
        raise Refused(
            "currency_wrong", f"Meter {meter.drn} holds {currency}; tariff {tariff.id} is in another currency."
        )
    basis = CONSUMPTION if wanted.payment == _CREDIT else PURCHASE
    if (await versions.in_force(session, tariff.id, now)).terms["basis"] != basis:
        raise Refused(
            "basis_wrong", f"{wanted.payment} needs a class with the {basis} basis; tariff {tariff.id} is not."
        )


async def approve(session: AsyncSession, actor: Actor, switch_id: int, now: int) -> ModeSwitch:
    """Approve what another person asked for: the meter is ordered to change its mode."""
    row = await _waiting(session, actor, switch_id)
    decided.by_another(actor, row)
    decided.done(actor, row, now, ORDERED)
    await _record(session, actor, row, "meter.switch.approve", now)
    await _order_mode(session, actor, row, now)
    return row


async def decline(session: AsyncSession, actor: Actor, switch_id: int, now: int) -> ModeSwitch:
    """End a switch that nobody approved yet."""
    row = await _waiting(session, actor, switch_id)
    actor.require_person()
    decided.done(actor, row, now, DECLINED)
    row.finished_at = now
    await _record(session, actor, row, "meter.switch.decline", now)
    return row


async def _waiting(session: AsyncSession, actor: Actor, switch_id: int) -> ModeSwitch:
    row = await owned(session, actor, ModeSwitch, switch_id, "switch")
    await session.refresh(row, with_for_update=True)
    if row.state != WAITING:
        raise Conflict("switch_decided", f"Switch {row.id} is {row.state}; ask for another one.")
    return row


async def _order_mode(session: AsyncSession, actor: Actor, row: ModeSwitch, now: int) -> None:
    meter = await session.get_one(Meter, row.meter_id)
    order = await orders.mode(
        session,
        meter,
        payment=row.payment,
        arrears="none",
        critical_need=await orders.protected(session, meter, now),
        meter_group=meter.meter_group,
        reason=f"switch {row.id}: {row.reason}"[:300],
    )
    command = await orders.give(session, actor, order, now)
    assert isinstance(command, Command), "protection stays as it is, so nobody else is asked"
    row.state, row.command_id = ORDERED, command.id
    await session.flush()


async def open_ones(session: AsyncSession) -> Sequence[int]:
    """Return the switches that are under way, the oldest first."""
    going = select(ModeSwitch.id).where(ModeSwitch.state.in_(UNDER_WAY))
    return (await session.scalars(going.order_by(ModeSwitch.id))).all()


async def step(session: AsyncSession, switch_id: int, now: int) -> str:
    """Carry a switch on as far as the ledger lets it; return its state."""
    row = await session.get_one(ModeSwitch, switch_id, with_for_update=True)
    if row.state == ORDERED:
        await _ordered(session, row, now)
    if row.state == SETTLING:
        try:
            async with session.begin_nested():
                done = await (_settle_credit if row.payment == _CREDIT else _settle_bills)(session, row, now)
        except CloudError as error:
            row.note, done = error.message[:300], False
        if done:
            row.state, row.finished_at, row.note = DONE, now, None
            await _record(session, ACTOR, row, "meter.switch.done", now)
    await session.flush()
    return row.state


async def _ordered(session: AsyncSession, row: ModeSwitch, now: int) -> None:
    """Wait for the ledger to show the mode; a command that never arrived is given again, a refusal ends the switch."""
    meter = await session.get_one(Meter, row.meter_id, with_for_update=True)
    command = await session.get_one(Command, row.command_id)
    await session.refresh(command)
    if meter.payment == row.payment:
        if meter.account == "currency":  # what flowed so far was charged with the taxes of the class before
            await posting.catch_up(session, meter, now)
        meter.tariff_id = row.tariff_id
        row.state = SETTLING
    elif command.status in _LOST:
        await _order_mode(session, ACTOR, row, now)
    elif command.status == commands.REFUSED:
        row.state, row.finished_at = FAILED, now
        row.note = f"the gateway refused it: {command.result_text}"[:300]
        await _record(session, ACTOR, row, "meter.switch.fail", now)


async def _settle_bills(session: AsyncSession, row: ModeSwitch, now: int) -> bool:
    """To prepayment: bill up to the entry that ended the span."""
    meter = await session.get_one(Meter, row.meter_id)
    ended = [span for span in await spans.refresh(session, meter, now) if span.until_day is not None]
    if ended:
        await runs.issue_last(session, ended[-1], now)
    return True


async def _settle_credit(session: AsyncSession, row: ModeSwitch, now: int) -> bool:
    """To credit: each pot to zero, and what it held to the customer; True when nothing is left at the meter."""
    meter = await session.get_one(Meter, row.meter_id)
    going = await spans.refresh(session, meter, now)
    span = going[-1] if going and going[-1].until_day is None else None
    waiting = False
    mine = select(SwitchAdjustment).where(SwitchAdjustment.switch_id == row.id, SwitchAdjustment.applied_at.is_(None))
    for adjustment in (await session.scalars(mine)).all():
        command = await session.get_one(Command, adjustment.command_id)
        await session.refresh(command)
        if command.status == commands.APPLIED:
            await settled_credit.settle(session, row, adjustment, meter, span, now)
        else:
            shows = await commands.may_still_show(session, command)
            waiting = waiting or shows or _is_waited_for(command, now)
    state = await standing.latest(session, meter)
    held = [(pot, state.pots[pot]) for pot in _POTS if state.pots[pot]] if state is not None else []
    if waiting or state is None:
        return False
    for pot, amount in held:
        await _order_adjustment(session, row, meter, pot, -amount, now)
    return not held


def _is_waited_for(command: Command, now: int) -> bool:
    """Whether a command may still come to something, or was refused so lately that it is too early for another."""
    if command.status in commands.OUTSTANDING:
        return True
    return command.status == commands.REFUSED and now - (command.finished_at or 0) < _AGAIN_S


async def _order_adjustment(
    session: AsyncSession, row: ModeSwitch, meter: Meter, pot: int, delta: int, now: int
) -> None:
    """The approval of the switch is that of the adjustments too: they give nothing, they take the pot to zero."""
    payload = documents.ADJUST_PAYLOAD.encode(channel=meter.channel, pot=pot, delta=delta)
    detail = {"drn": meter.drn, "what": f"{kinds.POT_NAMES[pot]} {delta:+d}", "switch": row.id}
    subject = f"meter:{meter.drn}"
    await audit.record(session, ACTOR, "command.give", subject, detail, utility_id=meter.utility_id, now=now)
    command = await commands.queue_order(
        session,
        gateway_id=meter.gateway_id,
        kind=documents.COMMAND_ADJUST,
        payload=payload,
        channel=meter.channel,
        drn=meter.drn,
        reason=f"switch {row.id} to credit, by {row.requested_by} and {row.decided_by}"[:300],
        now=now,
    )
    session.add(
        SwitchAdjustment(utility_id=row.utility_id, switch_id=row.id, pot=pot, delta=delta, command_id=command.id)
    )
    await session.flush()


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[ModeSwitch]:
    """A page of the switches that the caller may see."""
    return await rows_after(session, of_actor(select(ModeSwitch), actor, ModeSwitch.utility_id), ModeSwitch.id, query)


async def _record(session: AsyncSession, actor: Actor, row: ModeSwitch, action: str, now: int) -> None:
    detail = {"meter": row.meter_id, "payment": row.payment, "tariff": row.tariff_id, "reason": row.reason}
    detail |= {"credit_ml": row.credit_ml, "credit_money": row.credit_money, "value_minor": row.value_minor}
    await audit.record(session, actor, action, f"switch:{row.id}", detail, utility_id=row.utility_id, now=now)
