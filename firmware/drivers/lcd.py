"""An HD44780 display behind a PCF8574 expander, in 4-bit mode.

Wiring of the usual backpack: P0 RS, P1 RW, P2 E, P3 backlight, P4-P7 data.
"""

import time

from firmware.drivers.display import Display
from shared.compat import const

_RS = const(0x01)
_E = const(0x04)
_BACKLIGHT = const(0x08)

_CLEAR = const(0x01)
_ENTRY_RIGHT = const(0x06)
_DISPLAY_ON = const(0x0C)
_FUNCTION_4BIT_2LINES = const(0x28)
_SET_ADDRESS = const(0x80)
_BYTES_PER_WRITE = const(5)  # RS settles, then two nibbles with the enable line up and down

# The A00 character ROM has other glyphs in two places of ASCII.
_BACKSLASH, _SLASH = const(0x5C), const(0x2F)
_TILDE, _DASH = const(0x7E), const(0x2D)


class Lcd(Display):
    """A display of columns x rows characters, 16x2 or 20x4, at an I2C address (usually 0x27 or 0x3f)."""

    def __init__(self, i2c, address: int, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self._i2c = i2c
        self._address = address
        self._starts = (0x00, 0x40, columns, 0x40 + columns)
        self._frame = bytearray(_BYTES_PER_WRITE * (columns + 1))
        self._view = memoryview(self._frame)
        self._length = 0

    def _start(self) -> None:
        """The reset by instruction of the HD44780 data sheet (figure 24), right from any state it may be in."""
        for nibble, pause_ms in ((0x30, 5), (0x30, 1), (0x30, 1), (0x20, 1)):
            self._length = 0
            self._put_nibble(nibble | _BACKLIGHT)
            self._flush()
            time.sleep_ms(pause_ms)
        for command in (_FUNCTION_4BIT_2LINES, _DISPLAY_ON, _CLEAR, _ENTRY_RIGHT):
            self._put(command, 0)
            self._flush()
            time.sleep_ms(2)

    def _run(self, row: int, first: int, end: int) -> None:
        """One frame for the place and what stands there."""
        self._put(_SET_ADDRESS | (self._starts[row] + first), 0)
        for column in range(first, end):
            self._put(self._wanted[column], _RS)
        self._flush()

    def _fold(self, text: str) -> None:
        super()._fold(text)
        for i in range(self._columns):
            if self._wanted[i] == _BACKSLASH:
                self._wanted[i] = _SLASH
            elif self._wanted[i] == _TILDE:
                self._wanted[i] = _DASH

    def _put(self, byte: int, mode: int) -> None:
        high = (byte & 0xF0) | mode | _BACKLIGHT
        self._frame[self._length] = high
        self._length += 1
        self._put_nibble(high)
        self._put_nibble(((byte << 4) & 0xF0) | mode | _BACKLIGHT)

    def _put_nibble(self, port: int) -> None:
        self._frame[self._length] = port | _E
        self._frame[self._length + 1] = port
        self._length += 2

    def _flush(self) -> None:
        length, self._length = self._length, 0
        self._i2c.writeto(self._address, self._view[:length])
