"""Does an entry of a meter tell the truth? A judge per kind; shared/checks.py asks them.

A judge gets the meter before the entry and the laws in force; laws that are not known leave out what needs them.
"""

from shared import kinds
from shared.entries import Entry
from shared.fault_rules import judge_fault, judge_safety
from shared.in_force import Laws
from shared.key_data import KeyData, base_year
from shared.money_checks import MONEY_JUDGES
from shared.state import MeterState
from shared.sts.value import DDTK, DITK, DUTK
from shared.sts.void import BACK_MAX_MIN
from shared.supply import SHUT, decide
from shared.tariff import is_share
from shared.tid_memory import FRESH, TID_MAX

_REACHED = (DITK, DDTK, DUTK)


def _managing(meter: MeterState, entry: Entry, _laws: Laws) -> str:
    """Management tokens use their identifier up as credit does, and give nothing."""
    if entry.reference_a > TID_MAX or meter.tids.judge(entry.reference_a) != FRESH:
        return f"TID {entry.reference_a} was used or is too old"
    if entry.kind == kinds.CLEAR and entry.delta > 0:
        return f"a clearing that gives {entry.delta}"
    if entry.kind == kinds.CLEAR and entry.reference_b != meter.key_check:
        return "a token under another key"
    if entry.kind == kinds.VOID:
        if not 0 < entry.reference_a - entry.reference_b <= BACK_MAX_MIN:
            return f"TID {entry.reference_b} is out of reach of void token {entry.reference_a}"
        if meter.tids.judge(entry.reference_b) != FRESH:
            return f"TID {entry.reference_b}, voided, was used or is too old"
    return ""


def _key_change(meter: MeterState, entry: Entry, _laws: Laws) -> str:
    change = KeyData(entry)
    if not 1 <= change.krn <= 9 or change.ti > 99 or not base_year(change.base_code):
        return "a key revision, tariff index or base date that there is not"
    if change.kt not in _REACHED:
        return f"key type {change.kt} is never reached by a key change"
    if meter.is_retired(change.check):
        return "a roll-over has retired this key"
    if change.roll_over and change.check == meter.key_check:
        return "a roll-over to the same key"
    if meter.base_code:
        before, after = base_year(meter.base_code), base_year(change.base_code)
        if after <= before if change.roll_over else after != before:
            return f"base date {after} after {before}"
    return ""


def _token(meter: MeterState, entry: Entry, _laws: Laws) -> str:
    if entry.delta <= 0:
        return f"a token of {entry.delta}"
    if entry.reference_a > TID_MAX:
        return f"TID {entry.reference_a} is none: it has more than 24 bits"
    if entry.reference_b != meter.key_check:
        return "a token under another key"
    if meter.tids.judge(entry.reference_a) != FRESH:
        return f"TID {entry.reference_a} was used or is too old"
    return ""


def _attempt(meter: MeterState, entry: Entry, _laws: Laws) -> str:
    expected = min(meter.failures + 1, 0xFFFF)
    return "" if entry.detail == expected else f"attempt {entry.detail} after {meter.failures} failures"


def _outcome(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    return f"outcome {entry.detail} is none of a valve" if entry.detail > kinds.VALVE_FAILED else ""


def _intent(meter: MeterState, entry: Entry, laws: Laws) -> str:
    if entry.detail & 0xFF > kinds.FULL or entry.detail & ~(SHUT | 0xFF):
        return f"supply {entry.detail} is no supply state"
    if laws.policy is None or laws.floor is None:
        return ""
    wanted, rule = decide(meter, entry.time_s, entry.quality, laws.policy, laws.floor)
    if (entry.detail, entry.rule) != (wanted, rule):
        return f"supply {entry.detail} by rule {entry.rule} where the policy says {wanted} by rule {rule}"
    return ""


def _warning(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    return "" if 1 <= entry.detail <= kinds.WARNINGS else f"there is no warning {entry.detail}"


def _event(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    return "" if 1 <= entry.detail <= kinds.EVENTS else f"there is no event {entry.detail}"


def _mode(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    return f"mode {entry.detail} has bits that mean nothing" if entry.detail & ~kinds.MODE_BITS else ""


def _factor(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    return "" if entry.reference_a else "a pulse of no volume"


def _tariff(meter: MeterState, entry: Entry, _laws: Laws) -> str:
    if not entry.reference_a or entry.reference_a < meter.tariff_version:
        return f"tariff version {entry.reference_a} after {meter.tariff_version}"
    counters, days_left, days = entry.detail & 3, entry.detail >> 6 & 31, entry.detail >> 11
    if counters > kinds.COUNTER_PRORATE or entry.detail & 0x3C:
        return f"tariff detail {entry.detail} is none"
    is_part = counters == kinds.COUNTER_PRORATE
    if is_part != bool(days_left or days) or (is_part and not is_share(days_left << 8 | days)):
        return f"{days_left} of {days} days are no share of a month"
    return ""


def _fault(meter: MeterState, entry: Entry, laws: Laws) -> str:
    return judge_fault(meter, entry, laws.policy)


def _day(meter: MeterState, entry: Entry, laws: Laws) -> str:
    if entry.detail <= meter.day:
        return f"day {entry.detail} is closed after day {meter.day}"
    if laws.policy is not None and entry.detail != laws.policy.calendar.local(entry.time_s)[0] - 1:
        return f"day {entry.detail} is closed on another day than the one after it"
    return ""


def _control(meter: MeterState, entry: Entry, laws: Laws) -> str:
    action = entry.detail
    if not 1 <= action <= kinds.CONTROLS:
        return f"there is no control {action}"
    if action in _OF_CUSTOMER and entry.rule != kinds.RULE_KEYPAD:
        return f"control {action} is the customer's, not of rule {entry.rule}"
    if action in _OF_SAFETY and entry.rule == kinds.RULE_MEASURED:
        return judge_safety(meter, entry, laws.policy)
    if action not in _OF_CUSTOMER and entry.rule != kinds.RULE_COMMAND:
        return f"control {action} needs a command"
    if action == kinds.CONTROL_EMERGENCY_OPEN and laws.policy is not None:
        return _emergency_open(meter, entry, laws)
    return ""


def _emergency_open(meter: MeterState, entry: Entry, laws: Laws) -> str:
    policy = laws.policy
    assert policy is not None
    if entry.reference_a > entry.time_s + policy.emergency_open_s:
        return "an emergency opening for longer than the policy allows"
    if meter.open_day and meter.day - meter.open_day < policy.emergency_open_days:
        return "an emergency opening too soon after the last"
    return ""


_OF_CUSTOMER = (
    kinds.CONTROL_CONFIRM,
    kinds.CONTROL_LOCK,
    kinds.CONTROL_UNLOCK,
    kinds.CONTROL_EMERGENCY_OPEN,
)
_OF_SAFETY = (kinds.CONTROL_SAFETY, kinds.CONTROL_SAFETY_OVER)
JUDGES = {
    kinds.WARNING: _warning,
    kinds.EVENT: _event,
    kinds.TOKEN: _token,
    kinds.KEY_CHANGE: _key_change,
    kinds.CLEAR: _managing,
    kinds.LIMIT: _managing,
    kinds.VOID: _managing,
    kinds.ATTEMPT: _attempt,
    kinds.VALVE_OUTCOME: _outcome,
    kinds.VALVE_INTENT: _intent,
    kinds.MODE: _mode,
    kinds.FACTOR: _factor,
    kinds.TARIFF: _tariff,
    kinds.FAULT: _fault,
    kinds.DAY: _day,
    kinds.CONTROL: _control,
}
JUDGES.update(MONEY_JUDGES)
