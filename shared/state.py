"""The state of a gateway: the fold of its ledger. The same code folds on the device and in the cloud.

`apply` follows what entries say; whether they say the truth is for `shared.checks` to judge, before they are applied.
What contradicts is folded in all the same, cut to its field, so that every state can be written.
`to_bytes` is canonical: its hash stands in CHECKPOINT entries. The table stands in shared/FORMAT.md.
"""

import hashlib

from shared import kinds
from shared.entries import HASH_SIZE, Entry
from shared.tid_memory import TID_MAX, TidMemory
from shared.wire import Layout, Reader, write_unsigned

_GATEWAY = Layout(
    b"PSstate1",
    ("utility", "u4"),
    ("gateway", "u4"),
    ("epoch", "u2"),
    ("sequence", "u4"),
    ("time_s", "u4"),
    ("boots", "u4"),
    ("command_counter", "u4"),
    ("policy_version", "u4"),
    ("policy_check", "u4"),
    ("floor_version", "u4"),
    ("floor_check", "u4"),
    ("keypad_failures", "u2"),
    ("group_left", "u1"),
    ("meters", "u1"),
)
_METER = Layout(
    b"",
    ("channel", "u1"),
    ("key_check", "u4"),
    ("token_credit", "s6"),
    ("emergency_credit", "s6"),
    ("reserved_credit", "s6"),
    ("accumulated_debt", "s6"),
    ("register", "u6"),
    ("credited", "u6"),
    ("failures", "u2"),
    ("intent", "u1"),
    ("outcome", "u1"),
    ("warned", "u1"),
    ("tid_minimum", "u4"),
    ("tids", "u1"),
)
_TID_SIZE = 3
_FAILURES_MAX = 0xFFFF
_CREDITED_MAX = (1 << 48) - 1


class MeterState:
    """One meter: `pots` by pot number in ml (energy in mWh), register and credit loaded to date likewise."""

    def __init__(self, channel: int):
        self.channel = channel
        self.key_check = 0
        self.pots = [0] * kinds.POTS
        self.register = 0
        self.credited = 0
        self.failures = 0
        self.intent = kinds.CLOSED
        self.outcome = kinds.VALVE_CLOSED
        self.warned = 0
        self.tids = TidMemory(0)

    def to_bytes(self) -> bytes:
        head = _METER.encode(
            channel=self.channel,
            key_check=self.key_check,
            token_credit=self.pots[kinds.TOKEN_CREDIT],
            emergency_credit=self.pots[kinds.EMERGENCY_CREDIT],
            reserved_credit=self.pots[kinds.RESERVED_CREDIT],
            accumulated_debt=self.pots[kinds.ACCUMULATED_DEBT],
            register=self.register,
            credited=self.credited,
            failures=self.failures,
            intent=self.intent,
            outcome=self.outcome,
            warned=self.warned,
            tid_minimum=self.tids.minimum,
            tids=len(self.tids.tids),
        )
        return head + b"".join([write_unsigned(tid, _TID_SIZE, "tid") for tid in self.tids.tids])


class GatewayState:
    """The whole state; `meters` maps a channel to its MeterState."""

    def __init__(self, utility: int, gateway: int, epoch: int):
        self.utility = utility
        self.gateway = gateway
        self.epoch = epoch
        self.sequence = 0
        self.time_s = 0
        self.boots = 0
        self.command_counter = 0
        self.policy_version = 0
        self.policy_check = 0
        self.floor_version = 0
        self.floor_check = 0
        self.keypad_failures = 0
        self.group_left = 0
        self.meters: dict[int, MeterState] = {}

    def to_bytes(self) -> bytes:
        """The canonical bytes, meters by rising channel."""
        values = {name: getattr(self, name) for name, _kind in _GATEWAY.fields if name != "meters"}
        parts = [_GATEWAY.encode(meters=len(self.meters), **values)]
        parts.extend([self.meters[channel].to_bytes() for channel in sorted(self.meters)])
        return b"".join(parts)

    def digest(self) -> bytes:
        """The 26 bytes that stand in a CHECKPOINT entry written in this state."""
        return hashlib.sha256(self.to_bytes()).digest()[:HASH_SIZE]

    def apply(self, entry: Entry) -> None:
        """Fold one entry in. An entry for a meter that was never opened moves only the gateway's own fields."""
        self.sequence = entry.sequence
        self.time_s = entry.time_s
        self.group_left = entry.group_left
        if entry.kind == kinds.METER:
            self.meters[entry.meter] = _opened(entry)
        handler = _GATEWAY_HANDLERS.get(entry.kind)
        if handler is not None:
            handler(self, entry)
        meter = self.meters.get(entry.meter)
        if meter is not None:
            _apply_meter(meter, entry)


