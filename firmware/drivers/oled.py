"""An SSD1306 of 128x64 dots on I2C that shows text: 4 rows of 16 to 21 characters, each 14 dots high.

Commands and initial values: SSD1306 data sheet (Solomon Systech, Rev 1.1).
"""

from firmware.drivers.display import Display
from firmware.drivers.font import FONT
from shared.compat import const

ROWS = 4
_WIDTH = const(128)
_PAGES_PER_ROW = const(2)  # strips of eight dots
_GLYPH_WIDTH = const(5)
_COMMANDS = const(0x00)  # what follows the address
_DATA = const(0x40)

_COLUMN_WINDOW = const(0x21)
_PAGE_WINDOW = const(0x22)
_ON = b"\x00\xaf"
_START = (
    b"\x00\xae"  # off meanwhile
    b"\xd5\x80\xa8\x3f\xd3\x00\x40"  # clock, 64 lines, no offset, first line
    b"\x8d\x14"  # the charge pump makes its voltage from 3.3 V
    b"\x20\x00"  # columns first, then pages, within a window
    b"\xa1\xc8\xda\x12"  # the connector is above the glass
    b"\x81\x7f\xd9\xf1\xdb\x30\xa4\xa6"  # contrast, pre-charge, deselect level, from memory, not inverted
)
# Four dots one above the other become eight.
_STRETCHED = b"\x00\x03\x0c\x0f\x30\x33\x3c\x3f\xc0\xc3\xcc\xcf\xf0\xf3\xfc\xff"


class Oled(Display):
    """A display at an I2C address (usually 0x3c). The more columns, the closer the characters stand."""

    def __init__(self, i2c, address: int, columns: int) -> None:
        assert _WIDTH // columns > _GLYPH_WIDTH, "a character is five dots wide, and a gap"
        super().__init__(columns, ROWS)
        self._i2c = i2c
        self._address = address
        self._cell = _WIDTH // columns
        self._window = bytearray((_COMMANDS, _COLUMN_WINDOW, 0, 0, _PAGE_WINDOW, 0, 0))
        self._frame = bytearray(1 + _PAGES_PER_ROW * _WIDTH)
        self._frame[0] = _DATA
        self._view = memoryview(self._frame)
        self._dark = True

    def _start(self) -> None:
        """Its memory holds rubbish at first, so it stays dark until the last row is written."""
        self._i2c.writeto(self._address, _START)
        self._dark = True

    def _run(self, row: int, first: int, end: int) -> None:
        """The last character of a row takes the dots that are left over along."""
        left = first * self._cell
        width = (_WIDTH if end == self._columns else end * self._cell) - left
        for i in range(1, 1 + _PAGES_PER_ROW * width):
            self._frame[i] = 0
        for column in range(first, end):
            self._draw(1 + column * self._cell - left, width, FONT, (self._wanted[column] - 0x20) * _GLYPH_WIDTH)
        self._send(left, width, row * _PAGES_PER_ROW)
        if self._dark and row == ROWS - 1:
            self._i2c.writeto(self._address, _ON)
            self._dark = False

    def _draw(self, at: int, width: int, font: bytes, glyph: int) -> None:
        """One character into the frame, whose lower page begins `width` bytes behind the upper one."""
        for i in range(_GLYPH_WIDTH):
            dots = font[glyph + i]
            self._frame[at + i] = _STRETCHED[dots & 15]
            self._frame[at + width + i] = _STRETCHED[dots >> 4]

    def _send(self, left: int, width: int, page: int) -> None:
        """The frame into a window of two pages."""
        self._window[2] = left
        self._window[3] = left + width - 1
        self._window[5] = page
        self._window[6] = page + _PAGES_PER_ROW - 1
        self._i2c.writeto(self._address, self._window)
        self._i2c.writeto(self._address, self._view[: 1 + _PAGES_PER_ROW * width])
