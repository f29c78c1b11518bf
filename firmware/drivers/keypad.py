"""A matrix keypad, scanned: each press gives its key once; a key that stays down is told once and ignored.

Keys go into a ring that a timer's interrupt fills and the main loop empties, so a press is kept while something else
takes its time. Where there is no such timer, whoever takes keys scans.
"""

from shared.compat import const

POLL_MS = 20  # between two scans of a keypad without a timer
_MASK = const(0x3FFFFFFF)
_PRESS_SCANS = const(2)
_RELEASE_MS = const(15)  # contacts chatter longer when they open
_STUCK_MS = const(30000)
_RING = const(16)  # a power of two
_SILENT_MS = const(100)  # of a timer, while the main loop runs: it has died


class Keypad:
    """Rows are open-drain outputs, columns inputs with pull-up; keys are named row by row, one symbol each.

    period_ms lies between two scans. tick() scans and may run in an interrupt: it needs no heap.
    """

    def __init__(self, row_pins, column_pins, keys: str, period_ms: int = POLL_MS) -> None:
        assert len(keys) == len(row_pins) * len(column_pins), "one symbol per crossing"
        self._rows = tuple(row.value for row in row_pins)
        self._columns = tuple(column.value for column in column_pins)
        self._keys = keys
        self._period_ms = period_ms
        self._release_scans = max(_PRESS_SCANS, _RELEASE_MS // period_ms)
        self._stuck_scans = _STUCK_MS // period_ms
        self._timer = None
        self._ticks_ms = _no_clock
        self._ticked_ms = 0
        self._scanning = False
        self._stopped = False  # Ctrl-C came in the midst of tick()
        self._ring = bytearray(_RING)
        self._head = 0  # written by tick() alone
        self._tail = 0  # written by take() alone
        self._listening = False  # all rows are low, and any key pulls a column
        self._last = self._candidate = self._down = self._stuck = 0
        # Sets of keys as bits: raw, under debounce, debounced, stuck. What is down at power-up is no press.
        self._last = self._candidate = self._down = self._read()
        self._same_scans = self._release_scans
        self._held = self._held_scans = 0  # keys down without a break, and for how many scans
        self._stuck_told = 0

    def drive(self, timer, ticks_ms) -> None:
        """From now on a timer calls tick() every period_ms; ticks_ms: time.ticks_ms.

        timer.revive() starts it again, timer.stop() ends it.
        """
        self._ticks_ms = ticks_ms
        self._ticked_ms = ticks_ms() & _MASK
        self._timer = timer

    def close(self) -> None:
        """No timer scans any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def look(self) -> None:
        """Scan if no timer does."""
        if self._timer is None:
            self._scan()
        elif (self._ticks_ms() - self._ticked_ms) & _MASK >= _SILENT_MS:
            self._timer.revive()
            self._scan()

    def take(self) -> str | None:
        """The next key that was freshly pressed, or None. Raises the KeyboardInterrupt that tick() was given."""
        if self._stopped:
            self._stopped = False
            raise KeyboardInterrupt
        if self._tail == self._head:
            return None
        key = self._keys[self._ring[self._tail]]
        self._tail = (self._tail + 1) & (_RING - 1)
        return key

    def take_stuck(self) -> str | None:
        """Return a key that has been down for 30 s, once; it stays ignored until it comes up."""
        self._stuck_told &= self._stuck
        fresh = self._stuck & ~self._stuck_told
        fresh &= -fresh
        self._stuck_told |= fresh
        return self._keys[_index(fresh)] if fresh else None

    def tick(self) -> None:
        """What the timer does. Scans that are late and come at once are one, or bounce would pass for two.

        An interrupt may find little room on the stack: it calls nothing while no key is down, and never deep. A chip
        hands Ctrl-C to whoever runs, and takes a handler off that lets it through: it is kept for the main loop.
        """
        try:
            if self._scanning or self._timer is None:
                return
            now_ms = self._ticks_ms() & _MASK
            if (now_ms - self._ticked_ms) & _MASK < self._period_ms >> 1:
                return
            self._ticked_ms = now_ms
            if self._listening:
                for column in self._columns:
                    if not column():
                        break
                else:
                    return
            self._scan()
        except KeyboardInterrupt:
            self._stopped = True

    def _scan(self) -> None:
        self._scanning = True
        try:
            self._take_in(self._read())
        finally:
            self._scanning = False

    def _read(self) -> int:
        """The keys that are down; with none under watch all rows stay low, and a look at the columns is a scan."""
        rows = self._rows
        self._listening = False
        for row in rows:
            row(1)
        down = 0
        bit = 1
        for row in rows:
            row(0)
            for column in self._columns:
                if not column():
                    down |= bit
                bit <<= 1
            row(1)
        if self._timer is not None and not (down | self._last | self._candidate | self._down | self._stuck):
            self._listening = True
            for row in rows:
                row(0)
        return down

    def _take_in(self, raw: int) -> None:
        self._stuck &= raw | self._last  # a stuck key that came up is a key again
        self._last = raw
        pressed = raw & ~self._stuck
        self._watch_for_stuck(pressed)
        if pressed != self._candidate:
            self._candidate = pressed
            self._same_scans = 0
        self._same_scans += 1
        fresh = pressed & ~self._down
        if self._same_scans == _PRESS_SCANS and fresh:
            self._down |= pressed
            self._put(fresh)
        if self._same_scans == self._release_scans:
            self._down = pressed

    def _watch_for_stuck(self, pressed: int) -> None:
        self._held &= pressed
        if not self._held:
            self._held = pressed
            self._held_scans = 0
        self._held_scans += 1
        if self._held and self._held_scans >= self._stuck_scans:
            self._stuck |= self._held
            self._down &= ~self._held
            self._held = 0

    def _put(self, bits: int) -> None:
        """The key of a single bit; not several at once, which is a ghost or an elbow, nor when the ring is full."""
        after = (self._head + 1) & (_RING - 1)
        if bits & (bits - 1) or after == self._tail:
            return
        self._ring[self._head] = _index(bits)
        self._head = after


def _index(bit: int) -> int:
    """The number of a single bit."""
    index = 0
    while bit > 1:
        bit >>= 1
        index += 1
    return index


def _no_clock() -> int:
    """Of a keypad without a timer."""
    return 0
