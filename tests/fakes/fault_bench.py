"""A gateway's core as the desk of faults needs it: registers, a true fold, a clock, and flash that can be full."""

from firmware.faults import FaultDesk
from firmware.ledger.store import FlashFull
from shared import fault_rules, kinds
from shared.entries import Entry
from shared.policy import Policy
from shared.state import GatewayState, MeterState

START_S = 1800000000


class _Register:
    def __init__(self) -> None:
        self.volume_ml = 0


class _Meter:
    def __init__(self, pulse_volume_ml: int) -> None:
        self.pulse_volume_ml = pulse_volume_ml


class _Settings:
    def __init__(self, channels: int, pulse_volume_ml: int) -> None:
        self.meters = {channel: _Meter(pulse_volume_ml) for channel in range(channels)}


class FaultBench:
    """Lets time and water pass; every entry is judged before it is folded in. `held` stops the clock."""

    def __init__(self, channels: int = 1, pulse_volume_ml: int = 1000, **policy: int) -> None:
        self.settings = _Settings(channels, pulse_volume_ml)
        self.state = GatewayState(1, 1, 1)
        self.registers = {}
        self.policy = Policy(**policy)
        self.written: list[Entry] = []
        self.groups: list[int] = []
        self.room = True
        self.full = False
        self.held = False
        self.closed = False
        self.now_ms = 0
        self.time_s = START_S
        for channel in range(channels):
            self.state.meters[channel] = MeterState(channel)
            self.state.meters[channel].intent = kinds.FULL
            self.registers[channel] = _Register()
        self.desk = FaultDesk(self, 0)

    def restart(self) -> None:
        """The power goes and comes back; the uptime begins anew."""
        self.now_ms = 0
        self.desk = FaultDesk(self, 0)

    def channels(self) -> "list[int]":
        return sorted(self.registers)

    def meter(self, channel: int = 0) -> MeterState:
        return self.state.meters[channel]

    def policy_of(self, _channel: int) -> Policy:
        return self.policy

    def has_room(self) -> bool:
        return self.room

    def entry(self, kind: int, channel: int, rule: int = 0, detail: int = 0, **fields) -> Entry:
        return Entry(0, self.time_s, kind, channel, rule=rule, detail=detail, **fields)

    def append(self, *group) -> None:
        if self.full:
            raise FlashFull("the ledger is full")
        for entry in group:
            judge = fault_rules.judge_fault if entry.kind == kinds.FAULT else fault_rules.judge_safety
            wrong = judge(self.meter(entry.meter), entry, self.policy)
            assert not wrong, wrong
            entry.sequence = self.state.sequence + 1
            self.state.apply(entry)
            self.written.append(entry)
        self.groups.append(len(group))

    def step(self, seconds: int, flow_ml: int = 0, every_s: int = 10, channel: int = 0) -> None:
        """Time passes while `flow_ml` flows in each `every_s`."""
        for _ in range(seconds // every_s):
            self.now_ms += every_s * 1000
            self.time_s += 0 if self.held else every_s
            self.registers[channel].volume_ml += flow_ml
            for each in self.registers:
                self.desk.tick(each, self.now_ms, self.closed)

    def hours(self, count: int, flow_ml: int = 0, channel: int = 0) -> None:
        """Hours pass, in each of which `flow_ml` flows, at its middle."""
        for _ in range(count):
            self.step(1800, 0, 60, channel)
            self.registers[channel].volume_ml += flow_ml
            self.step(1800, 0, 60, channel)

    def faults(self) -> "list[tuple[str, int, int, int]]":
        """(name, began, measured, bound) of every FAULT entry."""
        found = []
        for entry in self.written:
            if entry.kind == kinds.FAULT:
                name = kinds.FAULT_NAMES[entry.detail >> 8]
                found.append((name, entry.detail & 1, entry.reference_a, entry.reference_b))
        return found
