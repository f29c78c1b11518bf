"""An MCP23017 on I2C: sixteen more lines, as pins that valve, lid and end switch drivers take like the chip's own.

It keeps its outputs while the chip is reset, so all of them are switched off when it is made. A bus that does not
answer is no error of the caller: an input reads as an open contact, so a valve does not arrive, and what was to be
driven is driven by tend() as soon as it answers again. Until then only tend() tries, for each try may take long.
Registers: MCP23017 data sheet (Microchip DS20001952), IOCON.BANK = 0.
"""

from shared.compat import const

_DIRECTION = const(0x00)  # a one is an input
_PULL_UP = const(0x0C)
_LEVELS = const(0x12)
_OUTPUTS = const(0x14)
_ALL = const(0xFFFF)
_OPEN = const(1)
_REFRESH_MS = const(10000)
_TICKS_MASK = const(0x3FFFFFFF)


class Expander:
    """Lines 0-15 at an I2C address; lines that nobody asked for are inputs with their pull-ups on."""

    def __init__(self, i2c, address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._two = bytearray(2)
        self._inputs = _ALL
        self._levels = 0
        self._current = False  # whether the expander holds what is wanted of it
        self.answers = True
        self._told_answers = True
        self._refreshed_ms = 0
        self._set(_OUTPUTS, 0)

    def output(self, bit: int) -> "Line":
        """A line that is driven, low at first."""
        self._inputs &= ~(1 << bit)
        self._current = False
        self._set_up()
        return Line(self, 1 << bit)

    def input(self, bit: int) -> "Line":
        """A line with its pull-up on."""
        self._set_up()
        return Line(self, 1 << bit)

    def _set_up(self) -> None:
        if self.answers and not self._current:
            self.refresh()

    def tend(self, now_ms: int) -> str | None:
        """Bring it to what is wanted of it, if it is not known to be there, and every ten seconds.

        To be called a few times a second; now_ms is time.ticks_ms(). Tells when it goes or comes, else None.
        """
        if self._current and (now_ms - self._refreshed_ms) & _TICKS_MASK < _REFRESH_MS:
            return None
        self._refreshed_ms = now_ms
        if self.refresh() == self._told_answers:
            return None
        self._told_answers = self._current
        return "expander {:#x} {}".format(self._address, "answers" if self._current else "does not answer")

    def refresh(self) -> bool:
        """Write all that is wanted anew, which heals an expander that lost its power; whether it answers.

        Levels first: a line that becomes an output must not move a motor.
        """
        self._current = (
            self._set(_OUTPUTS, self._levels) and self._set(_PULL_UP, _ALL) and self._set(_DIRECTION, self._inputs)
        )
        return self._current

    def drive(self, mask: int, level: int) -> None:
        """Set a line."""
        levels = self._levels | mask if level else self._levels & ~mask
        if levels == self._levels:
            return
        self._levels = levels
        if self._current:
            self._current = self._set(_OUTPUTS, levels)

    def level(self, mask: int) -> int:
        """What a line reads: an output what it was told, an input its contact."""
        if not self._inputs & mask:
            return 1 if self._levels & mask else 0
        if not self._current or not self._get(_LEVELS):
            return _OPEN
        return 1 if (self._two[0] | self._two[1] << 8) & mask else 0

    def _set(self, register: int, value: int) -> bool:
        self._two[0] = value & 0xFF
        self._two[1] = value >> 8
        try:
            self._i2c.writeto_mem(self._address, register, self._two)
            self.answers = True
        except OSError:
            self.answers = False
        return self.answers

    def _get(self, register: int) -> bool:
        try:
            self._i2c.readfrom_mem_into(self._address, register, self._two)
            self.answers = True
        except OSError:
            self.answers = False
            self._current = False  # it may have lost its power
        return self.answers


class Line:
    """One line with the part of machine.Pin's interface that drivers use."""

    def __init__(self, expander: Expander, mask: int) -> None:
        self._expander = expander
        self._mask = mask

    def value(self, level=None):
        """Read the line, or set what it drives."""
        if level is None:
            return self._expander.level(self._mask)
        self._expander.drive(self._mask, level)
        return None

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)
