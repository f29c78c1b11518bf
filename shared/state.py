"""The state of a gateway: the fold of its ledger. The same code folds on the device and in the cloud.

`apply` follows what entries say; whether they say the truth is for `shared.checks` to judge, before they are applied.
What contradicts is folded in all the same, cut to its field, so that every state can be written.
`to_bytes` is canonical: its hash stands in CHECKPOINT entries. The table stands in shared/FORMAT.md.
"""

import hashlib

from shared import kinds
from shared.entries import HASH_SIZE, Entry
from shared.fold import GATEWAY_HANDLERS, KEY_CHECK_SIZE, METER_HANDLERS
from shared.slices import finish
from shared.tid_memory import TID_SIZE, TidMemory
from shared.wire import TAG_SIZE, Layout, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

_GATEWAY = Layout(
    b"PSstate1",
    (
        ("utility", "u4"),
        ("gateway", "u4"),
        ("epoch", "u2"),
        ("sequence", "u4"),
        ("time_s", "u4"),
        ("boots", "u4"),
        ("command_counter", "u4"),
        ("floor_version", "u4"),
        ("floor_check", "u4"),
        ("keypad_failures", "u2"),
        ("lid_open", "u1"),
        ("group_left", "u1"),
        ("policies", "u1"),
        ("meters", "u1"),
    ),
)
_UPDATED = Layout(b"PSstate2", _GATEWAY.fields + (("firmware_minimum", "u4"), ("firmware_trial", "u4")))
_POLICY = Layout(b"", (("meter_group", "u2"), ("version", "u4"), ("check", "u4")))
_METER = Layout(
    b"",
    (
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
        ("mode", "u1"),
        ("group", "u2"),
        ("pulse_volume_ml", "u4"),
        ("tariff_version", "u4"),
        ("tariff_check", "u4"),
        ("block_counter", "u6"),
        ("block_share", "u2"),
        ("remainder", "u4"),
        ("emergency_invoked", "u1"),
        ("emergency_limit", "u6"),
        ("reserved_invoked", "u1"),
        ("cap_drawn", "u6"),
        ("closed_flow", "u6"),
        ("lifeline_slot", "u4"),
        ("lifeline_left", "u4"),
        ("shut", "u1"),
        ("hold", "u1"),
        ("armed", "u1"),
        ("confirmed", "u1"),
        ("locked", "u1"),
        ("safety_until_s", "u4"),
        ("open_until_s", "u4"),
        ("open_day", "u2"),
        ("open_all_until_s", "u4"),
        ("day", "u2"),
        ("fixed_day", "u2"),
        ("allowance_day", "u2"),
        ("day_register", "u6"),
        ("month_register", "u6"),
        ("average_ml", "u6"),
        ("month_charged", "s6"),
        ("faults", "u2"),
        ("motions", "u4"),
        ("motion_day", "u2"),
        ("motions_today", "u1"),
        ("failed_motions", "u1"),
        ("travel_ms", "u4"),
        ("exercised_day", "u2"),
        ("closure_rule", "u2"),
        ("closure_s", "u4"),
        ("token_counter", "u4"),
        ("last_tid", "u4"),
        ("last_result", "u1"),
        ("repaid", "u6"),
        ("recent", "v2"),
        ("tid_minimum", "u4"),
        ("tids", "u1"),
        ("retired_keys", "u1"),
        ("past_keys", "u1"),
    ),
)
_BYTES = ("recent",)
_SPECIAL = (
    "channel",
    "token_credit",
    "emergency_credit",
    "reserved_credit",
    "accumulated_debt",
    "tid_minimum",
    "tids",
    "retired_keys",
    "past_keys",
)
_PLAIN = tuple([name for name, _kind in _METER.fields if name not in _SPECIAL])
_DAY_S = 86400
_COUNTED = ("policies", "meters")


