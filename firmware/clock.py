"""Seconds since 1970 on every port, counted by ticks, with a quality that only signed time can raise.

Time never runs back: a correction into the past holds the clock until real time has caught up.

Network time is not authenticated: whoever sits on the path can answer in a server's name. So it only takes out what
the crystal may have drifted since time was signed, counted over all corrections together, and it neither raises the
quality nor prolongs it. With a forger on the line the clock is off by no more than a bad crystal makes it.
"""

import time

from shared.compat import const

UNKNOWN = 0  # from the last durable time on; the off time is missing
DRIFTING = 1  # signed time was set since start, but long ago
TRUSTED = 2

_TICKS_MASK = const(0x3FFFFFFF)
_TRUST_S = const(172800)  # two days at a crystal's 50 ppm are 9 seconds
_DRIFT_PPM = const(100)  # a cheap crystal in a box in the sun, with a margin: 9 seconds a day
_NETWORK_S = const(2)  # whole seconds, and the way of an answer
_LATEST_S = 0xFFFFFFFF  # what an entry can hold
_EPOCH_2000_S = const(946684800)


class Uptime:
    """Milliseconds since start, rising without a wrap; to be asked at least once in 12 days."""

    def __init__(self, ticks_ms) -> None:
        self._ticks_ms = ticks_ms
        self._last = ticks_ms() & _TICKS_MASK
        self._total_ms = 0

    def __call__(self) -> int:
        now = self._ticks_ms() & _TICKS_MASK
        self._total_ms += (now - self._last) & _TICKS_MASK
        self._last = now
        return self._total_ms


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
        self._nudged_s = 0  # by how much network time has moved the clock since then

    def now(self) -> int:
        """Seconds since 1970 (UTC); never less than before."""
        now_ms = self._ticks_ms() & _TICKS_MASK
        self._rest_ms += (now_ms - self._last_ms) & _TICKS_MASK
        self._last_ms = now_ms
        passed_s = self._rest_ms // 1000
        self._rest_ms -= passed_s * 1000
        held_s = min(passed_s, self._hold_s)
        self._hold_s -= held_s
        self._now_s = min(self._now_s + passed_s - held_s, _LATEST_S)
        return self._now_s

    def quality(self) -> int:
        """UNKNOWN, DRIFTING or TRUSTED."""
        if self._signed_s < 0:
            return UNKNOWN
        return TRUSTED if self._since_signed_s() < _TRUST_S else DRIFTING

    def set_signed(self, real_s: int) -> int:
        """Take over time whose signature and boot nonce were checked; return by how many seconds the clock was off."""
        off_s = self._set(real_s)
        self._signed_s = real_s
        self._nudged_s = 0
        return off_s

    def nudge(self, real_s: int) -> "int | None":
        """Follow network time; return by how many seconds the clock was off.

        None: not followed, for no time was signed in this run, or more would be corrected than can have drifted.
        """
        if self._signed_s < 0:
            return None
        nudged_s = self._nudged_s + real_s - self._real_s()
        if abs(nudged_s) > self.tolerance_s():
            return None
        self._nudged_s = nudged_s
        return self._set(real_s)

    def tolerance_s(self) -> int:
        """How far network time may lie from the clock as it ran since signed time, uncorrected."""
        return _NETWORK_S + self._since_signed_s() * _DRIFT_PPM // 1000000

    def _real_s(self) -> int:
        now_s = self.now()
        return now_s - self._hold_s  # a clock that is held goes on drifting

    def _since_signed_s(self) -> int:
        """By the crystal alone: network time must not stretch what is reckoned from it."""
        return self._real_s() - self._nudged_s - self._signed_s

    def _set(self, real_s: int) -> int:
        off_s = real_s - self._real_s()
        self._now_s = max(self._now_s, real_s)
        self._hold_s = self._now_s - real_s
        return off_s


def unix_seconds() -> int:
    """The chip's own clock as seconds since 1970; the ESP32 counts from 2000, the others from 1970."""
    offset_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0
    return int(time.time()) + offset_s
