"""An I2C bus with an SSD1306 on it: commands and memory as in its data sheet, and its dots read back as text."""

from firmware.drivers.font import FONT

_NO_DEVICE = 19  # ENODEV
_WIDTH, _PAGES, _PAGES_PER_ROW = 128, 8, 2
# How many bytes follow a command.
_ARGUMENTS = {0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}


class Oled:
    """machine.I2C as the driver uses it. `memory` has a byte for eight dots; at power-up it is rubbish."""

    def __init__(self, columns):
        self._cell = _WIDTH // columns
        self.columns = columns
        self.bytes_written = 0
        self.plugged = True
        self.unplug_after = -1  # bytes
        self.power_up()

    def power_up(self):
        self.on = self.pumped = False
        self.memory = bytearray([0xA5] * (_WIDTH * _PAGES))
        self.mode = 2
        self._window = [0, _WIDTH - 1, 0, _PAGES - 1]
        self._column = self._page = 0

    def writeto(self, address, data):
        """One transfer; a plug that is pulled ends it where it is."""
        taken = []
        for byte in bytes(data):
            if self.bytes_written == self.unplug_after:
                self.plugged = False
                self.unplug_after = -1
            if not self.plugged:
                break
            taken.append(byte)
            self.bytes_written += 1
        self._take(taken)
        if not self.plugged:
            raise OSError(_NO_DEVICE)
        return len(data)

    def lines(self):
        """The rows as text; what is no enlarged glyph shows as a block, and all is dark while it is off."""
        if not (self.on and self.pumped):
            return tuple([" " * self.columns] * (_PAGES // _PAGES_PER_ROW))
        return tuple([self._line(row) for row in range(_PAGES // _PAGES_PER_ROW)])

    def dots(self, row, width):
        """The first columns of dots of a row of text: a string for each of its 16 lines, # lit."""
        picture = []
        for y in range(8 * _PAGES_PER_ROW):
            page = (row * _PAGES_PER_ROW + y // 8) * _WIDTH
            picture.append("".join(["#" if self.memory[page + x] >> y % 8 & 1 else "." for x in range(width)]))
        return picture

    def _line(self, row):
        return "".join([self._character(row, column) for column in range(self.columns)])

    def _character(self, row, column):
        glyph = bytes([self._half_size(row, column * self._cell + x) for x in range(5)])
        for code in range(0x20, 0x7F):
            if FONT[5 * (code - 0x20) : 5 * (code - 0x20) + 5] == glyph:
                return chr(code)
        return "█"

    def _half_size(self, row, x):
        """A column of a row at half its height; 0xff, which no glyph has, when two dots of a pair differ."""
        page = row * _PAGES_PER_ROW * _WIDTH + x
        tall = self.memory[page] | self.memory[page + _WIDTH] << 8
        small = 0
        for y in range(8):
            pair = tall >> 2 * y & 3
            if pair not in (0, 3):
                return 0xFF
            small |= (pair & 1) << y
        return small

    def _take(self, taken):
        if not taken:
            return
        if taken[0] == 0x40:
            for byte in taken[1:]:
                self._draw(byte)
        else:
            assert taken[0] == 0, "a control byte comes first"
            self._commands(taken[1:])

    def _commands(self, rest):
        while rest:
            command, rest = rest[0], rest[1:]
            count = _ARGUMENTS.get(command, 0)
            arguments, rest = rest[:count], rest[count:]
            if len(arguments) == count:
                self._command(command, arguments)

    def _command(self, command, arguments):
        if command in (0xAE, 0xAF):
            self.on = command == 0xAF
        elif command == 0x8D:
            self.pumped = arguments[0] == 0x14
        elif command == 0x20:
            self.mode = arguments[0]
        elif command == 0x21:
            self._window[:2] = arguments
            self._column = arguments[0]
        elif command == 0x22:
            self._window[2:] = arguments
            self._page = arguments[0]

    def _draw(self, byte):
        assert self.mode == 0, "the driver means columns first, then pages"
        self.memory[self._page * _WIDTH + self._column] = byte
        self._column += 1
        if self._column > self._window[1]:
            self._column = self._window[0]
            self._page = self._page + 1 if self._page < self._window[3] else self._window[2]
