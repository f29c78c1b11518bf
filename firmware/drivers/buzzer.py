"""An active buzzer that plays patterns of on and off times without making anyone wait."""

from shared.compat import const

CLICK = (15,)
ACCEPT = (600,)
REJECT = (120, 90, 120, 90, 120)
CHIRP = (40, 60, 40)

_TICKS_MASK = const(0x3FFFFFFF)


class Buzzer:
    """An output that sounds while it is high."""

    def __init__(self, pin) -> None:
        self._pin = pin
        self._pattern = ()
        self._step = 0
        self._since_ms = -1
        pin.value(0)

    def play(self, pattern) -> None:
        """Start a pattern: milliseconds on, off, on, ...; it replaces the one that is playing. None is silence."""
        self._pattern = pattern or ()
        self._pin.value(0)
        self._step = 0
        self._since_ms = -1

    def poll(self, now_ms: int) -> None:
        """Move on. now_ms is time.ticks_ms(); call it every 20 ms or so."""
        if self._step >= len(self._pattern):
            return
        if self._since_ms < 0:
            self._since_ms = now_ms
            self._pin.value(1)
        elif (now_ms - self._since_ms) & _TICKS_MASK >= self._pattern[self._step]:
            self._step += 1
            self._since_ms = now_ms
            self._pin.value(1 if self._step < len(self._pattern) and self._step % 2 == 0 else 0)
