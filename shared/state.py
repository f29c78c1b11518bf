"""The state of a gateway: the fold of its ledger. The same code folds on the device and in the cloud.

`apply` follows what entries say; whether they say the truth is for `shared.checks` to judge, before they are applied.
What contradicts is folded in all the same, cut to its field, so that every state can be written.
`to_bytes` is canonical: its hash stands in CHECKPOINT entries. The table stands in shared/FORMAT.md.
"""

import hashlib

from shared import kinds
from shared.entries import HASH_SIZE, Entry
from shared.fold import GATEWAY_HANDLERS, METER_HANDLERS
from shared.tid_memory import TidMemory
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
    ("lid_open", "u1"),
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
    ("krn", "u1"),
    ("ti", "u1"),
    ("kt", "u1"),
    ("ken", "u1"),
    ("base_code", "u1"),
    ("flow_limit", "u4"),
    ("paused", "u1"),
    ("tampered", "u1"),
    ("tid_minimum", "u4"),
    ("tids", "u1"),
    ("retired_keys", "u1"),
    ("past_keys", "u1"),
)
_PLAIN = (
    "key_check",
    "register",
    "credited",
    "failures",
    "intent",
    "outcome",
    "warned",
    "krn",
    "ti",
    "kt",
    "ken",
    "base_code",
    "flow_limit",
    "paused",
    "tampered",
)
_TID_SIZE = 3
_KEY_CHECK_SIZE = 4


class MeterState:
    """One meter: `pots` by pot number in ml (energy in mWh), register and credit loaded to date likewise.

    `ken`, `kt` and `base_code` are set by a key change; while `base_code` is 0 they are those of the enrolment.
    `past_keys` are the checks of replaced keys, oldest first; a roll-over retired the first `retired_keys` of them.
    `flow_limit` is in L/h (energy: W), 0 none; `paused` while supply is closed because more flowed.
    """

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
        self.krn = 0
        self.ti = 0
        self.kt = 0
        self.ken = 0
        self.base_code = 0
        self.flow_limit = 0
        self.paused = 0
        self.tampered = 0
        self.retired_keys = 0
        self.past_keys: list[int] = []
        self.tids = TidMemory(0)

    def is_retired(self, key_check: int) -> bool:
        """Whether a key was in force before the last roll-over: tokens under it could be used a second time."""
        return key_check in self.past_keys[: self.retired_keys]

    def to_bytes(self) -> bytes:
        values = {name: getattr(self, name) for name in _PLAIN}
        head = _METER.encode(
            channel=self.channel,
            token_credit=self.pots[kinds.TOKEN_CREDIT],
            emergency_credit=self.pots[kinds.EMERGENCY_CREDIT],
            reserved_credit=self.pots[kinds.RESERVED_CREDIT],
            accumulated_debt=self.pots[kinds.ACCUMULATED_DEBT],
            tid_minimum=self.tids.minimum,
            tids=len(self.tids.tids),
            retired_keys=self.retired_keys,
            past_keys=len(self.past_keys),
            **values,
        )
        rows = [write_unsigned(tid, _TID_SIZE, "tid") for tid in self.tids.tids]
        rows.extend([write_unsigned(check, _KEY_CHECK_SIZE, "past key") for check in self.past_keys])
        return head + b"".join(rows)


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
        self.lid_open = 0
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
        handler = GATEWAY_HANDLERS.get(entry.kind)
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
    for name in _PLAIN:
        setattr(meter, name, head[name])
    meter.pots[kinds.TOKEN_CREDIT] = head["token_credit"]
    meter.pots[kinds.EMERGENCY_CREDIT] = head["emergency_credit"]
    meter.pots[kinds.RESERVED_CREDIT] = head["reserved_credit"]
    meter.pots[kinds.ACCUMULATED_DEBT] = head["accumulated_debt"]
    tids = [reader.unsigned(_TID_SIZE, "tid") for _ in range(head["tids"])]
    meter.tids = TidMemory(head["tid_minimum"], tids)
    meter.retired_keys = head["retired_keys"]
    meter.past_keys = [reader.unsigned(_KEY_CHECK_SIZE, "past key") for _ in range(head["past_keys"])]
    return meter


def _opened(entry: Entry) -> MeterState:
    meter = MeterState(entry.meter)
    meter.key_check = entry.reference_b
    meter.krn = entry.detail >> 8
    meter.ti = entry.detail & 0xFF
    meter.tids = TidMemory(entry.reference_a)
    return meter


def _apply_meter(meter: MeterState, entry: Entry) -> None:
    if entry.pot != kinds.NO_POT:
        meter.pots[entry.pot] = entry.balance
    meter.register = entry.register
    handler = METER_HANDLERS.get(entry.kind)
    if handler is not None:
        handler(meter, entry)
