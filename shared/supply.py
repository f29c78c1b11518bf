"""What supply a meter gets, and by which rule: the one decision that gateway and cloud both make.

It reads the folded state, the time with its quality, policy and floor, and nothing else. The result is max(floor,
requested); only a time-boxed SAFETY closure and the customer's own lock go below. docs/decisions.md prints the tables.
"""

from shared import credit, kinds
from shared.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.policy import Floor, Policy
    from shared.state import MeterState

SHUT = const(0x100)  # in a decision: LIFELINE, and its quota is drawn
FAILED_MAX = const(3)  # failed motions in a row after which a valve is left open for the day


# Closures that say nothing about credit: behind them supply comes back without the reconnect threshold.
_NOT_FOR_CREDIT = (kinds.RULE_FLOW_LIMIT, kinds.RULE_CUSTOMER_LOCK, kinds.RULE_SAFETY)


def decide(meter: "MeterState", time_s: int, quality: int, policy: "Policy", floor: "Floor") -> "tuple[int, int]":
    """(supply state, with SHUT where LIFELINE waits for its next quota; rule id) for a meter's state at a time."""
    below = _below_floor(meter, time_s)
    if below:
        return kinds.CLOSED, below
    wanted, rule = _requested(meter, time_s, quality, policy)
    if meter.paused and wanted > kinds.CLOSED:
        wanted, rule = kinds.CLOSED, kinds.RULE_FLOW_LIMIT
    least, why = _least(meter, policy, floor)
    if wanted < least:
        wanted, rule = least, why
    if wanted == kinds.DRIP and not meter.has(kinds.MODE_BYPASS):
        wanted = kinds.LIFELINE
    if wanted == kinds.LIFELINE and _dose_is_over(meter, time_s, policy):
        # Who has paid and is to confirm must hear of that, and not that the quota is drawn.
        return kinds.LIFELINE | SHUT, rule if rule == kinds.RULE_ARMED else kinds.RULE_LIFELINE_DRAWN
    return wanted, rule


def reason_to_limit(meter: "MeterState", policy: "Policy") -> int:
    """The rule by which a meter is to get less than FULL, or RULE_NONE."""
    if meter.has(kinds.MODE_BULK):
        return kinds.RULE_NONE
    if meter.hold:
        return kinds.RULE_OPERATOR
    if meter.has(kinds.MODE_CREDIT):
        if meter.has(kinds.MODE_ARREARS):
            return kinds.RULE_ARREARS
        return kinds.RULE_TRICKLE if meter.has(kinds.MODE_TRICKLE) else kinds.RULE_NONE
    if credit.available(meter, policy) <= policy.disablement_threshold:
        return kinds.RULE_CREDIT_EXHAUSTED
    return kinds.RULE_NONE


def held_open(meter: "MeterState", time_s: int, quality: int, policy: "Policy") -> int:
    """The rule that forbids to begin limiting an open supply now, or RULE_NONE.

    Without a date that can be believed all hours count as friendly, up to a durable volume: a blocked uplink must be
    neither free water nor dry taps.
    """
    calendar = policy.calendar
    if meter.hold and quality != kinds.TIME_UNKNOWN:
        waits = calendar.friendly(time_s) or not calendar.may_begin(time_s)
        return kinds.RULE_FRIENDLY if waits else kinds.RULE_NONE
    unsure = _unsure(time_s, quality, policy)
    if meter.hold and not calendar.has_hours():
        return kinds.RULE_NONE  # the operator's order waits for no hour
    if unsure:
        return unsure if meter.cap_drawn < policy.untrusted_clock_cap else kinds.RULE_NONE
    return kinds.RULE_FRIENDLY if calendar.friendly(time_s) else kinds.RULE_NONE


def opened_by_hand(meter: "MeterState", time_s: int) -> int:
    """The rule of a time-boxed opening that is in force, or RULE_NONE."""
    if time_s < meter.open_all_until_s:
        return kinds.RULE_OPEN_ALL
    return kinds.RULE_EMERGENCY_OPEN if time_s < meter.open_until_s and not meter.hold else kinds.RULE_NONE


def _unsure(time_s: int, quality: int, policy: "Policy") -> int:
    if quality == kinds.TIME_UNKNOWN:
        return kinds.RULE_CLOCK_UNTRUSTED
    return kinds.RULE_CALENDAR_EXPIRED if policy.calendar.expired(time_s) else kinds.RULE_NONE


