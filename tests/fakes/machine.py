"""A machine module for tests: that of the simulated board, and the ESP32's hardware counter beside it."""

from tools.sim.device.machine import *  # noqa: F403
from tools.sim.device.machine import Pin, _copper  # noqa: F401  the star brings no underscores


class Counter:
    """Counts falling edges of a pin below the processor's attention (machine.Counter of the ESP32 port)."""

    RISING = 1
    FALLING = 2

    def __init__(self, id, src, *, edge=RISING, filter_ns=0):
        self.filter_ns = filter_ns
        self._value = 0
        src.irq(self._count, Pin.IRQ_FALLING if edge == self.FALLING else Pin.IRQ_RISING)

    def value(self):
        return self._value

    def _count(self, _pin):
        self._value += 1
