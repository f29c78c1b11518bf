"""Does an entry tell the truth? Judged against the state before it; an empty answer means nothing contradicts it.

The device runs it on what it is about to write, the cloud on what it receives (decisions in shared/FORMAT.md).
"""

from shared import kinds
from shared.entries import Entry
from shared.key_data import KeyData, base_year
from shared.policy import Floor, Policy
from shared.state import GatewayState, MeterState
from shared.sts.key_change import DDTK, DITK, DUTK
from shared.sts.void import BACK_MAX_MIN
from shared.supply import decide
from shared.tid_memory import FRESH, TID_MAX

COMMAND_JUMP_MAX = 1000
_MOVING = (kinds.CHARGE, kinds.TOKEN, kinds.GRANT, kinds.CLEAR)
_REACHED = (DITK, DDTK, DUTK)
_OF_THE_GATEWAY = (
    kinds.OPEN,
    kinds.CHECKPOINT,
    kinds.COMMAND,
    kinds.POLICY,
    kinds.FLOOR,
    kinds.TIME,
    kinds.BOOT,
    kinds.TAMPER,
)
_OF_A_METER = (
    kinds.METER,
    kinds.CHARGE,
    kinds.TOKEN,
    kinds.ATTEMPT,
    kinds.REFUSED,
    kinds.VALVE_INTENT,
    kinds.VALVE_OUTCOME,
    kinds.WARNING,
    kinds.KEY_CHANGE,
    kinds.GRANT,
    kinds.CLEAR,
    kinds.LIMIT,
    kinds.VOID,
)


def contradiction(state: GatewayState, entry: Entry, policy: "Policy | None", floor: "Floor | None") -> str:
    """One line that says what is wrong with `entry` after `state`, or "". Policy and floor are those in force;
    None leaves out what depends on them."""
    if entry.sequence != state.sequence + 1:
        return f"sequence {entry.sequence} does not follow {state.sequence}"
    if state.group_left and entry.group_left != state.group_left - 1:
        return f"the counted group before it has {state.group_left} entries to come"
    misplaced = _misplaced(entry)
    if misplaced or entry.meter == kinds.GATEWAY:
        return misplaced or _gateway(state, entry)
    if entry.kind == kinds.METER:
        return _opening(state, entry)
    meter = state.meters.get(entry.meter)
    if meter is None:
        return f"meter {entry.meter} was never opened"
    return _figures(meter, entry) or _meaning(meter, entry, policy, floor)


def _misplaced(entry: Entry) -> str:
    if entry.meter == kinds.GATEWAY and entry.kind in _OF_A_METER:
        return f"a {kinds.KIND_NAMES[entry.kind]} belongs to a meter"
    if entry.meter != kinds.GATEWAY and entry.kind in _OF_THE_GATEWAY:
        return f"a {kinds.KIND_NAMES[entry.kind]} belongs to the gateway, not to meter {entry.meter}"
    if entry.kind in (kinds.CHARGE, kinds.TOKEN) and entry.pot != kinds.TOKEN_CREDIT:
        return f"a {kinds.KIND_NAMES[entry.kind]} moves token credit, not pot {entry.pot}"
    return ""


def _gateway(state: GatewayState, entry: Entry) -> str:
    if entry.pot or entry.delta or entry.balance or entry.register:
        return "an entry of the gateway carries a meter's figures"
    if entry.kind == kinds.CHECKPOINT and entry.digest != state.digest():
        return "the checkpoint's hash is not that of the state"
    if entry.kind == kinds.COMMAND and not 0 < entry.reference_a - state.command_counter <= COMMAND_JUMP_MAX:
        return f"command {entry.reference_a} after command {state.command_counter}"
    if entry.kind == kinds.POLICY and entry.reference_a < state.policy_version:
        return f"policy version {entry.reference_a} after {state.policy_version}"
    if entry.kind == kinds.FLOOR and entry.reference_a < state.floor_version:
        return f"floor version {entry.reference_a} after {state.floor_version}"
    return ""


def _opening(state: GatewayState, entry: Entry) -> str:
    if entry.meter in state.meters:
        return f"meter {entry.meter} is open already"
    if entry.pot != kinds.TOKEN_CREDIT or entry.delta != entry.balance:
        return "a meter opens with its balance as delta"
    return ""


def _figures(meter: MeterState, entry: Entry) -> str:
    if entry.pot == kinds.NO_POT and (entry.delta or entry.balance):
        return "a balance without a pot"
    if entry.pot != kinds.NO_POT and entry.balance != meter.pots[entry.pot] + entry.delta:
        return f"balance {entry.balance} is not {meter.pots[entry.pot]} {entry.delta:+d}"
    consumed = entry.register - meter.register
    if entry.kind == kinds.CHARGE:
        if consumed < 0:
            return f"the register went back by {-consumed}"
        if entry.delta != -consumed:
            return f"charge {-entry.delta} for a consumption of {consumed}"
    elif consumed:
        return f"the register moved by {consumed} without a charge"
    return ""


def _meaning(meter: MeterState, entry: Entry, policy: "Policy | None", floor: "Floor | None") -> str:
    if entry.pot != kinds.NO_POT and entry.delta and entry.kind not in _MOVING:
        return f"a {kinds.KIND_NAMES[entry.kind]} moves no balance"
    judge = _JUDGES.get(entry.kind)
    if judge is not None:
        return judge(meter, entry)
    if entry.kind == kinds.ATTEMPT and entry.detail != min(meter.failures + 1, 0xFFFF):
        return f"attempt {entry.detail} after {meter.failures} failures"
    if entry.kind == kinds.VALVE_OUTCOME and entry.detail > kinds.VALVE_FAILED:
        return f"outcome {entry.detail} is none of a valve"
    if entry.kind == kinds.VALVE_INTENT:
        return _intent(meter, entry, policy, floor)
    return ""


def _managing(meter: MeterState, entry: Entry) -> str:
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


def _key_change(meter: MeterState, entry: Entry) -> str:
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


def _token(meter: MeterState, entry: Entry) -> str:
    if entry.delta <= 0:
        return f"a token of {entry.delta}"
    if entry.reference_a > TID_MAX:
        return f"TID {entry.reference_a} is none: it has more than 24 bits"
    if entry.reference_b != meter.key_check:
        return "a token under another key"
    if meter.tids.judge(entry.reference_a) != FRESH:
        return f"TID {entry.reference_a} was used or is too old"
    return ""


def _intent(meter: MeterState, entry: Entry, policy: "Policy | None", floor: "Floor | None") -> str:
    if entry.detail > kinds.FULL:
        return f"supply {entry.detail} is no supply state"
    if policy is None or floor is None:
        return ""
    balance = meter.pots[kinds.TOKEN_CREDIT]
    wanted, rule = decide(balance, meter.intent, entry.quality, policy, floor, bool(meter.paused))
    if (entry.detail, entry.rule) != (wanted, rule):
        return f"supply {entry.detail} by rule {entry.rule} where the policy says {wanted} by rule {rule}"
    return ""


def _warning(_meter: MeterState, entry: Entry) -> str:
    return "" if entry.detail == kinds.WARN_LOW_CREDIT else f"there is no warning {entry.detail}"


_JUDGES = {
    kinds.WARNING: _warning,
    kinds.TOKEN: _token,
    kinds.KEY_CHANGE: _key_change,
    kinds.CLEAR: _managing,
    kinds.LIMIT: _managing,
    kinds.VOID: _managing,
}