def from_bytes(data: bytes) -> GatewayState:
    """The state back from its canonical bytes; WireError when they are not."""
    reader = Reader(data)
    head = _GATEWAY.read(reader)
    state = GatewayState(head["utility"], head["gateway"], head["epoch"])
    count = head.pop("meters")
    for name in head:
        setattr(state, name, head[name])
    for _ in range(count):
        meter = _read_meter(reader)
        state.meters[meter.channel] = meter
    reader.finish()
    return state


def _read_meter(reader: Reader) -> MeterState:
    head = _METER.read(reader)
    meter = MeterState(head["channel"])
    for name in ("key_check", "register", "credited", "failures", "intent", "outcome", "warned"):
        setattr(meter, name, head[name])
    meter.pots[kinds.TOKEN_CREDIT] = head["token_credit"]
    meter.pots[kinds.EMERGENCY_CREDIT] = head["emergency_credit"]
    meter.pots[kinds.RESERVED_CREDIT] = head["reserved_credit"]
    meter.pots[kinds.ACCUMULATED_DEBT] = head["accumulated_debt"]
    tids = [reader.unsigned(_TID_SIZE, "tid") for _ in range(head["tids"])]
    meter.tids = TidMemory(head["tid_minimum"], tids)
    return meter


def _opened(entry: Entry) -> MeterState:
    meter = MeterState(entry.meter)
    meter.key_check = entry.reference_b
    meter.tids = TidMemory(entry.reference_a)
    return meter


def _apply_meter(meter: MeterState, entry: Entry) -> None:
    if entry.pot != kinds.NO_POT:
        meter.pots[entry.pot] = entry.balance
    meter.register = entry.register
    handler = _METER_HANDLERS.get(entry.kind)
    if handler is not None:
        handler(meter, entry)


def _token(meter: MeterState, entry: Entry) -> None:
    if entry.reference_a <= TID_MAX:
        meter.tids.accept(entry.reference_a)
    meter.credited = min(max(meter.credited + entry.delta, 0), _CREDITED_MAX)
    meter.warned = 0
    if entry.detail >> 8 != kinds.REMOTE:
        meter.failures = 0


def _attempt(meter: MeterState, _entry: Entry) -> None:
    meter.failures = min(meter.failures + 1, _FAILURES_MAX)


def _refused(meter: MeterState, entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        meter.failures = max(meter.failures - 1, 0)


def _intent(meter: MeterState, entry: Entry) -> None:
    meter.intent = entry.detail & 0xFF


def _outcome(meter: MeterState, entry: Entry) -> None:
    meter.outcome = entry.detail & 0xFF


def _warning(meter: MeterState, entry: Entry) -> None:
    meter.warned = entry.detail & 0xFF


def _keypad_token(state: GatewayState, entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        state.keypad_failures = 0


def _keypad_attempt(state: GatewayState, _entry: Entry) -> None:
    state.keypad_failures = min(state.keypad_failures + 1, _FAILURES_MAX)


def _keypad_refused(state: GatewayState, entry: Entry) -> None:
    if entry.detail >> 8 != kinds.REMOTE:
        state.keypad_failures = max(state.keypad_failures - 1, 0)


def _boot(state: GatewayState, _entry: Entry) -> None:
    state.boots += 1


def _command(state: GatewayState, entry: Entry) -> None:
    state.command_counter = entry.reference_a


def _policy(state: GatewayState, entry: Entry) -> None:
    state.policy_version = entry.reference_a
    state.policy_check = entry.reference_b


def _floor(state: GatewayState, entry: Entry) -> None:
    state.floor_version = entry.reference_a
    state.floor_check = entry.reference_b


_METER_HANDLERS = {
    kinds.TOKEN: _token,
    kinds.ATTEMPT: _attempt,
    kinds.REFUSED: _refused,
    kinds.VALVE_INTENT: _intent,
    kinds.VALVE_OUTCOME: _outcome,
    kinds.WARNING: _warning,
}
_GATEWAY_HANDLERS = {
    kinds.TOKEN: _keypad_token,
    kinds.ATTEMPT: _keypad_attempt,
    kinds.REFUSED: _keypad_refused,
    kinds.BOOT: _boot,
    kinds.COMMAND: _command,
    kinds.POLICY: _policy,
    kinds.FLOOR: _floor,
}
