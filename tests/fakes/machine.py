"""A machine module for tests: that of the simulated board, and what ESP32 and RP2040 have beside it."""

import time

from tools.sim.device import machine as _sim
from tools.sim.device.machine import *  # noqa: F403
from tools.sim.device.machine import Pin, _copper  # noqa: F401  the star brings no underscores

mem32 = {}
periodic = []  # what timers call
_PERIOD_S = 0.005


def let_time_pass(periods):
    """Real time passes, and every timer calls what it has to call."""
    for _ in range(periods):
        time.sleep(_PERIOD_S)
        for call in periodic:
            call()


class Timer:
    """machine.Timer with soft callbacks; let_time_pass() makes them."""

    PERIODIC = 1

    def __init__(self, id):
        self.id = id

    def init(self, *, mode, period, callback):
        self._call = lambda: callback(self)
        periodic.append(self._call)

    def deinit(self):
        periodic.remove(self._call)


class RTC:
    """The chip's clock, which keeps what it is set to."""

    fields = None

    def datetime(self, fields=None):
        if fields is not None:
            RTC.fields = fields
        return RTC.fields


class I2C(_sim.I2C):
    """The simulated board's bus, with the calls by register beside."""

    def writeto_mem(self, address, register, data):
        self.writeto(address, bytes((register,)) + bytes(data))

    def readfrom_mem_into(self, address, register, buffer):
        self.writeto(address, bytes((register,)))
        buffer[:] = self.readfrom(address, len(buffer))


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
