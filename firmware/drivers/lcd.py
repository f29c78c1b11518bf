"""An HD44780 display behind a PCF8574 expander, in 4-bit mode; only characters that changed are written.

Wiring of the usual backpack: P0 RS, P1 RW, P2 E, P3 backlight, P4-P7 data. A display that does not answer is no error:
show() returns False and starts it afresh the next time, so a loose plug heals itself.
"""

import time

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
_UNKNOWN = const(0)  # matches no character, so everything is written

# The A00 character ROM has no accents, and other glyphs at backslash and tilde.
_FOLD_FROM = "àâäáçéèêëîïíñôöóùûüúÀÂÇÉÈÊËÎÏÔÖÙÛÜ\\~’«»"
_FOLD_TO = 'aaaaceeeeiiinooouuuuAACEEEEIIOOUUU/-\'""'


class Lcd:
    """A display of columns x rows characters, 16x2 or 20x4, at an I2C address (usually 0x27 or 0x3f)."""

    def __init__(self, i2c, address: int, columns: int, rows: int) -> None:
        self._i2c = i2c
        self._address = address
        self._columns = columns
        self._starts = (0x00, 0x40, columns, 0x40 + columns)[:rows]
        self._shown = bytearray(columns * rows)
        self._wanted = bytearray(columns)
        self._frame = bytearray(_BYTES_PER_WRITE * (columns + 1))
        self._view = memoryview(self._frame)
        self._length = 0
        self._ready = False

    def show(self, lines) -> bool:
        """Show a tuple of strings from the top; missing lines are blank, long ones cut. False: no display there."""
        try:
            if not self._ready:
                self._start()
            for row in range(len(self._starts)):
                self._line(row, lines[row] if row < len(lines) else "")
        except OSError:
            self._ready = False
            return False
        return True

    def forget(self) -> None:
        """Start the display afresh at the next show(), whatever disturbance it went through."""
        self._ready = False

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
        for i in range(len(self._shown)):
            self._shown[i] = _UNKNOWN
        self._ready = True

    def _line(self, row: int, text: str) -> None:
        """Write the characters of a row that differ, one frame for each run of them."""
        self._fold(text)
        base = row * self._columns
        column = 0
        while column < self._columns:
            if self._wanted[column] == self._shown[base + column]:
                column += 1
                continue
            first = column
            self._put(_SET_ADDRESS | (self._starts[row] + first), 0)
            while column < self._columns and self._wanted[column] != self._shown[base + column]:
                self._put(self._wanted[column], _RS)
                column += 1
            self._flush()
            for i in range(first, column):
                self._shown[base + i] = self._wanted[i]

    def _fold(self, text: str) -> None:
        for i in range(self._columns):
            character = text[i] if i < len(text) else " "
            at = _FOLD_FROM.find(character)
            code = ord(_FOLD_TO[at] if at >= 0 else character)
            self._wanted[i] = code if 0x20 <= code < 0x7F else 0x3F

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
