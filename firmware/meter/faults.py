"""What a register shows of metering faults: hours with flow and without, bursts, flow while closed, reverse flow.

Time is the rising uptime, so a clock that jumps makes no fault. All of it is RAM: after a restart it begins anew.
"""

from shared.compat import const

HOUR_MS = const(3600000)
SETTLE_MS = const(60000)  # water still moves, and the valve still travels, when it is told to close
REVERSE_DAY_H = const(24)
_COUNT_MASK = const(0x3FFFFFFF)
_HOURS_MAX = const(0xFFFF)
_WINDOW_MS = const(60000)
_BURST_MAX_MS = const(0x1FFFFFFF)  # six days, a small integer
_ML_MS = const(3600)  # 1 L/h is a ml in 3600 ms

_OPEN = const(0)
_SETTLING = const(1)
_SHUT = const(2)


class HourWatch:
    """Hours in a row, by the uptime: `wet_h` with flow, `drip_h` with little flow, `idle_h` without any.

    `dry_h` are hours without flow but with full supply since the last pulse: what a stuck input shows as well.
    """

    __slots__ = ("_full", "_since_ms", "_volume_ml", "drip_h", "dry_h", "idle_h", "wet_h")

    def __init__(self, volume_ml: int, now_ms: int) -> None:
        self._volume_ml = volume_ml
        self._since_ms = now_ms
        self._full = True
        self.wet_h = self.drip_h = self.idle_h = self.dry_h = 0

    def take(self, volume_ml: int, now_ms: int, drip_l_h: int, full: bool) -> bool:
        """Note where the register stands and whether supply is full; tells whether an hour is over.

        drip_l_h: an hour below it is one of a drip, in L/h (energy: W).
        """
        self._full = self._full and full
        passed_ms = now_ms - self._since_ms
        if passed_ms < HOUR_MS:
            return False
        hours = passed_ms // HOUR_MS
        flowed_ml = volume_ml - self._volume_ml
        self._since_ms += hours * HOUR_MS
        self._volume_ml = volume_ml
        if not flowed_ml:
            self._pass_idle(hours)
        elif hours > 1:  # nobody looked: when it flowed is not known
            self.wet_h = self.drip_h = self.idle_h = self.dry_h = 0
        else:
            self.wet_h = min(self.wet_h + 1, _HOURS_MAX)
            self.drip_h = min(self.drip_h + 1, _HOURS_MAX) if flowed_ml < drip_l_h * 1000 else 0
            self.idle_h = self.dry_h = 0
        self._full = full
        return True

    def has_flowed(self, volume_ml: int) -> bool:
        """Whether something flowed since the hour before this one began."""
        return self.wet_h > 0 or volume_ml != self._volume_ml

    def _pass_idle(self, hours):
        self.wet_h = self.drip_h = 0
        self.idle_h = min(self.idle_h + hours, _HOURS_MAX)
        if self._full:
            self.dry_h = min(self.dry_h + hours, _HOURS_MAX)


class BurstWatch:
    """A flow that stays above a bound: in every window, and in the mean with one pulse taken off."""

    __slots__ = ("_above_ml", "_above_ms", "_below_ms", "_since_ms", "_volume_ml", "flow_l_h")

    def __init__(self, volume_ml: int, now_ms: int) -> None:
        self._volume_ml = volume_ml
        self._since_ms = now_ms
        self._above_ml = self._above_ms = self._below_ms = 0
        self.flow_l_h = 0  # of the last window

    def take(self, volume_ml: int, now_ms: int, pulse_volume_ml: int, burst_l_h: int, burst_s: int) -> bool:
        """Note where the register stands; tells whether a window is over.

        A window is a minute, less where burst_s is, and more where the bound makes fewer than two pulses of it.
        """
        window_ms = now_ms - self._since_ms
        two_pulses_ms = 2 * pulse_volume_ml * _ML_MS // max(burst_l_h, 1)
        if window_ms < max(min(_WINDOW_MS, burst_s * 1000), two_pulses_ms, 1):
            return False
        flowed_ml = volume_ml - self._volume_ml
        self._volume_ml = volume_ml
        self._since_ms = now_ms
        self.flow_l_h = flowed_ml * _ML_MS // window_ms
        self._below_ms = min(self._below_ms + window_ms, _BURST_MAX_MS) if self.flow_l_h <= burst_l_h else 0
        self._add(flowed_ml, window_ms, pulse_volume_ml, burst_l_h)
        return True

    def least_l_h(self, pulse_volume_ml: int, burst_s: int) -> int:
        """The mean flow since it is above the bound, one pulse being uncertain; 0 until that is for burst_s."""
        if not self._above_ms or self._above_ms < _burst_ms(burst_s):
            return 0
        return max(self._above_ml - pulse_volume_ml, 0) * _ML_MS // self._above_ms

    def is_calm(self, burst_s: int) -> bool:
        """Whether the flow has been within the bound for burst_s."""
        return self._below_ms > 0 and self._below_ms >= _burst_ms(burst_s)

    def _add(self, flowed_ml, window_ms, pulse_volume_ml, burst_l_h):
        """Go on with the time above the bound, unless window or mean lie below it by more than a pulse."""
        if (flowed_ml + pulse_volume_ml) * _ML_MS <= burst_l_h * window_ms:
            self._above_ml = self._above_ms = 0
            return
        self._above_ml += flowed_ml
        self._above_ms += window_ms
        if (self._above_ml + pulse_volume_ml) * _ML_MS <= burst_l_h * self._above_ms:
            self._above_ml = flowed_ml
            self._above_ms = window_ms


