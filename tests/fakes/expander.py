"""An MCP23017 on an I2C bus, true to its registers (IOCON.BANK = 0), with contacts on its lines and a plug to pull."""

_NO_DEVICE = 19  # ENODEV
_DIRECTION, _PULL_UP, _LEVELS, _OUTPUTS = 0x00, 0x0C, 0x12, 0x14
_REGISTERS = 0x16


class Expander:
    """machine.I2C as the driver uses it, with one expander at an address. `grounded` are the lines joined to ground."""

    def __init__(self, address=0x20):
        self._address = address
        self.plugged = True
        self.grounded = set()
        self.transfers = 0
        self.power_up()

    def power_up(self):
        """What a new expander has, and one that lost its power: all lines are inputs without pull-up."""
        self.registers = bytearray(_REGISTERS)
        self.registers[_DIRECTION] = self.registers[_DIRECTION + 1] = 0xFF
        self.history = [0]

    def writeto_mem(self, address, register, data):
        self._need(address)
        for i, byte in enumerate(data):
            self.registers[
                _OUTPUTS + (register + i - _LEVELS) if _LEVELS <= register + i < _OUTPUTS else register + i
            ] = byte
            self.history.append(self.driven())

    def readfrom_mem_into(self, address, register, buffer):
        self._need(address)
        for i in range(len(buffer)):
            levels = _LEVELS <= register + i < _OUTPUTS
            buffer[i] = self.levels() >> 8 * (register + i - _LEVELS) & 0xFF if levels else self.registers[register + i]

    def driven(self):
        """The lines that are driven high, as bits; a line that is no output drives nothing."""
        return self._word(_OUTPUTS) & ~self._word(_DIRECTION)

    def levels(self):
        """What the lines read: one that floats reads low here, to be seen."""
        inputs = self._word(_DIRECTION)
        level = self._word(_OUTPUTS) & ~inputs | self._word(_PULL_UP) & inputs
        for line in self.grounded:
            level &= ~(1 << line)
        return level

    def _word(self, register):
        return self.registers[register] | self.registers[register + 1] << 8

    def _need(self, address):
        self.transfers += 1
        if not self.plugged or address != self._address:
            raise OSError(_NO_DEVICE)
