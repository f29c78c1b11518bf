"""Pins by the numbers of a board map: those of the chip, those of its expanders, and those that are not there.

-1 is no pin. From 100 on they are an expander's: 100 + 16 * (its address - 0x20) + the bit, A0-A7 being 0-7 and B0-B7
8-15.
"""

import machine

from firmware.drivers.absent import NoPin
from shared.compat import const

_FIRST = const(100)
_FIRST_ADDRESS = const(0x20)
_BITS = const(16)


class Pins:
    """Makes pins; `i2c` is the bus of the expanders, and of the display."""

    def __init__(self, i2c) -> None:
        self._i2c = i2c
        self.expanders = {}  # address -> the expander that a pin has named

    def output(self, number: int):
        """A line that is low until it is driven."""
        if number < 0:
            return NoPin()
        if number >= _FIRST:
            return self._expander(number).output((number - _FIRST) % _BITS)
        return machine.Pin(number, machine.Pin.OUT, value=0)

    def input(self, number: int, absent_level: int = 1):
        """A contact to ground with a pull-up; where there is none it reads absent_level."""
        if number < 0:
            return NoPin(absent_level)
        if number >= _FIRST:
            return self._expander(number).input((number - _FIRST) % _BITS)
        return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)

    def _expander(self, number: int):
        address = _FIRST_ADDRESS + (number - _FIRST) // _BITS
        if address not in self.expanders:
            from firmware.drivers.expander import Expander  # late: most boards have none

            self.expanders[address] = Expander(self._i2c, address)
        return self.expanders[address]
