"""What tells of a hand at the case: the lid switch, and a contact that a strong magnet closes."""

from shared.compat import const

_DEBOUNCE_READS = const(3)


class _Debounced:
    """A level that counts after three readings in a row, so poll it every 20 ms or so."""

    def __init__(self, pin) -> None:
        self._pin = pin
        self._level = pin.value()
        self._differing = 0

    def _high(self) -> bool:
        if self._pin.value() == self._level:
            self._differing = 0
            return bool(self._level)
        self._differing += 1
        if self._differing >= _DEBOUNCE_READS:
            self._level = self._pin.value()
            self._differing = 0
        return bool(self._level)


class Tamper(_Debounced):
    """A loop to ground that is closed while the lid is on, with a pull-up: a cut wire counts as an open lid."""

    def opened(self) -> bool:
        """Whether the lid is open."""
        return self._high()


class Magnet(_Debounced):
    """A reed contact or a Hall switch beside the meters' own, with a pull-up: it joins to ground near a magnet."""

    def near(self) -> bool:
        """Whether somebody holds a magnet to the case."""
        return not self._high()
