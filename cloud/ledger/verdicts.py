"""A verdict for every widening: each entry that raises credit or widens supply is joined to what allows it, or not.

What allows it must have been recorded before the entry arrived, and allows one entry only. Nothing is asked again
later: a vend that turns up afterwards explains nothing.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy import select, update

from cloud.auth.actor import system
from cloud.books import service as books
from cloud.commands import service as commands
from cloud.ledger import openings, widenings
from cloud.ledger.inquiry import Finding, Inquiry, by_policy, explained, meter_at, unexplained
from cloud.ledger.models import Verdict
from cloud.ledger.rules import CONTRADICTED, EXPLAINED, supply_of
from cloud.meters.models import Meter
from cloud.updates import progress
from cloud.vending import booking, key_change, voiding
from cloud.vending.models import Vend, VendingKey
from cloud.vending.order import FREE
from shared import kinds
from shared.key_data import KeyData, base_code

REASON_MAX = 300
_SPENT = {
    "explained": "used up by an earlier entry",
    "void": "it is void",
    "held": "its purchase is held, and its token was never given out",
}
_TOLD_ONLY = (kinds.WARNING, kinds.CHARGE, kinds.FAULT, kinds.BOOT)


async def find(inquiry: Inquiry) -> Finding | None:
    """The verdict about an entry; None for one that needs none."""
    entry, claim = inquiry.entry, inquiry.claim
    if entry.kind == kinds.COMMAND:
        found = await _command(inquiry)
        return Finding(CONTRADICTED, claim.wrong, found.cause) if claim.wrong else found
    if claim.wrong:
        return Finding(CONTRADICTED, claim.wrong)
    if entry.kind == kinds.VALVE_INTENT:
        return by_policy(claim) if supply_of(entry.detail) > claim.supply else None
    if entry.kind in _TOLD_ONLY:
        return None
    return await _RULES.get(entry.kind, _no_rule)(inquiry)


async def record(inquiry: Inquiry, finding: Finding) -> None:
    """Add the verdict, and use up the vend that it names."""
    entry, position = inquiry.entry, inquiry.position
    verdict = Verdict(
        utility_id=position.utility,
        gateway_id=position.gateway,
        epoch=position.epoch,
        sequence=entry.sequence,
        channel=entry.meter,
        kind=entry.kind,
        verdict=finding.verdict,
        reason=finding.reason[:REASON_MAX],
        cause=finding.cause,
        vend_id=finding.vend.id if finding.vend else None,
        at=inquiry.now,
    )
    inquiry.session.add(verdict)
    await inquiry.session.flush()
    if finding.vend is not None:
        await _use_up(inquiry, finding.vend, verdict.id)


async def _use_up(inquiry: Inquiry, vend: Vend, verdict_id: int) -> None:
    unused = update(Vend).where(Vend.id == vend.id, Vend.consumed_by.is_(None))
    taken = await inquiry.session.execute(
        unused.values(consumed_by=verdict_id, consumed_at=inquiry.now).returning(Vend.id)
    )
    assert taken.first() is not None, "the vend was locked and unused"
    if vend.money is not None:
        return
    meter = await inquiry.session.get_one(Meter, vend.meter_id)
    await books.post(inquiry.session, booking.credit(vend, meter.commodity), system("ledger"), inquiry.now)


async def _token(inquiry: Inquiry) -> Finding:
    entry = inquiry.entry
    meter = await meter_at(inquiry.session, inquiry.position.gateway, entry.meter)
    if meter is None:
        return unexplained(f"no meter is known on channel {entry.meter}")
    sold = select(Vend).where(Vend.meter_id == meter.id, Vend.tid == entry.reference_a).with_for_update()
    rows = (await inquiry.session.scalars(sold.execution_options(populate_existing=True))).all()
    # Identifiers begin anew with a base date: the one under the entry's key is meant, if there are two.
    vend = max(rows, key=lambda row: row.key_check == entry.reference_b, default=None)
    if vend is None:
        return unexplained(f"meter {meter.drn} was sold no token with TID {entry.reference_a}")
    objection = _objection(vend, inquiry)
    if objection:
        return unexplained(f"vend {vend.id}: {objection}")
    given = " that nobody paid for" if vend.tender_kind == FREE else ""
    return Finding(EXPLAINED, f"vend {vend.id} of {_shown(vend, vend.credit)}{given}", f"vend:{vend.id}", vend)


def _shown(vend: Vend, credit: int) -> str:
    return f"{credit} ml" if vend.money is None else f"{credit} of 1/100000 {vend.currency}"


def _objection(vend: Vend, inquiry: Inquiry) -> str:
    entry, arrived_at = inquiry.entry, inquiry.arrived_at
    if vend.state in _SPENT:
        return _SPENT[vend.state]
    if vend.created_at > arrived_at:
        return "recorded after the entry arrived"
    if vend.key_check != entry.reference_b:
        return "made under another key"
    if vend.credit != entry.delta or (vend.money is not None) != inquiry.claim.money:
        unit = "of 1/100000" if inquiry.claim.money else "ml"
        return f"{_shown(vend, vend.credit)} were sold, {entry.delta} {unit} credited"
    return ""


async def _command(inquiry: Inquiry) -> Finding:
    entry, position = inquiry.entry, inquiry.position
    command = await commands.finish(
        inquiry.session, gateway_id=position.gateway, epoch=position.epoch, entry=entry, now=inquiry.now
    )
    if command is None:
        return unexplained(f"command {entry.reference_a} of kind {entry.detail >> 8} was never given")
    return explained(f"command {command.counter}: {command.status}", f"command:{command.id}")


async def _key_change(inquiry: Inquiry) -> Finding:
    entry, session = inquiry.entry, inquiry.session
    meter = await meter_at(session, inquiry.position.gateway, entry.meter)
    if meter is None:
        return unexplained(f"no meter is known on channel {entry.meter}")
    change = await key_change.explains(session, meter.id, entry.reference_b)
    if change is None:
        return unexplained(f"no change of meter {meter.drn} to this key was planned")
    if change.planned_at > inquiry.arrived_at:
        return unexplained(f"key change {change.id}: planned after the entry arrived")
    new = await session.get_one(VendingKey, change.new_vending_key_id)
    data = KeyData(entry)
    stated = (data.krn, data.ti, data.kt, data.ken, data.base_code, data.roll_over)
    if stated != (new.krn, change.new_ti, new.kt, new.ken, base_code(new.base_year), change.roll_over):
        return unexplained(f"key change {change.id}: KRN, TI, KT, KEN or base date are not those that were planned")
    await key_change.apply(session, change, inquiry.now)
    return explained(f"key change {change.id} to KRN {new.krn}", f"key-change:{change.id}")


async def _policy(inquiry: Inquiry) -> Finding:
    entry = inquiry.entry
    known = inquiry.known.policies.get((entry.reference_a, entry.reference_b))
    if known is None or known.meter_group != entry.detail:
        return unexplained(f"policy {entry.reference_a} with this check value was never approved")
    return explained(f"approved policy {entry.reference_a}", f"policy:{entry.reference_a}")


async def _floor(inquiry: Inquiry) -> Finding:
    entry = inquiry.entry
    if entry.reference_a == 0 or (entry.reference_a, entry.reference_b) in inquiry.known.floors:
        return explained(f"approved floor {entry.reference_a}", f"floor:{entry.reference_a}")
    return unexplained(f"floor {entry.reference_a} with this check value was never approved")


async def _void(inquiry: Inquiry) -> Finding:
    # It gives nothing, but who can make one without an order could burn credit that customers paid for.
    entry, session = inquiry.entry, inquiry.session
    meter = await meter_at(session, inquiry.position.gateway, entry.meter)
    if meter is None:
        return unexplained(f"no meter is known on channel {entry.meter}")
    vend = await voiding.explains(session, meter.id, entry.reference_a, entry.reference_b)
    if vend is None or (vend.void_ordered_at or 0) > inquiry.arrived_at:
        return unexplained(f"nobody had ordered to void TID {entry.reference_b} of meter {meter.drn}")
    await voiding.shown(session, vend, inquiry.now)
    return explained(f"vend {vend.id} is void; {vend.amount_minor} minor units returned", f"vend:{vend.id}")


async def _takes_away(inquiry: Inquiry) -> Finding:
    """Management tokens that clear need no sale: they give nothing. `shared.checks` has seen to that."""
    entry = inquiry.entry
    cause = f"token:{entry.reference_a}"
    if entry.detail & 0xFF == kinds.CLEARED_TAMPER:
        return explained("the tamper status was cleared", cause)
    return explained(f"{-entry.delta} ml of credit were taken away", cause)


async def _no_rule(inquiry: Inquiry) -> Finding:
    return unexplained(f"nothing here allows a {kinds.KIND_NAMES[inquiry.entry.kind]}")


_RULES: dict[int, Callable[[Inquiry], Awaitable[Finding | None]]] = {
    kinds.OPEN: openings.epoch,
    kinds.METER: openings.meter,
    kinds.TOKEN: _token,
    kinds.KEY_CHANGE: _key_change,
    kinds.POLICY: _policy,
    kinds.FLOOR: _floor,
    kinds.CLEAR: _takes_away,
    kinds.VOID: _void,
    kinds.MODE: widenings.mode,
    kinds.FACTOR: widenings.factor,
    kinds.TARIFF: widenings.tariff,
    kinds.GRANT: widenings.grant,
    kinds.CONTROL: widenings.control,
    kinds.UPDATE: progress.verdict,
}
