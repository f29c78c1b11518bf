"""Valves and switches that nobody can ask where they stand: a motor that runs for a time, a latch that takes a pulse.

What they say of their position is the last motion that this run completed; after a start it is not known, so both
is_open() and is_closed() are false and whoever needs the position drives there. A motion never fails: only the meter
can tell.
"""

import time

from firmware.drivers.valve import REST_MS, TICKS_MASK, Bridge
from shared.compat import const

_UNKNOWN = const(-1)


class _Blind(Bridge):
    """`travel_ms` stays 0: nothing measures it."""

    def __init__(self, open_pin, close_pin, bypass_pin) -> None:
        super().__init__(open_pin, close_pin, bypass_pin)
        self._want = 0
        self._stands = _UNKNOWN
        self._pending = False

    def drive(self, open: bool) -> None:
        """Start a motion, also to where it stands already; a motion under way is given up. poll() does the rest."""
        self._stop()
        self._want = 1 if open else 0
        self._stands = _UNKNOWN
        self._pending = True

    def halt(self) -> None:
        """Give a motion up where it is; nothing is told of it."""
        self._stop()
        self._pending = False

    def is_open(self) -> bool:
        """Whether the last motion of this run opened it."""
        return self._stands == 1

    def is_closed(self) -> bool:
        """Whether the last motion of this run closed it."""
        return self._stands == 0

    def _end(self) -> str:
        self._stop()
        self._pending = False
        self._stands = self._want
        return "opened" if self._want else "closed"


class TimedValve(_Blind):
    """A motor that switches itself off at its ends, or may stall there; it is powered for run_ms a motion."""

    def __init__(self, open_pin, close_pin, run_ms: int, bypass_pin=None) -> None:
        super().__init__(open_pin, close_pin, bypass_pin)
        self._run_ms = run_ms
        self._powered = False
        self._since_ms = -1

    def drive(self, open: bool) -> None:
        super().drive(open)
        self._powered = False
        self._since_ms = -1

    def poll(self, now_ms: int) -> str | None:
        """Return "opened" or "closed" once when a motion ends, else None. now_ms is time.ticks_ms()."""
        if not self._pending:
            return None
        if self._since_ms < 0:
            self._since_ms = now_ms
        elapsed_ms = (now_ms - self._since_ms) & TICKS_MASK
        if self._powered:
            return self._end() if elapsed_ms >= self._run_ms else None
        if elapsed_ms >= REST_MS:
            self._powered = True
            self._since_ms = now_ms
            self._power(self._want)
        return None


class LatchValve(_Blind):
    """A latching relay or solenoid valve with two coils, or one coil on a bridge.

    The pulse is made inside one poll(), because a coil must not stay powered while something else takes its time.
    """

    def __init__(self, open_pin, close_pin, pulse_ms: int, bypass_pin=None) -> None:
        super().__init__(open_pin, close_pin, bypass_pin)
        self._pulse_ms = pulse_ms

    def poll(self, now_ms: int) -> str | None:
        """Give the pulse; return "opened" or "closed" once, else None."""
        if not self._pending:
            return None
        self._power(self._want)
        time.sleep_ms(self._pulse_ms)
        return self._end()
