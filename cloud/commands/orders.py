"""What an operator asks of a meter: mode, control, adjustment, pulse volume. Some of it two people must want.

A closure of a meter with critical need, whatever takes that protection away, and an adjustment above the configured
limit become a request, which another person approves before the command is given.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.commands import service
from cloud.commands.models import Command, CommandRequest
from cloud.errors import Refused
from cloud.meters import standing
from cloud.meters.models import Gateway, Meter
from shared import documents, kinds

WAITING = "waiting"
OPEN_LONGEST_S = 31 * 86400
_CLOSING = (kinds.CONTROL_DISCONNECT, kinds.CONTROL_SAFETY)
_WITH_END = (kinds.CONTROL_SAFETY, kinds.CONTROL_OPEN_ALL)
_KEPT = kinds.MODE_CURRENCY | kinds.MODE_BULK | kinds.MODE_BYPASS
_ARREARS = {"none": 0, "trickle": kinds.MODE_TRICKLE, "disconnect": kinds.MODE_ARREARS}
_ACTIONS = {
    "connect": kinds.CONTROL_CONNECT,
    "disconnect": kinds.CONTROL_DISCONNECT,
    "arm": kinds.CONTROL_ARM,
    "safety": kinds.CONTROL_SAFETY,
    "safety_over": kinds.CONTROL_SAFETY_OVER,
}
_POTS = {
    "token_credit": kinds.TOKEN_CREDIT,
    "emergency_credit": kinds.EMERGENCY_CREDIT,
    "reserved_credit": kinds.RESERVED_CREDIT,
    "accumulated_debt": kinds.ACCUMULATED_DEBT,
}


@dataclass(frozen=True)
class Order:
    """A command to be given to one meter; `what` says it in words, `reason` why, `by_two` whether two must want it."""

    meter: Meter
    kind: int
    payload: bytes
    what: str
    reason: str
    by_two: bool


@dataclass(frozen=True)
class Limits:
    """What one person may adjust: volume in ml, money in 1/100000 of the currency's unit."""

    volume_ml: int
    money: int


async def mode(
    session: AsyncSession,
    meter: Meter,
    *,
    payment: str,
    arrears: str,
    critical_need: bool,
    meter_group: int,
    reason: str,
) -> Order:
    """Charge a meter otherwise; what its hardware and its account are stays as it was."""
    if arrears != "none" and payment != "credit":
        raise Refused("arrears_prepayment", "Arrears limit meters that are billed afterwards; choose payment credit.")
    was = await _mode(session, meter)
    bits = was & _KEPT | _ARREARS[arrears]
    bits |= kinds.MODE_CREDIT if payment == "credit" else 0
    bits |= kinds.MODE_CRITICAL if critical_need else 0
    payload = documents.MODE_PAYLOAD.encode(channel=meter.channel, mode=bits, group=meter_group)
    what = f"mode {payment}, arrears {arrears}, critical need {'yes' if critical_need else 'no'}, group {meter_group}"
    worse = not critical_need or (arrears != "none" and not was & (kinds.MODE_TRICKLE | kinds.MODE_ARREARS))
    return Order(meter, documents.COMMAND_MODE, payload, what, reason, bool(was & kinds.MODE_CRITICAL) and worse)


async def control(
    session: AsyncSession, meter: Meter, action: str, until_s: int | None, reason: str, now: int
) -> Order:
    """Close or open a meter by hand; a closure for safety has an end."""
    number = _ACTIONS[action]
    _check_end(number, until_s, now)
    payload = documents.CONTROL_PAYLOAD.encode(channel=meter.channel, action=number, until_s=until_s or 0)
    critical = bool(await _mode(session, meter) & kinds.MODE_CRITICAL)
    what = action + (f" until {until_s}" if until_s else "")
    return Order(meter, documents.COMMAND_CONTROL, payload, what, reason, critical and number in _CLOSING)


def _check_end(action: int, until_s: int | None, now: int) -> None:
    if (until_s is not None) != (action in _WITH_END):
        raise Refused("until_s", "until_s, the end, is given with safety and nothing else.")
    if until_s is not None and not now < until_s <= now + OPEN_LONGEST_S:
        raise Refused("until_s", f"until_s lies after now and at most {OPEN_LONGEST_S // 86400} days ahead.")


