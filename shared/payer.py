"""By what a charge is paid: reserved credit, token credit, emergency credit, then what is owed; or by nobody, and why.

The policy's `collection` says of each credit and charge whether it is collected while the supply is disconnected,
while it is limited, and in friendly hours (DLMS CreditChargeConfiguration, IEC 62056-6-2 class 111).
"""

from shared import credit, kinds, supply
from shared.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.policy import Policy
    from shared.state import MeterState

CONSUMPTION = const(0)
FIXED_CHARGE = const(1)
ALL = (1 << 47) - 1

# What flows on trust counts for the cap, whoever pays for it.
DRAWING = (kinds.RULE_CLOCK_UNTRUSTED, kinds.RULE_CALENDAR_EXPIRED)

# Bits of one credit and charge in `collection`; four bits each, at 4 * (2 * (pot - 1) + charge).
WHEN_DISCONNECTED = const(1)
WHEN_LIMITED = const(2)
WHEN_FRIENDLY = const(4)
OTHERWISE = const(8)


def payer(
    meter: "MeterState", time_s: int, quality: int, policy: "Policy", charge: int = CONSUMPTION
) -> "tuple[int, int, int]":
    """(pot, rule id, the most that it pays) for a charge at a time; NO_POT: nobody pays, and the rule says why.

    What flows only because date and time cannot be believed, or because the valve fails, draws on the cap for it,
    whoever pays: its rule says so.
    """
    pot, rule, most = _payer(meter, time_s, quality, policy, charge)
    if charge != CONSUMPTION or meter.intent != kinds.FULL or not supply.reason_to_limit(meter, policy):
        return pot, rule, most
    if supply.opened_by_hand(meter, time_s):
        return pot, rule, most
    if meter.failed_motions >= supply.FAILED_MAX:
        spent = meter.closed_flow >= policy.closed_flow_cap_ml
        return (kinds.NO_POT, kinds.RULE_VALVE_FAILED, ALL) if spent else (pot, kinds.RULE_VALVE_FAILED, most)
    held = supply.held_open(meter, time_s, quality, policy)
    return pot, held if held in DRAWING else rule, most


def _payer(meter: "MeterState", time_s: int, quality: int, policy: "Policy", charge: int) -> "tuple[int, int, int]":
    nobody = _nobody(meter, time_s, policy, charge)
    if nobody:
        return kinds.NO_POT, nobody, ALL
    situation = _situation(meter, time_s, quality, policy)
    if charge == CONSUMPTION and _is_dosed(meter, policy):
        pot = kinds.ACCUMULATED_DEBT if policy.lifeline_charged else kinds.NO_POT
        return pot, kinds.RULE_LIFELINE if meter.intent == kinds.LIFELINE else kinds.RULE_DRIP, ALL
    for pot, rule, left in _credits(meter, policy):
        if left > 0 and collects(policy.collection, pot, charge, situation):
            return pot, kinds.RULE_FIXED_CHARGE if charge else rule, left
    rule = kinds.RULE_FIXED_CHARGE if charge else _why_owed(meter, time_s, quality, policy)
    if collects(policy.collection, kinds.ACCUMULATED_DEBT, charge, situation):
        return kinds.ACCUMULATED_DEBT, rule, ALL
    return kinds.NO_POT, kinds.RULE_NOT_COLLECTED, ALL


def payer_of_fixed(meter: "MeterState", time_s: int, quality: int, policy: "Policy", amount: int) -> "tuple[int, int]":
    """(pot, rule id) for a fixed charge: one credit pays all of it, or it is owed."""
    pot, rule, most = payer(meter, time_s, quality, policy, FIXED_CHARGE)
    if most >= amount:
        return pot, rule
    situation = _situation(meter, time_s, quality, policy)
    if collects(policy.collection, kinds.ACCUMULATED_DEBT, FIXED_CHARGE, situation):
        return kinds.ACCUMULATED_DEBT, kinds.RULE_FIXED_CHARGE
    return kinds.NO_POT, kinds.RULE_NOT_COLLECTED


def friendly_matters(collection: int) -> bool:
    """Whether a credit pays for consumption in friendly hours and not otherwise, or the other way round."""
    for pot in range(1, kinds.POTS):
        friendly = collects(collection, pot, CONSUMPTION, WHEN_FRIENDLY)
        if friendly != collects(collection, pot, CONSUMPTION, OTHERWISE):
            return True
    return False


def collects(collection: int, pot: int, charge: int, situation: int) -> bool:
    """Whether a credit pays a charge in one of the four situations."""
    return collection >> 4 * (2 * (pot - 1) + charge) & situation != 0


def _nobody(meter: "MeterState", time_s: int, policy: "Policy", charge: int) -> int:
    if meter.has(kinds.MODE_BULK):
        return kinds.RULE_BULK
    if meter.has(kinds.MODE_CREDIT):
        return kinds.RULE_CREDIT_MODE
    closed = meter.is_shut() and charge == CONSUMPTION
    if meter.locked and credit.available(meter, policy) > policy.disablement_threshold:
        closed = False  # the customer's own lock: a valve that lets through is no free water
    return kinds.RULE_FLOW_WHILE_CLOSED if closed and meter.closed_flow >= policy.closed_flow_cap_ml else 0


def _is_dosed(meter: "MeterState", policy: "Policy") -> bool:
    """Limited supply without credit is the lifeline's; with credit it is paid for as ever."""
    limited = meter.intent in (kinds.LIFELINE, kinds.DRIP)
    return limited and credit.available(meter, policy) <= policy.disablement_threshold


def _situation(meter: "MeterState", time_s: int, quality: int, policy: "Policy") -> int:
    if meter.intent == kinds.CLOSED:
        return WHEN_DISCONNECTED
    if meter.intent != kinds.FULL:
        return WHEN_LIMITED
    if quality != kinds.TIME_UNKNOWN and policy.calendar.friendly(time_s):
        return WHEN_FRIENDLY
    return OTHERWISE


def _credits(meter: "MeterState", policy: "Policy") -> "tuple[tuple[int, int, int], ...]":
    return (
        (kinds.RESERVED_CREDIT, kinds.RULE_RESERVED_CREDIT, credit.reserved_usable(meter, policy)),
        (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, meter.pots[kinds.TOKEN_CREDIT]),
        (kinds.EMERGENCY_CREDIT, kinds.RULE_EMERGENCY_CREDIT, credit.emergency_left(meter)),
    )


def _why_owed(meter: "MeterState", time_s: int, quality: int, policy: "Policy") -> int:
    if meter.intent != kinds.FULL:
        return kinds.RULE_OUT_OF_CREDIT
    rule = supply.opened_by_hand(meter, time_s) or supply.held_open(meter, time_s, quality, policy)
    return rule or kinds.RULE_OUT_OF_CREDIT