class ClosedWatch:
    """`flowed_ml`: what flowed behind a closed valve, from a minute after it closed."""

    __slots__ = ("_base_ml", "_last_ml", "_phase", "_quiet", "_since_ms", "flowed_ml")

    def __init__(self) -> None:
        self._phase = _OPEN
        self._base_ml = self._last_ml = self._since_ms = 0
        self._quiet = False
        self.flowed_ml = 0

    def take(self, volume_ml: int, now_ms: int, closed: bool) -> None:
        """Note where the register stands and whether the valve has closed."""
        if not closed:
            self._phase = _OPEN
            self.flowed_ml = 0
        elif self._phase == _OPEN:
            self._phase = _SETTLING
            self._since_ms = now_ms
        elif self._phase == _SETTLING:
            if now_ms - self._since_ms >= SETTLE_MS:
                self._phase = _SHUT
                self._base_ml = self._last_ml = volume_ml
                self._since_ms = now_ms
                self._quiet = False
        else:
            self._watch(volume_ml, now_ms)

    def is_over(self) -> bool:
        """Whether the valve is open, or nothing has flowed for an hour."""
        return self._phase == _OPEN or (self._phase == _SHUT and self._quiet)

    def forget(self) -> None:
        """Count from here: what flowed before is dealt with."""
        self._base_ml = self._last_ml
        self.flowed_ml = 0

    def _watch(self, volume_ml, now_ms):
        if volume_ml != self._last_ml:
            self._last_ml = volume_ml
            self._since_ms = now_ms
            self._quiet = False
            self.flowed_ml = volume_ml - self._base_ml
        elif not self._quiet:
            self._quiet = now_ms - self._since_ms >= HOUR_MS


class ReverseWatch:
    """`reverse_ml`: what ran backwards since the last day without any. It is counted apart and never gives credit."""

    __slots__ = ("_quiet_h", "_ran", "_seen", "reverse_ml")

    def __init__(self) -> None:
        self._seen = -1
        self._quiet_h = 0
        self._ran = False
        self.reverse_ml = 0

    def take(self, count: int, pulse_volume_ml: int) -> None:
        """Take over what the counter (30 bits, rising, wrapping) shows; what it shows first is not new."""
        if self._seen < 0:
            self._seen = count
        new_ml = ((count - self._seen) & _COUNT_MASK) * pulse_volume_ml
        self._seen = count
        self.reverse_ml += new_ml
        self._ran = self._ran or new_ml > 0

    def end_hour(self) -> None:
        """An hour is over."""
        self._quiet_h = 0 if self._ran else min(self._quiet_h + 1, REVERSE_DAY_H)
        self._ran = False

    def is_over(self) -> bool:
        """Whether a day has passed without reverse flow."""
        return self._quiet_h >= REVERSE_DAY_H and not self._ran

    def forget(self) -> None:
        """Count from here."""
        self.reverse_ml = 0


def _burst_ms(burst_s):
    return min(burst_s * 1000, _BURST_MAX_MS)
