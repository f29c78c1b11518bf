"""A `machine` module for MicroPython's unix port: pins, I2C, watchdog and reset of the simulated board.

Without connect() it is a board on the bench: nothing is plugged in, and contact() plays the wires.
The watchdog is the kernel's interval timer, so it ends a process that hangs anywhere, also inside C code.
"""

import errno
import os
import struct
import sys

from tools.sim.device.pads import GROUND, IN, IRQ_FALLING, IRQ_RISING, OPEN_DRAIN, OUT, PULL_DOWN, PULL_UP, Copper
from tools.sim.device.uplink import PowerGone, Uplink

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
SOFT_RESET = 5

RESET_STATUS = 64  # what the process returns when the firmware asked for a reset
POWER_GONE_STATUS = 65  # and when the world went away
_ITIMER_REAL = 0  # ends the process with SIGALRM
_ANSWER_MS = 5000

_copper = Copper()
_uplink = None
_i2c_devices = set()
_started = False
_i2c_answer = -1


class Pin:
    """A pin of the chip, by number; two objects of one number are one pin."""

    IN = IN
    OUT = OUT
    OPEN_DRAIN = OPEN_DRAIN
    PULL_UP = PULL_UP
    PULL_DOWN = PULL_DOWN
    IRQ_RISING = IRQ_RISING
    IRQ_FALLING = IRQ_FALLING

    def __init__(self, id: int, mode: int = -1, pull: int = -1, *, value=None) -> None:
        self._pad = _copper.pad(id)
        self.init(mode, pull, value=value)

    def init(self, mode: int = -1, pull: int = -1, *, value=None) -> None:
        """Change mode, pull and level; -1 and None keep what is."""
        if value is not None:
            _copper.drive(self._pad, 1 if value else 0)
        if pull != -1:
            self._pad.pull = pull or 0
        if mode != -1:
            self._pad.mode = mode

    def value(self, level=None):
        """Read the pin, or set what it drives."""
        if level is None:
            pump()
            return _copper.level(self._pad)
        _copper.drive(self._pad, 1 if level else 0)
        return None

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)

    def irq(self, handler=None, trigger: int = IRQ_FALLING | IRQ_RISING, *, hard: bool = False) -> None:
        """Call handler(pin) for each edge of the trigger."""
        self._pad.handler = handler
        self._pad.handler_argument = self
        self._pad.trigger = trigger


class I2C:
    """The bus that the world's devices listen on."""

    def __init__(self, id: int = 0, *, scl=None, sda=None, freq: int = 400000) -> None:
        self._id = id

    def scan(self) -> list:
        """The addresses that answer."""
        pump()
        return sorted(_i2c_devices)

    def writeto(self, address: int, data) -> int:
        """Write bytes; OSError ENODEV if nothing answers there."""
        self._need(address)
        assert _uplink is not None
        _send(b"I", address, len(data) & 0xFF, len(data) >> 8, data)
        return len(data)

    def readfrom(self, address: int, nbytes: int) -> bytes:
        """Read bytes; OSError ENODEV if nothing answers there, ETIMEDOUT if it stops in the middle."""
        global _i2c_answer
        self._need(address)
        answer = bytearray()
        for _ in range(nbytes):
            _i2c_answer = -1
            _send(b"r", address)
            pump(_ANSWER_MS)
            if _i2c_answer < 0:
                raise OSError(errno.ETIMEDOUT)
            answer.append(_i2c_answer)
        return bytes(answer)

    def _need(self, address: int) -> None:
        pump()
        if address not in _i2c_devices:
            raise OSError(errno.ENODEV)


class WDT:
    """Ends the process with SIGALRM, which the world takes for a reset, unless it is fed in time."""

    def __init__(self, id: int = 0, timeout: int = 5000) -> None:
        import ffi  # late: only the unix port has it, and only the watchdog needs it

        self._setitimer = ffi.open(None).func("i", "setitimer", "iPP")
        usec = timeout * 1000
        self._value = struct.pack("@llll", 0, 0, usec // 1000000, usec % 1000000)
        self.feed()

    def feed(self) -> None:
        """Give the firmware its full time again."""
        pump()
        self._setitimer(_ITIMER_REAL, self._value, None)


class RTC:
    """The host's clock; it is right already, so setting it changes nothing."""

    def datetime(self, fields=None):
        """Read (year, month, day, weekday, hours, minutes, seconds, subseconds) in UTC."""
        if fields is not None:
            return None
        import time

        year, month, day, hour, minute, second, weekday = time.gmtime()[:7]
        return (year, month, day, weekday, hour, minute, second, 0)


def reset() -> None:
    """End the process at once, as a chip forgets at once; its keeper starts it again."""
    _exit(RESET_STATUS)


def reset_cause() -> int:
    """PWRON_RESET, HARD_RESET or WDT_RESET, as the keeper of the process says."""
    return int(os.getenv("SIM_RESET_CAUSE") or PWRON_RESET)


def unique_id() -> bytes:
    """Eight bytes that belong to this board."""
    return bytes.fromhex(os.getenv("SIM_UNIQUE_ID") or "0000000000000001")


def freq(hz=None) -> int:
    """Of the board that this one stands for."""
    return 240000000


def connect(port: int) -> None:
    """Plug the board into the world at a loopback port, and wait until everything on it is connected."""
    global _uplink
    _uplink = Uplink(port, _on_frame)
    _copper.on_output = lambda number, level: _send(b"P", number, 0, level)
    _copper.on_strobed = lambda number: _send(b"s", number)
    _send(b"H", 0, 0, reset_cause())
    while not _started:
        pump(_ANSWER_MS)


def pump(wait_ms: int = 0) -> None:
    """Take in what the world has said; every use of a pin, the bus or the watchdog does this."""
    if _uplink is not None:
        try:
            _uplink.pump(wait_ms)
        except PowerGone:
            _exit(POWER_GONE_STATUS)


def contact(a: int, b: int = GROUND, closed: bool = True) -> None:
    """Close or open a contact by hand, on a board that no world is plugged into."""
    _copper.contact(a, b, closed)


def _send(operation: bytes, a: int = 0, b: int = 0, value: int = 0, data=b"") -> None:
    try:
        _uplink.send(operation, a, b, value, data)
    except PowerGone:
        _exit(POWER_GONE_STATUS)


def _on_frame(operation: bytes, a: int, b: int, value: int) -> None:
    global _started, _i2c_answer
    if operation == b"C":
        _copper.contact(a, b, value == 1)
    elif operation == b"S":
        _copper.pad(a).strobes_left = value
    elif operation == b"W":
        _copper.pad(a).watched = True
        _send(b"P", a, 0, _copper.pad(a).latch)
    elif operation == b"A":
        (_i2c_devices.add if value else _i2c_devices.discard)(a)
    elif operation == b"R":
        _i2c_answer = value
    elif operation == b"G":
        _started = True
    else:
        raise ValueError("unknown frame from the world: " + repr(operation))


def _exit(status: int) -> None:
    """Without running any finally: a chip that loses power runs none."""
    try:
        import ffi
    except ImportError:
        sys.exit(status)
    ffi.open(None).func("v", "_exit", "i")(status)
