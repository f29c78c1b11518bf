"""The lid switch: a loop to ground that is closed while the lid is on, so that a cut wire counts as an open lid."""

from shared.compat import const

_DEBOUNCE_READS = const(3)


class Tamper:
    """An input with pull-up; it reads 1 when the loop is open."""

    def __init__(self, pin) -> None:
        self._pin = pin
        self._opened = bool(pin.value())
        self._differing = 0

    def opened(self) -> bool:
        """Whether the lid is open; a change counts after three readings in a row, so poll it every 20 ms or so."""
        if bool(self._pin.value()) == self._opened:
            self._differing = 0
            return self._opened
        self._differing += 1
        if self._differing >= _DEBOUNCE_READS:
            self._opened = not self._opened
            self._differing = 0
        return self._opened
