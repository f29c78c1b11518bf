"""An I2C bus with one display on it, which remembers what was written and can be unplugged."""

from tools.sim.display import Display

_NO_DEVICE = 19  # ENODEV


class Bus:
    """machine.I2C as the display driver uses it."""

    def __init__(self, columns, rows):
        self.display = Display(columns, rows)
        self.bytes_written = 0
        self.plugged = True
        self.unplug_after = -1  # bytes

    def writeto(self, address, data):
        for byte in bytes(data):
            if self.bytes_written == self.unplug_after:
                self.plugged = False
                self.unplug_after = -1
            if not self.plugged:
                raise OSError(_NO_DEVICE)
            self.display.write(bytes((byte,)))
            self.bytes_written += 1
        return len(data)
