"""What allows modes, tariffs, pulse volumes, grants and controls: a command that was given, the enrolment, the policy.

A command explains the entries of its own group only, and says what must stand in them.
"""

from typing import Any

from cloud.commands import service as commands
from cloud.commands.models import Command
from cloud.ledger import openings
from cloud.ledger.inquiry import Finding, Inquiry, by_policy, explained, meter_at, unexplained
from shared import documents, kinds
from shared.tariff import CONTINUE, PRORATE, Tariff, is_share
from shared.wire import Layout

_COUNTERS = 3
_DAYS = 31


async def mode(inquiry: Inquiry) -> Finding:
    """How a meter is charged follows the enrolment or a command; from then on the meter's row says so, too."""
    entry = inquiry.entry
    wanted = {"channel": entry.meter, "mode": entry.detail, "group": entry.reference_a}
    found = await openings.mode(inquiry)
    found = found or await _by_command(inquiry, documents.COMMAND_MODE, documents.MODE_PAYLOAD, wanted)
    meter = await meter_at(inquiry.session, inquiry.position.gateway, entry.meter)
    if meter is not None and found.cause:
        meter.mode, meter.meter_group = entry.detail, entry.reference_a
    return found


async def factor(inquiry: Inquiry) -> Finding:
    """What a pulse counts follows the enrolment or a command."""
    entry = inquiry.entry
    wanted = {"channel": entry.meter, "pulse_volume_ml": entry.reference_a}
    found = await openings.factor(inquiry)
    found = found or await _by_command(inquiry, documents.COMMAND_FACTOR, documents.FACTOR_PAYLOAD, wanted)
    meter = await meter_at(inquiry.session, inquiry.position.gateway, entry.meter)
    if meter is not None and found.cause:
        meter.pulse_volume_ml = entry.reference_a
    return found


async def tariff(inquiry: Inquiry) -> Finding:
    """A tariff in force is an approved one of the meter's group, not before its time, with its rule for counters."""
    entry, group = inquiry.entry, inquiry.claim.group
    known = inquiry.known.tariffs.get((entry.reference_a, entry.reference_b))
    if known is None:
        return unexplained(f"tariff {entry.reference_a} with this check value was never approved")
    if known.meter_group != group:
        return unexplained(f"tariff {known.version} is for group {known.meter_group}, the meter is in group {group}")
    if entry.time_s < known.effective_from_s:
        return unexplained(f"tariff {known.version} is in force before its time")
    wrong = await _wrong_counter(inquiry, known)
    if wrong:
        return unexplained(f"tariff {known.version}: {wrong}")
    return explained(f"approved tariff {known.version}", f"tariff:{known.version}")


async def _wrong_counter(inquiry: Inquiry, known: Tariff) -> str:
    detail, counters = inquiry.entry.detail, known.counters
    if inquiry.entry.rule != kinds.RULE_TARIFF_IN_FORCE:  # a meter that comes to a tariff goes on with its counter
        if not await _comes_to_tariff(inquiry):
            return "neither an enrolment nor a command brought the meter to it"
        counters = CONTINUE
    if detail & _COUNTERS != counters:
        return "it has another rule for the block counter"
    if counters == PRORATE and not is_share((detail >> 6 & _DAYS) << 8 | detail >> 11):
        return "it is cut to no share of a month"
    return ""


async def _comes_to_tariff(inquiry: Inquiry) -> bool:
    position, sequence = inquiry.position, inquiry.entry.sequence
    if await openings.in_group(inquiry) is not None:
        return True
    of_mode = {"gateway_id": position.gateway, "epoch": position.epoch, "kind": documents.COMMAND_MODE}
    return await commands.behind(inquiry.session, sequence=sequence, **of_mode) is not None


async def grant(inquiry: Inquiry) -> Finding:
    """Credit that was not bought: by the policy in force, but for adjustments, which a command orders one by one."""
    entry = inquiry.entry
    if entry.detail != kinds.GRANT_ADJUSTMENT:
        return by_policy(inquiry.claim)
    wanted = {"channel": entry.meter, "pot": entry.pot, "delta": entry.delta}
    return await _by_command(inquiry, documents.COMMAND_ADJUST, documents.ADJUST_PAYLOAD, wanted, entry.reference_a)


async def control(inquiry: Inquiry) -> Finding | None:
    """The operator's orders come from a command; what the customer may do by key is the policy's to allow."""
    entry = inquiry.entry
    if entry.rule == kinds.RULE_COMMAND:
        wanted = {"channel": entry.meter, "action": entry.detail, "until_s": entry.reference_a}
        return await _by_command(inquiry, documents.COMMAND_CONTROL, documents.CONTROL_PAYLOAD, wanted)
    if entry.detail in (kinds.CONTROL_LOCK, kinds.CONTROL_SAFETY):
        return None  # the customer's own lock, and a closure for safety: less supply than before
    return by_policy(inquiry.claim)


async def _by_command(
    inquiry: Inquiry, kind: int, layout: Layout, wanted: dict[str, Any], counter: int | None = None
) -> Finding:
    entry, position = inquiry.entry, inquiry.position
    name = kinds.KIND_NAMES[entry.kind]
    command = await commands.behind(
        inquiry.session, gateway_id=position.gateway, epoch=position.epoch, sequence=entry.sequence, kind=kind
    )
    if command is None:
        return unexplained(f"no command ordered this {name}")
    if counter is not None and counter != command.counter:
        return unexplained(f"this {name} names command {counter}, and stands in the group of {command.counter}")
    assert command.payload is not None, "all but tokens travel as they were queued"
    ordered = layout.decode(command.payload)
    if ordered["channel"] == kinds.GATEWAY:
        wanted = {**wanted, "channel": kinds.GATEWAY}
    for field, said in wanted.items():
        if said != ordered[field]:
            return unexplained(f"{field} {said}, but command {command.counter} ordered {ordered[field]}")
    return _used(inquiry, command, ordered["channel"] == kinds.GATEWAY)


def _used(inquiry: Inquiry, command: Command, for_all: bool) -> Finding:
    if command.used_by is not None and not for_all:
        return unexplained(f"command {command.counter} explains entry {command.used_by} already")
    command.used_by = inquiry.entry.sequence
    reason = f"command {command.counter}" + (f": {command.reason}" if command.reason else "")
    return explained(reason, f"command:{command.id}")
