"""An rp2 module for tests, as far as the drivers of an RP2040 use it: state machines that count, DMA that interrupts.

The state machine does by hand what the assembled program does; the program itself runs on the emulated chip.
"""

import time

from tests.fakes import machine

_MOV_ISR_NOT_X = 0xA0C9
_PUSH_NO_BLOCK = 0x8000
_SAMPLES_PER_MS = 4
_MACHINES = 8


def asm_pio(**options):
    return lambda program: program


class StateMachine:
    """Counts a pulse that was closed, and then open, for at least as long as the word says that it was given."""

    def __init__(self, id, program, *, freq, jmp_pin):
        if not 0 <= id < _MACHINES:
            raise ValueError("invalid StateMachine")
        self._pin = jmp_pin
        self._samples = 0
        self._count = self._shifted = 0
        self._fifo = []
        self._since = time.monotonic()
        self._closed = False  # long enough

    def put(self, word):
        self._samples = word

    def active(self, on):
        self._pin.irq(self._edge, machine.Pin.IRQ_FALLING | machine.Pin.IRQ_RISING)

    def exec(self, instruction):
        if instruction == _MOV_ISR_NOT_X:
            self._settle(self._pin.value())
            self._shifted = self._count
        elif instruction == _PUSH_NO_BLOCK:
            self._fifo.append(self._shifted)

    def rx_fifo(self):
        return len(self._fifo)

    def get(self):
        return self._fifo.pop(0)

    def _edge(self, pin):
        self._settle(not pin.value())
        self._since = time.monotonic()

    def _settle(self, level):
        """Take in what the level until now lasted."""
        if (time.monotonic() - self._since) * 1000 * _SAMPLES_PER_MS < self._samples:
            return
        if level and self._closed:
            self._count += 1
        self._closed = not level


class DMA:
    """A channel that is through with its bytes when machine.let_time_pass() says so."""

    def __init__(self):
        self._running = False
        machine.periodic.append(self._moved)

    def pack_ctrl(self, **fields):
        assert not fields["irq_quiet"] and not fields["inc_read"] and not fields["inc_write"]
        return 1

    def config(self, *, read, write, count, ctrl):
        self._count = count

    def irq(self, handler, hard):
        assert hard
        self._handler = handler

    def active(self, on):
        self._running = bool(on)

    def close(self):
        machine.periodic.remove(self._moved)

    def _moved(self):
        if self._running:
            self._running = False
            self._handler(self)
