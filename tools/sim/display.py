"""An HD44780 display behind a PCF8574 expander, as the wire sees it: bytes written to the expander in, text out.

Follows the HD44780U data sheet (Hitachi ADE-207-272): 4-bit interface, DDRAM addresses of two-line mode.
"""

_RS, _E, _BACKLIGHT = 0x01, 0x04, 0x08
_LINE_CELLS = 40  # DDRAM of each of the two lines
_SECOND_LINE = 0x40


class Display:
    """Powers up in 8-bit mode with rubbish on the glass, as the real one does; the driver must initialise it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.power_up()

    def power_up(self) -> None:
        """Forget everything."""
        self.on = False
        self.backlight = False
        self._ram = bytearray(b"\xff" * (2 * _LINE_CELLS))
        self._address = 0
        self._to_ram = True
        self._step = 1
        self._eight_bit = True
        self._high: int | None = None
        self._port = 0

    def write(self, data: bytes) -> None:
        """Take bytes as they appear on the expander's port; data is read where the enable line falls."""
        for port in data:
            if self._port & _E and not port & _E:
                self._nibble(self._port & 0xF0, bool(self._port & _RS))
            self._port = port
        self.backlight = bool(self._port & _BACKLIGHT)

    def read(self) -> int:
        """What reading the expander gives: its own outputs."""
        return self._port

    def lines(self) -> tuple[str, ...]:
        """The rows as text, blank while the display is off; a cell that is not ASCII shows as a block."""
        if not self.on:
            return (" " * self.columns,) * self.rows
        starts = (0, _LINE_CELLS, self.columns, _LINE_CELLS + self.columns)[: self.rows]
        return tuple(self._text(start) for start in starts)

    def _text(self, start: int) -> str:
        cells = self._ram[start : start + self.columns]
        return "".join(chr(cell) if 0x20 <= cell < 0x7F else "█" for cell in cells)

    def _nibble(self, bits: int, is_data: bool) -> None:
        if self._eight_bit:
            self._byte(bits, is_data)  # D3-D0 are not connected
        elif self._high is None:
            self._high = bits
        else:
            byte = self._high | bits >> 4
            self._high = None
            self._byte(byte, is_data)

    def _byte(self, byte: int, is_data: bool) -> None:
        if not is_data:
            self._command(byte)
        elif self._to_ram:
            self._ram[self._cell()] = byte
            self._advance()

    def _command(self, byte: int) -> None:
        if byte & 0x80:
            self._address = byte & 0x7F
            self._to_ram = True
        elif byte & 0x40:
            self._to_ram = False  # custom characters are not decoded
        elif byte & 0x20:
            self._eight_bit = bool(byte & 0x10)
            self._high = None
        elif byte & 0x10:
            pass  # cursor or display shift
        elif byte & 0x08:
            self.on = bool(byte & 0x04)
        elif byte & 0x04:
            self._step = 1 if byte & 0x02 else -1
        elif byte & 0x02:
            self._home()
        elif byte & 0x01:
            self._ram[:] = b" " * len(self._ram)
            self._step = 1
            self._home()

    def _home(self) -> None:
        self._address = 0
        self._to_ram = True

    def _cell(self) -> int:
        line, column = divmod(self._address, _SECOND_LINE)
        return (line * _LINE_CELLS + column) % len(self._ram)

    def _advance(self) -> None:
        line, column = divmod(self._address, _SECOND_LINE)
        column += self._step
        if not 0 <= column < _LINE_CELLS:
            line, column = 1 - line, column % _LINE_CELLS
        self._address = line * _SECOND_LINE + column
