"""Pulse inputs: counters that only rise and wrap at 2**30; the reader takes differences under PULSE_MASK.

Ways to count, because chips differ: PulseInput for clean edges, FilteredPulseInput for a bouncing reed on a chip with
hard interrupts (RP2), CounterInput for a hardware counter (ESP32, whose pin interrupts can be lost), and rp2_pulse.py.
"""

from shared.compat import const

PULSE_MASK = 0x3FFFFFFF  # a small integer on every board, so an interrupt can hold it without the heap
_MASK = const(0x3FFFFFFF)


def next_count(count: int) -> int:
    """Return the count after one more pulse; count + 1 alone would leave the small integers at the wrap."""
    return 0 if count == _MASK else count + 1


def listen(pin, handler, trigger: int, hard: bool) -> None:
    """Call handler(pin) at the edges of a pin; `hard` only where there are such interrupts: others refuse the word."""
    if hard:
        pin.irq(handler, trigger, hard=True)
    else:
        pin.irq(handler, trigger)


class PulseInput:
    """Counts falling edges of a pin whose filter is in hardware."""

    def __init__(self, pin, hard: bool = False) -> None:
        self._count = 0
        listen(pin, self._edge, pin.IRQ_FALLING, hard)

    def _edge(self, _pin) -> None:
        self._count = next_count(self._count)

    def count(self) -> int:
        """Pulses since start, 0..2**30-1."""
        return self._count


class FilteredPulseInput:
    """Counts a pulse when the contact was closed, and before that open, for at least min_width_ms each.

    The first pulse after a pause of any length counts too. ticks_ms is time.ticks_ms; only differences under the mask
    are used, so its wrap does not matter.
    """

    def __init__(self, pin, min_width_ms: int, ticks_ms, hard: bool = False) -> None:
        self._count = 0
        self._min_width_ms = min_width_ms
        self._ticks_ms = ticks_ms
        self._level = 1  # as last seen
        self._since_ms = ticks_ms() & _MASK
        self._armed = True  # a proper open time came before
        self._pin = pin
        self._hard = hard
        self._on_edge = self._edge
        self._listen()

    def _listen(self) -> None:
        listen(self._pin, self._on_edge, self._pin.IRQ_FALLING | self._pin.IRQ_RISING, self._hard)

    def _edge(self, pin) -> None:
        now_ms = self._ticks_ms() & _MASK
        width_ms = (now_ms - self._since_ms) & _MASK
        level = pin.value()
        if level != self._level and width_ms >= self._min_width_ms:
            if level:  # the contact opens: a full closed time lies behind
                if self._armed:
                    self._count = next_count(self._count)
                self._armed = False
            else:
                self._armed = True
        self._level = level
        self._since_ms = now_ms

    def count(self) -> int:
        """Pulses since start, 0..2**30-1.

        A port takes a handler off that found no room on the stack: an edge that nobody saw is the sign of it.
        """
        if self._pin.value() != self._level:
            self._listen()
        return self._count


class CounterInput:
    """A hardware counter (machine.Counter, ESP32 from MicroPython 1.26): counts while the processor does other work."""

    def __init__(self, counter) -> None:
        self._counter = counter

    def count(self) -> int:
        """Pulses since start, 0..2**30-1."""
        return self._counter.value() & _MASK