async def adjustment(session: AsyncSession, meter: Meter, pot: str, amount: int, reason: str, limits: Limits) -> Order:
    """Move a balance by an amount that is not 0, in the unit of the account."""
    if amount == 0:
        raise Refused("amount_zero", "An adjustment moves a balance; give an amount above or below 0.")
    money = bool(await _mode(session, meter) & kinds.MODE_CURRENCY)
    payload = documents.ADJUST_PAYLOAD.encode(channel=meter.channel, pot=_POTS[pot], delta=amount)
    most = limits.money if money else limits.volume_ml
    what = f"{pot} {amount:+d} {'1/100000 of the currency' if money else 'ml'}"
    return Order(meter, documents.COMMAND_ADJUST, payload, what, reason, abs(amount) > most)


def factor(meter: Meter, pulse_volume_ml: int, reason: str) -> Order:
    """Let a pulse count another volume from now on."""
    payload = documents.FACTOR_PAYLOAD.encode(channel=meter.channel, pulse_volume_ml=pulse_volume_ml)
    return Order(meter, documents.COMMAND_FACTOR, payload, f"{pulse_volume_ml} ml a pulse", reason, by_two=False)


async def _mode(session: AsyncSession, meter: Meter) -> int:
    """How a meter is charged now: as its ledger says, and before that as it was made; protection counts from either."""
    state = await standing.latest(session, meter)
    return meter.mode if state is None else int(state.mode) | meter.mode & kinds.MODE_CRITICAL


async def protected(session: AsyncSession, meter: Meter, now: int) -> bool:
    """Tell whether a meter is a critical need, or was ordered to be and may not know yet: another mode keeps that."""
    mine = (Command.gateway_id == meter.gateway_id, Command.drn == meter.drn, Command.kind == documents.COMMAND_MODE)
    alive = (Command.status.in_(service.OUTSTANDING), Command.expires_at > now)
    newest = select(Command.payload).where(*mine, *alive).order_by(Command.id.desc()).limit(1)
    payload = await session.scalar(newest)
    if payload is None:
        return meter.critical_need
    return meter.critical_need or bool(documents.MODE_PAYLOAD.decode(payload)["mode"] & kinds.MODE_CRITICAL)


async def give(session: AsyncSession, actor: Actor, order: Order, now: int) -> Command | CommandRequest:
    """Queue the command, or keep it as a request that another person decides on."""
    meter = order.meter
    detail = {"drn": meter.drn, "what": order.what, "reason": order.reason, "kind": order.kind}
    if order.by_two:
        asked = CommandRequest(
            utility_id=meter.utility_id,
            gateway_id=meter.gateway_id,
            drn=meter.drn,
            channel=meter.channel,
            kind=order.kind,
            payload=order.payload,
            what=order.what,
            reason=order.reason,
            state=WAITING,
            requested_by=actor.label,
            requested_person_id=actor.require_person(),
            requested_at=now,
        )
        session.add(asked)
        await session.flush()
        detail["request"] = asked.id
        subject, action = f"command-request:{asked.id}", "command.request"
        await audit.record(session, actor, action, subject, detail, utility_id=meter.utility_id, now=now)
        return asked
    subject = f"meter:{meter.drn}"
    # The audit before the number: everybody locks in this order.
    await audit.record(session, actor, "command.give", subject, detail, utility_id=meter.utility_id, now=now)
    return await service.queue_order(
        session,
        gateway_id=meter.gateway_id,
        kind=order.kind,
        payload=order.payload,
        channel=meter.channel,
        drn=meter.drn,
        reason=order.reason,
        now=now,
    )


async def open_all(
    session: AsyncSession, actor: Actor, gateway: Gateway, until_s: int, reason: str, now: int
) -> Command:
    """Open every meter of a gateway for a time, whatever their credit is."""
    _check_end(kinds.CONTROL_OPEN_ALL, until_s, now)
    every = {"channel": kinds.GATEWAY, "action": kinds.CONTROL_OPEN_ALL, "until_s": until_s}
    payload = documents.CONTROL_PAYLOAD.encode(**every)
    detail = {"what": f"open all until {until_s}", "reason": reason}
    subject = f"gateway:{gateway.id}"
    await audit.record(session, actor, "command.give", subject, detail, utility_id=gateway.utility_id, now=now)
    return await service.queue_order(
        session,
        gateway_id=gateway.id,
        kind=documents.COMMAND_CONTROL,
        payload=payload,
        channel=kinds.GATEWAY,
        reason=reason,
        now=now,
    )