class MeterState:
    """One meter; one attribute per row of the table in shared/FORMAT.md, where each is explained.

    `pots` by pot number, in the unit of the meter's account: ml (energy mWh), or with MODE_CURRENCY money in 1/100000
    of the base currency. Emergency credit is 0 or less: what was used of it. Accumulated debt is 0 or more: what is
    owed. `recent` holds the last ten tokens, RECENT_SIZE bytes each, newest last. What is 0 rests in the class, since
    eight meters of seventy attributes weigh on a board.
    """

    def __init__(self, channel: int):
        self.channel = channel
        self.pots = [0] * kinds.POTS
        self.past_packed = b""  # check values of past keys, KEY_CHECK_SIZE bytes each: a list is four times as large
        self.retired_keys = 0
        self.tids = TidMemory(0)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any": ...

        def __setattr__(self, name: str, value: "Any") -> None: ...

    def is_open(self) -> bool:
        """Whether the valve is to be open: by the intent, and in LIFELINE while its quota lasts (DRIP: the bypass)."""
        return self.intent >= kinds.LIFELINE and not self.shut

    def is_shut(self) -> bool:
        """Whether nothing is to flow: closed, or the quota of the lifeline is drawn."""
        return self.intent == kinds.CLOSED or bool(self.shut)

    def has(self, mode: int) -> bool:
        """Whether any of these MODE bits is set."""
        return bool(self.mode & mode)

    def copy(self) -> "MeterState":
        """A meter of its own with the same figures."""
        twin = MeterState(self.channel)
        for name in _PLAIN:
            _set(twin, name, getattr(self, name))
        twin.pots = self.pots[:]
        twin.past_packed = self.past_packed
        twin.retired_keys = self.retired_keys
        twin.tids = self.tids.copy()
        return twin

    @property
    def past_keys(self) -> "list[int]":
        """The check values of past keys, newest last."""
        reader = Reader(self.past_packed)
        return [reader.unsigned(KEY_CHECK_SIZE, "past key") for _ in range(len(self.past_packed) // KEY_CHECK_SIZE)]

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
            tids=len(self.tids.packed) // TID_SIZE,
            retired_keys=self.retired_keys,
            past_keys=len(self.past_packed) // KEY_CHECK_SIZE,
            **values,
        )
        return head + self.tids.packed + self.past_packed


for _name in _PLAIN:
    setattr(MeterState, _name, b"" if _name in _BYTES else 0)


def _set(meter: MeterState, name: str, value: "int | bytes") -> None:
    if value != getattr(meter, name):
        setattr(meter, name, value)


class GatewayState:
    """The whole state; `meters` maps a channel to its MeterState, `policies` a meter group to (version, check)."""

    def __init__(self, utility: int, gateway: int, epoch: int):
        self.utility = utility
        self.gateway = gateway
        self.epoch = epoch
        self.sequence = 0
        self.time_s = 0
        self.boots = 0
        self.command_counter = 0
        self.policies: dict[int, tuple[int, int]] = {}
        self.floor_version = 0
        self.floor_check = 0
        self.keypad_failures = 0
        self.lid_open = 0
        self.group_left = 0
        self.firmware_minimum = 0
        self.firmware_trial = 0
        self.meters: dict[int, MeterState] = {}

    def to_bytes(self) -> bytes:
        """The canonical bytes, meters by rising channel; before the first update as they were before there were any."""
        return b"".join(finish(self.parts_steps()))

    def parts_steps(self) -> "Generator[None, None, list[bytes]]":
        """to_bytes() in parts, with a pause behind each meter; what changes meanwhile makes them worthless."""
        layout = _UPDATED if self.firmware_minimum or self.firmware_trial else _GATEWAY
        values = {name: getattr(self, name) for name, _kind in layout.fields if name not in _COUNTED}
        parts = [layout.encode(policies=len(self.policies), meters=len(self.meters), **values)]
        parts += [_POLICY.encode(meter_group=g, version=v, check=c) for g, (v, c) in sorted(self.policies.items())]
        for channel in sorted(self.meters):
            parts.append(self.meters[channel].to_bytes())
            yield
        return parts

    def copy(self, channels: "list[int]") -> "GatewayState":
        """A state of its own with the same figures; of the meters only those of `channels` are its own."""
        twin = GatewayState(self.utility, self.gateway, self.epoch)
        for name, _kind in _UPDATED.fields:
            if name not in _COUNTED:
                setattr(twin, name, getattr(self, name))
        twin.policies = dict(self.policies)
        twin.meters = dict(self.meters)
        for channel in channels:
            if channel in self.meters:
                twin.meters[channel] = self.meters[channel].copy()
        return twin

    def policy_of(self, group: int) -> "tuple[int, int]":
        """(version, check) of the policy of a meter group, by default that of group 0; (0, 0) when there is none."""
        return self.policies.get(group) or self.policies.get(0) or (0, 0)

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
            apply_meter(meter, entry)


def place_of(data: bytes) -> "tuple[int, int]":
    """(epoch, sequence) of a state from its canonical bytes; WireError when they are none."""
    head = _layout_of(data).read(Reader(data))
    return head["epoch"], head["sequence"]


def from_bytes(data: bytes) -> GatewayState:
    """The state back from its canonical bytes; WireError when they are not."""
    reader = Reader(data)
    head = _layout_of(data).read(reader)
    state = GatewayState(head["utility"], head["gateway"], head["epoch"])
    count = head.pop("meters")
    policies = head.pop("policies")
    for name in head:
        setattr(state, name, head[name])
    for _ in range(policies):
        row = _POLICY.read(reader)
        state.policies[row["meter_group"]] = (row["version"], row["check"])
    for _ in range(count):
        meter = _read_meter(reader)
        state.meters[meter.channel] = meter
    reader.finish()
    return state


def _layout_of(data: bytes) -> Layout:
    return _UPDATED if bytes(data[:TAG_SIZE]) == _UPDATED.tag else _GATEWAY


def _read_meter(reader: Reader) -> MeterState:
    head = _METER.read(reader)
    meter = MeterState(head["channel"])
    for name in _PLAIN:
        _set(meter, name, head[name])
    meter.pots[kinds.TOKEN_CREDIT] = head["token_credit"]
    meter.pots[kinds.EMERGENCY_CREDIT] = head["emergency_credit"]
    meter.pots[kinds.RESERVED_CREDIT] = head["reserved_credit"]
    meter.pots[kinds.ACCUMULATED_DEBT] = head["accumulated_debt"]
    meter.tids = TidMemory(head["tid_minimum"], reader.take(head["tids"] * TID_SIZE, "tids"))
    meter.retired_keys = head["retired_keys"]
    meter.past_packed = reader.take(head["past_keys"] * KEY_CHECK_SIZE, "past keys")
    return meter


def _opened(entry: Entry) -> MeterState:
    meter = MeterState(entry.meter)
    meter.key_check = entry.reference_b
    meter.krn = entry.detail >> 8
    meter.ti = entry.detail & 0xFF
    meter.tids = TidMemory(entry.reference_a)
    meter.day_register = meter.month_register = entry.register
    meter.day = meter.fixed_day = meter.allowance_day = meter.exercised_day = max(entry.time_s // _DAY_S - 1, 0)
    return meter


def apply_meter(meter: MeterState, entry: Entry) -> None:
    """Fold an entry of this meter into it."""
    handler = METER_HANDLERS.get(entry.kind)
    if handler is not None:
        handler(meter, entry)
    if entry.pot != kinds.NO_POT:
        meter.pots[entry.pot] = entry.balance
    meter.register = entry.register
