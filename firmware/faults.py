"""Writes the metering faults of each meter, a FAULT entry when one begins and one when it is over; closes for a burst.

What is in force stands in the ledger; what is measured begins anew with a restart. A fault begins at most once an hour,
so that an input that flaps does not fill the ledger, and only where there is room.
"""

from firmware.ledger.store import FlashFull
from firmware.meter.faults import BurstWatch, ClosedWatch, HourWatch, ReverseWatch
from shared import fault_rules, kinds
from shared.compat import const

_LOOK_MS = const(1000)
_MAGNET_MS = const(1000)  # a switch bounces
_MAGNET_OVER_MS = const(600000)
_HOURS_A_DAY = const(24)
_SAFETY = const(15)  # the bit beside those of the faults


class _Watches:
    """What is measured at one meter; `begun` has a bit for each fault that began in this hour."""

    __slots__ = ("begun", "burst", "closed", "hours", "looked_ms", "reverse", "safety_ms", "safety_until_s", "used")

    def __init__(self, volume_ml, now_ms):
        self.hours = HourWatch(volume_ml, now_ms)
        self.burst = BurstWatch(volume_ml, now_ms)
        self.closed = ClosedWatch()
        self.reverse: ReverseWatch | None = None  # made where there is such an input
        self.looked_ms = now_ms
        self.begun = 0
        self.safety_ms = 0  # when the closure for a burst has lasted as long as it may; 0: there is none
        self.safety_until_s = 0  # the end that was written with it
        self.used = False  # there was regular use before the flow ceased


