"""How an epoch opens: OPEN, METER, and what the bundle gave a meter in the group of its METER entry."""

from sqlalchemy import select

from cloud.ledger.inquiry import Finding, Inquiry, explained, unexplained
from cloud.ledger.models import LedgerHead
from cloud.meters.models import GatewayEpoch, MeterOpening
from shared import kinds
from shared.entries import HASH_SIZE


async def meter(inquiry: Inquiry) -> Finding:
    """A METER entry says what the enrolment gave."""
    entry, position = inquiry.entry, inquiry.position
    opening = await _opening(inquiry)
    if opening is None:
        return unexplained(f"channel {entry.meter} was not in the enrolment of epoch {position.epoch}")
    balance = -entry.balance if entry.pot == kinds.ACCUMULATED_DEBT else entry.balance
    stated = (balance, entry.register, entry.reference_a, entry.reference_b, entry.detail)
    given = (
        opening.balance_ml,
        opening.register_ml,
        opening.tid_minimum,
        opening.key_check,
        opening.krn << 8 | opening.ti,
    )
    names = ("balance", "register", "TID minimum", "key check", "KRN and TI")
    for name, said, was in zip(names, stated, given, strict=True):
        if said != was:
            return unexplained(f"{name} {said}, but the enrolment gave {was}")
    opening.entry_sequence, opening.group_end = entry.sequence, entry.sequence + entry.group_left
    return explained("as the enrolment opened it", _cause(inquiry))


async def mode(inquiry: Inquiry) -> Finding | None:
    """A MODE entry in the group that opened its meter; None for any other."""
    entry, opening = inquiry.entry, await in_group(inquiry)
    if opening is None:
        return None
    if (entry.detail, entry.reference_a) != (opening.mode, opening.meter_group):
        given = f"the enrolment gave mode {opening.mode}, group {opening.meter_group}"
        return unexplained(f"mode {entry.detail}, group {entry.reference_a}, but {given}")
    return explained("as the enrolment opened it", _cause(inquiry))


async def factor(inquiry: Inquiry) -> Finding | None:
    """A FACTOR entry in the group that opened its meter; None for any other."""
    entry, opening = inquiry.entry, await in_group(inquiry)
    if opening is None:
        return None
    if entry.reference_a != opening.pulse_volume_ml:
        return unexplained(f"a pulse of {entry.reference_a} ml, but the enrolment gave {opening.pulse_volume_ml} ml")
    return explained("as the enrolment opened it", _cause(inquiry))


async def _opening(inquiry: Inquiry) -> MeterOpening | None:
    position = inquiry.position
    return await inquiry.session.scalar(
        select(MeterOpening).where(
            MeterOpening.gateway_id == position.gateway,
            MeterOpening.epoch == position.epoch,
            MeterOpening.channel == inquiry.entry.meter,
        )
    )


async def in_group(inquiry: Inquiry) -> MeterOpening | None:
    """What the enrolment gave the meter, for an entry in the group that opened it; None for any other."""
    if not inquiry.claim.in_group:
        return None
    opening = await _opening(inquiry)
    if opening is None or opening.entry_sequence is None or opening.group_end is None:
        return None
    return opening if opening.entry_sequence < inquiry.entry.sequence <= opening.group_end else None


def _cause(inquiry: Inquiry) -> str:
    return f"enrolment:{inquiry.position.gateway}/{inquiry.position.epoch}"


async def epoch(inquiry: Inquiry) -> Finding:
    """An OPEN entry is the first of an enrolled epoch, and cites the last entry of the epoch before it."""
    entry, position = inquiry.entry, inquiry.position
    enrolled = await inquiry.session.scalar(
        select(GatewayEpoch.id).where(GatewayEpoch.gateway_id == position.gateway, GatewayEpoch.epoch == position.epoch)
    )
    if enrolled is None or entry.sequence != 1:
        return unexplained("an epoch opens once, with its first entry, after an enrolment")
    if entry.digest == bytes(HASH_SIZE):
        return explained("enrolled; cites no earlier epoch", _cause(inquiry))
    mine = select(LedgerHead.head).where(LedgerHead.gateway_id == position.gateway, LedgerHead.epoch == entry.detail)
    head = await inquiry.session.scalar(mine) if entry.detail < position.epoch else None
    if head is None or head[:HASH_SIZE] != entry.digest:
        return unexplained(f"epoch {entry.detail} is held with another last entry than the one cited")
    return explained(f"enrolled; goes on from epoch {entry.detail}", _cause(inquiry))