def _below_floor(meter: "MeterState", time_s: int) -> int:
    if time_s < meter.safety_until_s:
        return kinds.RULE_SAFETY
    return kinds.RULE_CUSTOMER_LOCK if meter.locked else kinds.RULE_NONE


def _requested(meter: "MeterState", time_s: int, quality: int, policy: "Policy") -> "tuple[int, int]":
    reason = reason_to_limit(meter, policy)
    by_hand = opened_by_hand(meter, time_s)
    unsure = _unsure_of_open(meter, time_s, quality, policy)
    if not reason:
        wanted, rule = _unlimited(meter, unsure, policy)
        return (kinds.FULL, by_hand) if by_hand and wanted != kinds.FULL else (wanted, rule)
    if by_hand:
        return kinds.FULL, by_hand
    if meter.failed_motions >= FAILED_MAX:
        return kinds.FULL, kinds.RULE_VALVE_FAILED
    held = held_open(meter, time_s, quality, policy) if meter.intent != kinds.CLOSED else kinds.RULE_NONE
    if held and meter.intent == kinds.FULL:
        return kinds.FULL, held
    wanted, rule = _limited(reason, unsure, policy)
    if held and wanted < meter.intent:  # what is limited is not closed now either
        return int(meter.intent), held
    return wanted, rule


def _unsure_of_open(meter: "MeterState", time_s: int, quality: int, policy: "Policy") -> int:
    """Why the date cannot be believed; a valve that a trusted clock closed is not opened by a restart."""
    return _unsure(time_s, quality, policy) if meter.intent != kinds.CLOSED else kinds.RULE_NONE


def _unlimited(meter: "MeterState", unsure: int, policy: "Policy") -> "tuple[int, int]":
    """Nothing asks for less; but what was closed opens only above the reconnect threshold, or once it is confirmed."""
    if meter.has(kinds.MODE_BULK):
        return kinds.FULL, kinds.RULE_BULK
    billed = meter.has(kinds.MODE_CREDIT)
    otherwise = meter.intent == kinds.CLOSED and meter.closure_rule in _NOT_FOR_CREDIT
    lacked = meter.intent != kinds.FULL and not billed and not otherwise
    if lacked and credit.available(meter, policy) <= policy.reconnect_threshold:
        supply, _ = _limited(kinds.RULE_CREDIT_EXHAUSTED, unsure, policy)
        return supply, kinds.RULE_BELOW_RECONNECT
    if not meter.is_open() and (policy.reconnect_armed or meter.armed) and not meter.confirmed:
        return int(meter.intent), kinds.RULE_ARMED
    return kinds.FULL, kinds.RULE_CREDIT_MODE if billed else kinds.RULE_CREDIT_AVAILABLE


def _limited(reason: int, unsure: int, policy: "Policy") -> "tuple[int, int]":
    """How much less: an operator and overdue bills close, lack of credit goes by lifeline and drip before it closes."""
    if reason in (kinds.RULE_OPERATOR, kinds.RULE_ARREARS):
        return kinds.CLOSED, reason
    if unsure:
        return kinds.LIFELINE, kinds.RULE_LIFELINE_UNTRUSTED
    if reason == kinds.RULE_TRICKLE:
        return kinds.DRIP if policy.drip_allowed else kinds.LIFELINE, reason
    if policy.lifeline_quota_ml:
        return kinds.LIFELINE, kinds.RULE_LIFELINE
    return (kinds.DRIP, kinds.RULE_DRIP) if policy.drip_allowed else (kinds.CLOSED, reason)


def _least(meter: "MeterState", policy: "Policy", floor: "Floor") -> "tuple[int, int]":
    least, why = max(floor.minimum_supply, policy.least_supply), kinds.RULE_FLOOR
    critical = max(floor.critical_supply, kinds.LIFELINE)
    if meter.has(kinds.MODE_CRITICAL) and critical > least:
        least, why = critical, kinds.RULE_CRITICAL
    return least, why


def _dose_is_over(meter: "MeterState", time_s: int, policy: "Policy") -> bool:
    """The quota is drawn; or the valve stands shut and has moved often enough today."""
    if not meter.lifeline_left:
        return True
    return not meter.is_open() and meter.intent == kinds.LIFELINE and _rests(meter, time_s, policy)


def _rests(meter: "MeterState", time_s: int, policy: "Policy") -> bool:
    """Whether the valve has moved often enough today; on a full flash no day is closed, and none is counted."""
    today = meter.motion_day == meter.day == policy.calendar.local(time_s)[0] - 1
    return bool(today and meter.motions_today >= 2 * policy.cycles_a_day)
