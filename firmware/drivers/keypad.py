"""A matrix keypad, scanned: each press gives its key once; a key that stays down is told once and ignored."""

from shared.compat import const

_DEBOUNCE_SCANS = const(2)  # 40 ms at one scan every 20 ms
_STUCK_SCANS = const(1500)  # 30 s at one scan every 20 ms


class Keypad:
    """Rows are open-drain outputs, columns inputs with pull-up; keys are named row by row, one symbol each."""

    def __init__(self, row_pins, column_pins, keys: str) -> None:
        assert len(keys) == len(row_pins) * len(column_pins), "one symbol per crossing"
        self._rows = row_pins
        self._columns = column_pins
        self._keys = keys
        for row in row_pins:
            row.value(1)
        # Sets of keys as bits: raw, under debounce, debounced. What is down at power-up is no press.
        self._last = self._candidate = self._down = self._read()
        self._same_scans = _DEBOUNCE_SCANS
        self._held = self._held_scans = 0  # keys down without a break, and for how many scans
        self._stuck = self._newly_stuck = 0

    def scan(self) -> str | None:
        """Return the key that was freshly pressed, or None. Call it every 20 ms or so."""
        raw = self._read()
        self._stuck &= raw | self._last  # a stuck key that came up is a key again
        self._last = raw
        pressed = raw & ~self._stuck
        self._watch_for_stuck(pressed)
        if pressed != self._candidate:
            self._candidate = pressed
            self._same_scans = 0
        self._same_scans += 1
        if self._same_scans != _DEBOUNCE_SCANS:
            return None
        fresh = pressed & ~self._down
        self._down = pressed
        return self._name(fresh)

    def take_stuck(self) -> str | None:
        """Return a key that has been down for 30 s, once; it stays ignored until it comes up."""
        key = self._newly_stuck & -self._newly_stuck
        self._newly_stuck &= ~key
        return self._name(key)

    def _read(self) -> int:
        down = 0
        bit = 1
        for row in self._rows:
            row.value(0)
            for column in self._columns:
                if not column.value():
                    down |= bit
                bit <<= 1
            row.value(1)
        return down

    def _watch_for_stuck(self, pressed: int) -> None:
        self._held &= pressed
        if not self._held:
            self._held = pressed
            self._held_scans = 0
        self._held_scans += 1
        if self._held and self._held_scans >= _STUCK_SCANS:
            self._stuck |= self._held
            self._newly_stuck |= self._held
            self._down &= ~self._held
            self._held = 0

    def _name(self, bits: int) -> str | None:
        """The key of a single bit; None for no key, and for several at once, which is a ghost or an elbow."""
        if bits == 0 or bits & (bits - 1):
            return None
        index = 0
        while bits > 1:
            bits >>= 1
            index += 1
        return self._keys[index]