class FaultDesk:
    """The faults of all meters. Times `now_ms` are the rising uptime."""

    def __init__(self, core, now_ms: int) -> None:
        self._core = core
        self._watches = {channel: _Watches(core.registers[channel].volume_ml, now_ms) for channel in core.channels()}
        self._magnet = False
        self._magnet_ms = now_ms

    def tick(self, channel: int, now_ms: int, closed: bool) -> None:
        """Look at a meter, once a second; `closed`: its valve has arrived at closed, and no bypass is open."""
        watches = self._watches[channel]
        if now_ms - watches.looked_ms < _LOOK_MS:
            return
        watches.looked_ms = now_ms
        core = self._core
        policy = core.policy_of(channel)
        volume_ml = core.registers[channel].volume_ml
        full = not closed and core.meter(channel).intent == kinds.FULL
        if watches.hours.take(volume_ml, now_ms, policy.drip_l_h, full):
            self._end_hour(channel, watches)
        pulse_volume_ml = self._pulse_volume_ml(channel)
        new_window = watches.burst.take(volume_ml, now_ms, pulse_volume_ml, policy.burst_l_h, policy.burst_s)
        watches.closed.take(volume_ml, now_ms, closed)
        if not core.has_room():
            return
        try:
            if new_window:
                self._judge_burst(channel, watches, policy, now_ms)
            self._judge_hours(channel, watches, volume_ml)
            self._judge_closed(channel, watches)
            self._judge_reverse(channel, watches)
            self._judge_magnet(channel, now_ms)
            self._end_closure(channel, watches, now_ms)
        except FlashFull:
            pass  # tried again at the next look

    def reverse(self, channel: int, count: int, now_ms: int) -> None:
        """What the counter of the reverse input (rising, 30 bits) shows now."""
        watches = self._watches[channel]
        if watches.reverse is None:
            watches.reverse = ReverseWatch()
        watches.reverse.take(count, self._pulse_volume_ml(channel))

    def reverse_ml(self, channel: int) -> int:
        """What ran backwards since the last day without any, in ml (mWh)."""
        watch = self._watches[channel].reverse
        return watch.reverse_ml if watch is not None else 0

    def magnet(self, on: bool, now_ms: int) -> None:
        """What the magnet sensor shows now."""
        if on != self._magnet:
            self._magnet = on
            self._magnet_ms = now_ms

    def has(self, channel: int, fault: int) -> bool:
        """Whether a fault is in force."""
        return self._core.meter(channel).faults >> fault & 1 != 0

    def begin(self, channel: int, fault: int, measured: int = 0, limit: int = 0) -> bool:
        """Write that a fault begins; False: it is in force, began in this hour already, or there is no room.

        FlashFull: nothing is written.
        """
        if not self._may_begin(channel, fault):
            return False
        self._core.append(self._entry(channel, fault << 8 | 1, measured, limit))
        self._watches[channel].begun |= 1 << fault
        return True

    def end(self, channel: int, fault: int, measured: int = 0, limit: int = 0) -> bool:
        """Write that a fault is over; False: it is not in force, or there is no room. FlashFull: nothing is written."""
        if not self.has(channel, fault) or not self._core.has_room():
            return False
        self._core.append(self._entry(channel, fault << 8, measured, limit))
        return True

    def _pulse_volume_ml(self, channel):
        core = self._core
        return core.meter(channel).pulse_volume_ml or core.settings.meters[channel].pulse_volume_ml

    def _end_hour(self, channel, watches):
        watches.begun = 0
        if watches.reverse is None and self.has(channel, kinds.FAULT_REVERSE):
            watches.reverse = ReverseWatch()
        if watches.reverse is not None:
            watches.reverse.end_hour()

    def _judge_hours(self, channel, watches, volume_ml):
        hours = watches.hours
        self._judge(channel, kinds.FAULT_LEAK, hours.wet_h, hours.idle_h > 0)
        self._judge(channel, kinds.FAULT_DRIP, hours.drip_h, hours.idle_h > 0)
        if not hours.dry_h:  # the average falls with every day without flow
            watches.used = self._core.meter(channel).average_ml > 0
        dry_days = hours.dry_h // _HOURS_A_DAY if watches.used else 0
        self._judge(channel, kinds.FAULT_STUCK, dry_days, hours.has_flowed(volume_ml))

    def _judge_closed(self, channel, watches):
        closed = watches.closed
        if self._judge(channel, kinds.FAULT_CLOSED_FLOW, closed.flowed_ml, closed.is_over()) == 0:
            closed.forget()

    def _judge_reverse(self, channel, watches):
        reverse = watches.reverse
        if reverse is None:
            return
        over = reverse.is_over()
        self._judge(channel, kinds.FAULT_REVERSE, reverse.reverse_ml, over)
        if over:
            reverse.forget()

    def _judge_magnet(self, channel, now_ms):
        if self._magnet:
            if now_ms - self._magnet_ms >= _MAGNET_MS:
                self.begin(channel, kinds.FAULT_MAGNET)
        elif self.has(channel, kinds.FAULT_MAGNET) and now_ms - self._magnet_ms >= _MAGNET_OVER_MS:
            self.end(channel, kinds.FAULT_MAGNET)

    def _judge_burst(self, channel, watches, policy, now_ms):
        """A burst goes with the closure that the policy asks for; one that outlasts its closure is closed again."""
        burst = watches.burst
        fault = kinds.FAULT_BURST
        limit = fault_rules.bound(fault, policy, 0)
        measured = min(burst.least_l_h(self._pulse_volume_ml(channel), policy.burst_s), fault_rules.MEASURED_MAX)
        if fault_rules.begins(fault, measured, limit):
            self._begin_burst(channel, watches, measured, policy, now_ms)
        elif burst.is_calm(policy.burst_s) or fault_rules.is_off(fault, limit):
            self.end(channel, fault, min(burst.flow_l_h, fault_rules.MEASURED_MAX), limit)

    def _begin_burst(self, channel, watches, measured, policy, now_ms):
        """Fault and closure in one group, each at most once an hour."""
        fault = kinds.FAULT_BURST
        group = []
        begun = watches.begun
        if self._may_begin(channel, fault):
            group.append(self._entry(channel, fault << 8 | 1, measured, fault_rules.bound(fault, policy, 0)))
            begun |= 1 << fault
        closure = self._closure(channel, watches, policy)
        if closure is not None and (group or self.has(channel, fault)):
            group.append(closure)
            begun |= 1 << _SAFETY
        if group:
            self._core.append(*group)
            watches.begun = begun
            if closure is not None and closure in group:
                watches.safety_ms = now_ms + policy.burst_safety_s * 1000
                watches.safety_until_s = closure.reference_a

    def _closure(self, channel, watches, policy):
        """The time-boxed closure, or None where it is not asked for, was made in this hour, or another one holds."""
        core = self._core
        entry = core.entry(kinds.CONTROL, channel, kinds.RULE_MEASURED, kinds.CONTROL_SAFETY)
        again = watches.begun >> _SAFETY & 1 or core.meter(channel).safety_until_s > entry.time_s
        if not policy.burst_safety_s or again:
            return None
        entry.reference_a = min(entry.time_s + policy.burst_safety_s, fault_rules.MEASURED_MAX)
        return entry

    def _end_closure(self, channel, watches, now_ms):
        """The clock stands still while it waits for real time; a closure lasts no longer for that."""
        if not watches.safety_ms or now_ms < watches.safety_ms:
            return
        core = self._core
        entry = core.entry(kinds.CONTROL, channel, kinds.RULE_MEASURED, kinds.CONTROL_SAFETY_OVER)
        entry.reference_a = entry.time_s
        if core.meter(channel).safety_until_s == watches.safety_until_s > entry.time_s:
            core.append(entry)
        watches.safety_ms = 0

    def _judge(self, channel, fault, measured, over):
        """Begin or end a fault by what was measured; 1 or 0 when that was written, None otherwise."""
        limit = fault_rules.bound(fault, self._core.policy_of(channel), self._pulse_volume_ml(channel))
        measured = min(measured, fault_rules.MEASURED_MAX)
        if over or fault_rules.is_off(fault, limit):
            return 0 if self.end(channel, fault, measured, limit) else None
        begins = fault_rules.begins(fault, measured, limit)
        return 1 if begins and self.begin(channel, fault, measured, limit) else None

    def _may_begin(self, channel, fault):
        begun = self._watches[channel].begun >> fault & 1
        return not begun and not self.has(channel, fault) and self._core.has_room()

    def _entry(self, channel, detail, measured, limit):
        rule = kinds.RULE_MEASURED
        return self._core.entry(kinds.FAULT, channel, rule, detail, reference_a=measured, reference_b=limit)
