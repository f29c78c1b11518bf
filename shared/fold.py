"""What each kind of entry does to the state, beyond balance and register. It follows what entries say.

Whether they say the truth is for `shared.checks` to judge, before they are folded in.
"""

from shared import kinds
from shared.compat import const
from shared.entries import Entry
from shared.fold_account import ACCOUNT_HANDLERS
from shared.key_data import KeyData
from shared.tid_memory import TidMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.state import GatewayState, MeterState

PAST_KEYS_MAX = const(16)
KEY_CHECK_SIZE = const(4)
RECENT_MAX = const(10)
RECENT_SIZE = const(15)  # time 4, result 1, TID 4, amount 6 with the offset of signed numbers
_AMOUNT_HALF = 1 << 47
GROUPS_MAX = const(16)
_FAILURES_MAX = const(0xFFFF)
# What no honest entry holds is cut to its field, so that the state of a liar's ledger can be kept, too.
_TID_MASK = const(0xFFFFFF)
_CREDITED_MAX = (1 << 48) - 1
_BYTE = const(0xFF)
_LONG = 0xFFFFFFFF


def _token(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    meter.credited = min(max(meter.credited + entry.delta, 0), _CREDITED_MAX)
    meter.warned = 0
    meter.repaid = 0
    if meter.pots[kinds.EMERGENCY_CREDIT] >= 0:
        meter.emergency_invoked = 0  # offered anew with each replenishment
    _authentic(meter, entry.detail >> 8)
    _told(meter, entry, entry.delta)


def _told(meter: "MeterState", entry: Entry, amount: int) -> None:
    """What return code and the list of the last tokens go by: every authentic token that was carried out."""
    meter.token_counter = meter.token_counter + 1 & _LONG
    meter.last_tid = entry.reference_a & _TID_MASK
    meter.last_result = entry.detail & _BYTE
    row = entry.time_s.to_bytes(4, "big") + bytes((meter.last_result,)) + meter.last_tid.to_bytes(4, "big")
    row += (amount + _AMOUNT_HALF).to_bytes(6, "big")
    meter.recent = (meter.recent + row)[-RECENT_MAX * RECENT_SIZE :]


def _key_change(meter: "MeterState", entry: Entry) -> None:
    """The new key, its data and, with a roll-over, an empty memory of identifiers: together. Credit stays."""
    change = KeyData(entry)
    if change.check != meter.key_check and meter.key_check not in meter.past_keys:
        meter.past_packed += meter.key_check.to_bytes(KEY_CHECK_SIZE, "big")
    if len(meter.past_packed) > PAST_KEYS_MAX * KEY_CHECK_SIZE:
        meter.past_packed = meter.past_packed[KEY_CHECK_SIZE:]
        meter.retired_keys = max(meter.retired_keys - 1, 0)
    if change.roll_over:
        meter.retired_keys = len(meter.past_packed) // KEY_CHECK_SIZE
        meter.tids = TidMemory(0)
    for name in ("krn", "ti", "kt", "ken", "base_code"):
        setattr(meter, name, getattr(change, name))
    meter.key_check = change.check
    _authentic(meter, change.method)


def amount_of_last(meter: "MeterState") -> int:
    """The amount of the last token that was carried out; 0 before the first."""
    return int.from_bytes(meter.recent[-6:], "big") - _AMOUNT_HALF if meter.recent else 0


def _clear(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    if entry.detail & 0xFF == kinds.CLEARED_TAMPER:
        meter.tampered = 0
    _authentic(meter, entry.detail >> 8)
    _told(meter, entry, entry.delta)


def _limit(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    meter.flow_limit = entry.reference_b
    meter.paused = 0
    _authentic(meter, entry.detail >> 8)
    _told(meter, entry, 0)


def _void(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_b & _TID_MASK)
    meter.tids.accept(entry.reference_a & _TID_MASK)
    _authentic(meter, entry.detail >> 8)
    _told(meter, entry, 0)


def _event(meter: "MeterState", entry: Entry) -> None:
    if entry.detail == kinds.EVENT_FLOW_OVER:
        meter.paused = 1
    elif entry.detail == kinds.EVENT_FLOW_PAUSE_OVER:
        meter.paused = 0
    elif entry.detail == kinds.EVENT_EXERCISE:
        meter.exercised_day = meter.day


def _authentic(meter: "MeterState", method: int) -> None:
    if method != kinds.REMOTE:
        meter.failures = 0


def _attempt(meter: "MeterState", _entry: Entry) -> None:
    meter.failures = min(meter.failures + 1, _FAILURES_MAX)


def _refused(meter: "MeterState", entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        meter.failures = max(meter.failures - 1, 0)


def _intent(meter: "MeterState", entry: Entry) -> None:
    """The supply wanted in the low byte, above it 1 where LIFELINE waits for its next quota."""
    was_open = meter.is_open()
    meter.intent = entry.detail & _BYTE
    meter.shut = entry.detail >> 8 & 1
    if was_open and not meter.is_open():
        meter.closure_rule = entry.rule
        meter.closure_s = entry.time_s
        meter.closed_flow = 0
        meter.confirmed = 0


def _outcome(meter: "MeterState", entry: Entry) -> None:
    """Motions are counted by the day, and failed ones in a row: the policy bounds both."""
    meter.outcome = entry.detail & _BYTE
    if meter.motion_day != meter.day:
        meter.motion_day = meter.day
        meter.motions_today = 0
    meter.motions_today = min(meter.motions_today + 1, _BYTE)
    if meter.outcome == kinds.VALVE_FAILED:
        meter.failed_motions = min(meter.failed_motions + 1, _BYTE)
    else:
        if entry.rule != kinds.RULE_VALVE_FAILED:
            meter.failed_motions = 0  # a valve that was left open is tried again the day after
        meter.motions = meter.motions + 1 & _LONG
        meter.travel_ms = entry.reference_a


def _warning(meter: "MeterState", entry: Entry) -> None:
    meter.warned |= 1 << (entry.detail - 1 & 7)


def _control(meter: "MeterState", entry: Entry) -> None:
    action = entry.detail
    if action in (kinds.CONTROL_DISCONNECT, kinds.CONTROL_CONNECT, kinds.CONTROL_ARM):
        meter.hold = 1 if action == kinds.CONTROL_DISCONNECT else 0
        meter.armed = 1 if action == kinds.CONTROL_ARM else 0
        meter.confirmed = 1 if action == kinds.CONTROL_CONNECT else 0
    elif action == kinds.CONTROL_CONFIRM:
        meter.confirmed = 1
        meter.armed = 0
    elif action in (kinds.CONTROL_SAFETY, kinds.CONTROL_SAFETY_OVER):
        meter.safety_until_s = entry.reference_a
    elif action in (kinds.CONTROL_LOCK, kinds.CONTROL_UNLOCK):
        meter.locked = 1 if action == kinds.CONTROL_LOCK else 0
    elif action == kinds.CONTROL_EMERGENCY_OPEN:
        meter.open_until_s = entry.reference_a
        meter.open_day = meter.day
    elif action == kinds.CONTROL_OPEN_ALL:
        meter.open_all_until_s = entry.reference_a


def _fault(meter: "MeterState", entry: Entry) -> None:
    bit = 1 << (entry.detail >> 8 & 15)
    meter.faults = meter.faults | bit if entry.detail & 1 else meter.faults & ~bit


def _keypad_token(state: "GatewayState", entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        state.keypad_failures = 0


def _keypad_key_change(state: "GatewayState", entry: Entry) -> None:
    if KeyData(entry).method != kinds.REMOTE:
        state.keypad_failures = 0


def _tamper(state: "GatewayState", entry: Entry) -> None:
    """An opened lid stays on record for every meter until a token clears it."""
    state.lid_open = 1 if entry.detail else 0
    for channel in state.meters:
        state.meters[channel].tampered |= state.lid_open


def _keypad_attempt(state: "GatewayState", _entry: Entry) -> None:
    state.keypad_failures = min(state.keypad_failures + 1, _FAILURES_MAX)


def _keypad_refused(state: "GatewayState", entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        state.keypad_failures = max(state.keypad_failures - 1, 0)


def _boot(state: "GatewayState", _entry: Entry) -> None:
    state.boots += 1


def _command(state: "GatewayState", entry: Entry) -> None:
    state.command_counter = entry.reference_a


def _policy(state: "GatewayState", entry: Entry) -> None:
    if entry.detail in state.policies or len(state.policies) < GROUPS_MAX:
        state.policies[entry.detail] = (entry.reference_a, entry.reference_b)


def _floor(state: "GatewayState", entry: Entry) -> None:
    state.floor_version = entry.reference_a
    state.floor_check = entry.reference_b


def _time(state: "GatewayState", entry: Entry) -> None:
    """Signed time renews what may be drawn while the clock is not trusted; detail 1 says so."""
    if entry.detail == 1:
        for channel in state.meters:
            state.meters[channel].cap_drawn = 0


def _update(state: "GatewayState", entry: Entry) -> None:
    """What is on trial, and the version below which nothing is taken any more."""
    stage = entry.detail & _BYTE
    if stage == kinds.UPDATE_TRIAL:
        state.firmware_trial = entry.reference_a
    elif stage in (kinds.UPDATE_KEPT, kinds.UPDATE_ROLLED_BACK):
        state.firmware_trial = 0
    if stage == kinds.UPDATE_KEPT:
        state.firmware_minimum = max(state.firmware_minimum, entry.reference_b)


METER_HANDLERS = {
    kinds.CONTROL: _control,
    kinds.FAULT: _fault,
    kinds.TOKEN: _token,
    kinds.ATTEMPT: _attempt,
    kinds.REFUSED: _refused,
    kinds.VALVE_INTENT: _intent,
    kinds.VALVE_OUTCOME: _outcome,
    kinds.WARNING: _warning,
    kinds.KEY_CHANGE: _key_change,
    kinds.CLEAR: _clear,
    kinds.LIMIT: _limit,
    kinds.VOID: _void,
    kinds.EVENT: _event,
}
METER_HANDLERS.update(ACCOUNT_HANDLERS)
GATEWAY_HANDLERS = {
    kinds.TOKEN: _keypad_token,
    kinds.KEY_CHANGE: _keypad_key_change,
    kinds.CLEAR: _keypad_token,
    kinds.LIMIT: _keypad_token,
    kinds.VOID: _keypad_token,
    kinds.TAMPER: _tamper,
    kinds.ATTEMPT: _keypad_attempt,
    kinds.REFUSED: _keypad_refused,
    kinds.BOOT: _boot,
    kinds.COMMAND: _command,
    kinds.POLICY: _policy,
    kinds.FLOOR: _floor,
    kinds.TIME: _time,
    kinds.UPDATE: _update,
}
