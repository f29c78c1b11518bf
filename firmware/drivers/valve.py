"""A motor valve with two end switches: it is driven until a switch says so or time is out, and then again a few times.

Both motor pins are never high together, and the motor is only powered between two calls of poll(). Valves without
switches are in blind_valve.py.
"""

from shared.compat import const

REST_MS = 300  # so long the motor stands still before it turns round, starts or tries again
TICKS_MASK = 0x3FFFFFFF
_ATTEMPTS = const(3)

_IDLE, _RESTING, _MOVING = 0, 1, 2


class Bridge:
    """Two drive lines, one for each direction, and the line of a bypass where the board has one."""

    def __init__(self, open_pin, close_pin, bypass_pin=None) -> None:
        self._lines = (close_pin, open_pin)  # index 1 opens
        self._bypass_pin = bypass_pin
        self.has_bypass = bypass_pin is not None
        self.travel_ms = 0  # of the last motion that arrived; a growing time is a valve that calcifies
        self._stop()
        self.bypass(False)

    def bypass(self, on: bool) -> None:
        """Let a little flow past the closed valve, or no longer; nothing happens on a board without a bypass."""
        if self._bypass_pin is not None:
            self._bypass_pin.value(1 if on else 0)

    def _power(self, want: int) -> None:
        self._lines[1 - want].value(0)
        self._lines[want].value(1)

    def _stop(self) -> None:
        self._lines[0].value(0)
        self._lines[1].value(0)


class Valve(Bridge):
    """Switches join their pin to ground when the valve has arrived. travel_limit_ms bounds one motion."""

    def __init__(
        self, open_pin, close_pin, opened_pin, closed_pin, travel_limit_ms: int = 10000, bypass_pin=None
    ) -> None:
        super().__init__(open_pin, close_pin, bypass_pin)
        self._ends = (closed_pin, opened_pin)
        self._travel_limit_ms = travel_limit_ms
        self._phase = _IDLE
        self._want = 0
        self._attempts_left = 0
        self._since_ms = -1
        self._stopped_ms = -1  # when the motor was last switched off; -1: not since the board started
        self._was_moving = False  # when it was told to move, or to stop, and nobody knows since when it stands

    def drive(self, open: bool) -> None:
        """Start a motion; a motion under way is given up. poll() does the rest."""
        self._give_up()
        self._want = 1 if open else 0
        self._attempts_left = _ATTEMPTS
        self._phase = _RESTING
        self._since_ms = -1

    def halt(self) -> None:
        """Give a motion up where it is; nothing is told of it."""
        self._give_up()
        self._phase = _IDLE

    def poll(self, now_ms: int) -> str | None:
        """Return "opened", "closed" or "failed" once when a motion ends, else None. now_ms is time.ticks_ms()."""
        if self._phase == _IDLE:
            return None
        if self._since_ms < 0:
            self._since_ms = now_ms
            if self._arrived():
                return self._end(0)
            if self._has_rested(now_ms):
                return self._start(now_ms)
        elapsed_ms = (now_ms - self._since_ms) & TICKS_MASK
        if self._phase == _MOVING:
            return self._moving(elapsed_ms, now_ms)
        return self._start(now_ms) if elapsed_ms >= REST_MS else None

    def is_open(self) -> bool:
        """Whether the opened switch says so. A valve between its ends is not closed: see is_closed()."""
        return self._at(1)

    def is_closed(self) -> bool:
        """Whether the closed switch says so. Neither open nor closed: it stands between, or a switch is broken."""
        return self._at(0)

    def _give_up(self) -> None:
        self._stop()
        self._was_moving = self._was_moving or self._phase == _MOVING

    def _has_rested(self, now_ms: int) -> bool:
        if self._was_moving:
            return False
        return self._stopped_ms < 0 or (now_ms - self._stopped_ms) & TICKS_MASK >= REST_MS

    def _start(self, now_ms: int) -> None:
        self._was_moving = False
        self._phase = _MOVING
        self._since_ms = now_ms
        self._power(self._want)

    def _moving(self, elapsed_ms: int, now_ms: int) -> str | None:
        if not self._arrived() and elapsed_ms < self._travel_limit_ms:
            return None
        self._stopped_ms = now_ms & TICKS_MASK
        if self._arrived():
            return self._end(elapsed_ms)
        self._stop()
        self._attempts_left -= 1
        if self._attempts_left == 0:
            self._phase = _IDLE
            return "failed"
        self._phase = _RESTING
        self._since_ms = now_ms
        return None

    def _end(self, travel_ms: int) -> str:
        self._stop()
        self._phase = _IDLE
        self.travel_ms = travel_ms
        return "opened" if self._want else "closed"

    def _arrived(self) -> bool:
        return self._at(self._want) and not self._at(1 - self._want)

    def _at(self, end: int) -> bool:
        return self._ends[end].value() == 0
