"""The world around the simulated board in a burst: water meters that pulse, a hand at the keypad, valves that turn.

It is plugged in where the simulated board has its wire, in the same process, so it acts whenever a pin is looked at.
Its clock is that of a processor `slower` times as slow as this one: the firmware's work takes so much longer, counted
as time of the processor, so that other programs on this machine do not matter, and waiting takes no time at all.
Slower 0 is the wall clock.
"""

import time

from boards import sim

METERS = 8
PULSES_HZ = 20
KEY_EVERY_MS = 100  # down for half of it, up for the other half
_SLOT_US = 1000000 // (METERS * PULSES_HZ)  # each slot one contact closes, and one opens that was closed for 25 ms
_SLOTS_CLOSED = METERS // 2
_SLOTS_A_KEY = KEY_EVERY_MS * 1000 // _SLOT_US
_TRAVEL_SLOTS = 64  # 0.4 s
_I2C_BYTE_US = 9 * 1000000 // sim.LCD_I2C_HZ
_TICKS_MASK = 0x3FFFFFFF


class Finished(BaseException):
    """The time is over; nothing handles it."""


class World:
    """`contact(a, b, closed)` plays the wires; `keys` are pressed in order; `pulses` were given, by channel."""

    def __init__(self, contact, keys: str, seconds: int, slower: int) -> None:
        self._contact = contact
        self._keys = keys
        self._slots_left = seconds * 1000000 // _SLOT_US
        self._slower = slower
        self._slot = 0
        self._next_us = None  # before start()
        self._turning = []  # (slot, pin that closes, pin that opens)
        self.pulses = [0] * METERS
        self.pressed = 0
        self._first_ms = time.ticks_ms()  # asyncio's own first look at the clock is at the real one
        self._idle_us = self._busy_us = 0
        self._since = self.processor_us()
        for channel in range(METERS):
            contact(sim.VALVE_CLOSED_PINS[channel])
        contact(sim.TAMPER_PIN)

    def keys(self) -> str:
        """Those that were pressed so far."""
        return self._keys[: self.pressed]

    def now_us(self) -> int:
        """Microseconds since start as the processor sees them."""
        if not self._slower:
            return time.ticks_diff(time.ticks_us(), self._since)
        now = self.processor_us()
        self._busy_us += now - self._since
        self._since = now
        return self._idle_us + self._busy_us * self._slower

    def ticks_ms(self) -> int:
        """What stands for time.ticks_ms."""
        return (self._first_ms + self.now_us() // 1000) & _TICKS_MASK

    def wait_ms(self, wait_ms: int) -> None:
        """Time passes at once: the processor has nothing to do, or waits for its flash."""
        self._idle_us += max(wait_ms, 0) * 1000

    def start(self) -> None:
        """From now on water flows and keys are pressed."""
        if self._next_us is None:
            self._next_us = self.now_us()

    def check_end(self) -> None:
        """Raises Finished."""
        self.pump()
        if not self._slots_left:
            raise Finished

    def pump(self, _wait_ms: int = 0) -> None:
        """Do what is due."""
        now_us = self.now_us()
        while self._next_us is not None and self._slots_left and self._next_us <= now_us:
            self._act()
            self._slot += 1
            self._slots_left -= 1
            self._next_us += _SLOT_US
        self.skip()

    def skip(self) -> None:
        """What was done since the last look at the clock is the world's work and costs the processor nothing."""
        if self._slower:
            self._since = self.processor_us()

    def processor_us(self) -> int:
        """Microseconds by which work is measured: of this processor, or of the wall clock."""
        return int(time.clock() * 1000000) if self._slower else time.ticks_us()

    def send(self, operation: bytes, a: int = 0, b: int = 0, value: int = 0, data: bytes = b"") -> None:
        """A frame of the board: only those of the display matter; a board waits for its bus."""
        if operation == b"I" and self._slower:
            self._idle_us += len(data) * _I2C_BYTE_US

    def output(self, pin: int, level: int) -> None:
        """A valve's motor is switched on: it will arrive."""
        for channel in range(METERS):
            opened, closed = sim.VALVE_OPENED_PINS[channel], sim.VALVE_CLOSED_PINS[channel]
            if level and pin == sim.VALVE_OPEN_PINS[channel]:
                self._turning.append((self._slot + _TRAVEL_SLOTS, opened, closed))
            elif level and pin == sim.VALVE_CLOSE_PINS[channel]:
                self._turning.append((self._slot + _TRAVEL_SLOTS, closed, opened))

    def _act(self):
        slot = self._slot
        channel = slot % METERS
        self._contact(sim.PULSE_PINS[channel])
        self.pulses[channel] += 1
        if slot >= _SLOTS_CLOSED:
            self._contact(sim.PULSE_PINS[(slot - _SLOTS_CLOSED) % METERS], closed=False)
        if slot % _SLOTS_A_KEY == 0 and self.pressed < len(self._keys):
            self._key(True)
        elif slot % _SLOTS_A_KEY == _SLOTS_A_KEY // 2:
            self._key(False)
        while self._turning and self._turning[0][0] <= slot:
            _, closes, opens = self._turning.pop(0)
            self._contact(opens, closed=False)
            self._contact(closes)

    def _key(self, down):
        index = self.pressed if down else self.pressed - 1
        at = sim.KEYPAD_KEYS.find(self._keys[index])
        columns = len(sim.KEYPAD_COLS)
        self._contact(sim.KEYPAD_ROWS[at // columns], sim.KEYPAD_COLS[at % columns], down)
        if down:
            self.pressed += 1
