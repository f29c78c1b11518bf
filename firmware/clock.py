"""Seconds since 1970 on every port, counted by ticks, with a quality that only signed time can raise.

Time never runs back: a correction into the past holds the clock until real time has caught up.
"""

import time

from shared.compat import const

UNKNOWN = 0  # from the last durable time on; the off time is missing
DRIFTING = 1  # signed time was set since start, but long ago
TRUSTED = 2

_TICKS_MASK = const(0x3FFFFFFF)
_TRUST_S = const(172800)  # two days at a crystal's 50 ppm are 9 seconds
_EPOCH_2000_S = const(946684800)


class Clock:
    """Call now() at least once a day: the ticks wrap after 12 days. ticks_ms is time.ticks_ms."""

    def __init__(self, ticks_ms, start_s: int) -> None:
        """Start from the last durable time, or the chip's own clock if that is later (unix_seconds())."""
        self._ticks_ms = ticks_ms
        self._last_ms = ticks_ms() & _TICKS_MASK
        self._rest_ms = 0
        self._now_s = start_s
        self._hold_s = 0  # how far now() is ahead of real time
        self._signed_s = -1  # when signed time was set

    def now(self) -> int:
        """Seconds since 1970 (UTC); never less than before."""
        now_ms = self._ticks_ms() & _TICKS_MASK
        self._rest_ms += (now_ms - self._last_ms) & _TICKS_MASK
        self._last_ms = now_ms
        passed_s = self._rest_ms // 1000
        self._rest_ms -= passed_s * 1000
        held_s = min(passed_s, self._hold_s)
        self._hold_s -= held_s
        self._now_s += passed_s - held_s
        return self._now_s

    def quality(self) -> int:
        """UNKNOWN, DRIFTING or TRUSTED."""
        if self._signed_s < 0:
            return UNKNOWN
        real_s = self.now()
        real_s -= self._hold_s  # a clock that is held goes on drifting
        return TRUSTED if real_s - self._signed_s < _TRUST_S else DRIFTING

    def set_signed(self, real_s: int) -> int:
        """Take over time whose signature and boot nonce were checked; return by how many seconds the clock was off."""
        off_s = real_s - (self.now() - self._hold_s)
        self._now_s = max(self._now_s, real_s)
        self._hold_s = self._now_s - real_s
        self._signed_s = real_s
        return off_s

    def nudge(self, real_s: int, tolerance_s: int) -> bool:
        """Follow network time if it is within the tolerance; the quality stays. False: it was not followed."""
        off_s = real_s - (self.now() - self._hold_s)
        if self._signed_s < 0 or abs(off_s) > tolerance_s:
            return False
        self._now_s = max(self._now_s, real_s)
        self._hold_s = self._now_s - real_s
        return True


def unix_seconds() -> int:
    """The chip's own clock as seconds since 1970; the ESP32 counts from 2000, the others from 1970."""
    offset_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0
    return int(time.time()) + offset_s
