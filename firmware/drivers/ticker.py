"""A soft interrupt of a fixed period: machine.Timer of any chip. It waits while the interpreter is in a long call."""

import machine

from shared.compat import const

_TIMER = const(0)


class Ticker:
    """Calls handler() every period_ms between two steps of the interpreter; several that are late come at once."""

    def __init__(self, period_ms: int, handler) -> None:
        self._handler = handler
        self._period_ms = period_ms
        self._timer = machine.Timer(_TIMER)
        self.revive()

    def revive(self) -> None:
        """Start, or start again."""
        self._timer.init(mode=machine.Timer.PERIODIC, period=self._period_ms, callback=self._due)

    def stop(self) -> None:
        """No more calls."""
        self._timer.deinit()

    def _due(self, _timer) -> None:
        self._handler()


def start(period_ms: int, handler) -> Ticker:
    """Start a ticker; it lasts as long as the object."""
    return Ticker(period_ms, handler)
