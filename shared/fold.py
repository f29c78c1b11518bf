"""What each kind of entry does to the state, beyond balance and register. It follows what entries say.

Whether they say the truth is for `shared.checks` to judge, before they are folded in.
"""

from shared import kinds
from shared.compat import const
from shared.entries import Entry
from shared.key_data import KeyData
from shared.tid_memory import TidMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.state import GatewayState, MeterState

PAST_KEYS_MAX = const(16)
_FAILURES_MAX = const(0xFFFF)
# What no honest entry holds is cut to its field, so that the state of a liar's ledger can be kept, too.
_TID_MASK = const(0xFFFFFF)
_CREDITED_MAX = (1 << 48) - 1
_BYTE = const(0xFF)


def _token(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    meter.credited = min(max(meter.credited + entry.delta, 0), _CREDITED_MAX)
    meter.warned = 0
    _authentic(meter, entry.detail >> 8)


def _key_change(meter: "MeterState", entry: Entry) -> None:
    """The new key, its data and, with a roll-over, an empty memory of identifiers: together. Credit stays."""
    change = KeyData(entry)
    if change.check != meter.key_check and meter.key_check not in meter.past_keys:
        meter.past_keys.append(meter.key_check)
    if len(meter.past_keys) > PAST_KEYS_MAX:
        meter.past_keys.pop(0)
        meter.retired_keys = max(meter.retired_keys - 1, 0)
    if change.roll_over:
        meter.retired_keys = len(meter.past_keys)
        meter.tids = TidMemory(0)
    for name in ("krn", "ti", "kt", "ken", "base_code"):
        setattr(meter, name, getattr(change, name))
    meter.key_check = change.check
    _authentic(meter, change.method)


def _clear(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    if entry.detail & 0xFF == kinds.CLEARED_TAMPER:
        meter.tampered = 0
    _authentic(meter, entry.detail >> 8)


def _limit(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_a & _TID_MASK)
    meter.flow_limit = entry.reference_b
    meter.paused = 0
    _authentic(meter, entry.detail >> 8)


def _void(meter: "MeterState", entry: Entry) -> None:
    meter.tids.accept(entry.reference_b & _TID_MASK)
    meter.tids.accept(entry.reference_a & _TID_MASK)
    _authentic(meter, entry.detail >> 8)


def _event(meter: "MeterState", entry: Entry) -> None:
    if entry.detail == kinds.EVENT_FLOW_OVER:
        meter.paused = 1
    elif entry.detail == kinds.EVENT_FLOW_PAUSE_OVER:
        meter.paused = 0


def _authentic(meter: "MeterState", method: int) -> None:
    if method != kinds.REMOTE:
        meter.failures = 0


def _attempt(meter: "MeterState", _entry: Entry) -> None:
    meter.failures = min(meter.failures + 1, _FAILURES_MAX)


def _refused(meter: "MeterState", entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        meter.failures = max(meter.failures - 1, 0)


def _intent(meter: "MeterState", entry: Entry) -> None:
    meter.intent = entry.detail & _BYTE


def _outcome(meter: "MeterState", entry: Entry) -> None:
    meter.outcome = entry.detail & _BYTE


def _warning(meter: "MeterState", entry: Entry) -> None:
    meter.warned = entry.detail & _BYTE


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
    state.policy_version = entry.reference_a
    state.policy_check = entry.reference_b


def _floor(state: "GatewayState", entry: Entry) -> None:
    state.floor_version = entry.reference_a
    state.floor_check = entry.reference_b


METER_HANDLERS = {
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
}
