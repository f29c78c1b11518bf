"""Pulse inputs of an RP2040 in its PIO: a state machine samples, debounces and counts, whatever the processor does.

Only boards of that chip import this. Counting goes on while interrupts are off.
"""

# ruff: noqa: F821  the assembler gives a program the names of its instructions
# pyright: reportUndefinedVariable=false

import rp2  # pyright: ignore[reportMissingImports]  another port does not have it

from firmware.drivers.pulse import PULSE_MASK
from shared.compat import const

_HZ = const(8000)  # of a state machine; a sample takes two of its steps
_SAMPLES_PER_MS = const(4)
_MOV_ISR_NOT_X = const(0xA0C9)  # the two that ask a running machine for its count, without a stop and without the heap
_PUSH_NO_BLOCK = const(0x8000)


def counting_program():
    """The program, to be made once for all inputs, for each PIO block keeps it once.

    The output register holds how many samples a level must last behind its first; y counts them down. x counts pulses
    down from all ones, so its complement rises from 0.
    """

    @rp2.asm_pio()
    def count():
        pull()
        mov(x, invert(null))
        wrap_target()
        label("opened")
        mov(y, osr)
        label("closing")
        jmp(pin, "opened")  # high: it is open, or bounced
        jmp(y_dec, "closing")
        label("closed")
        mov(y, osr)
        label("opening")
        jmp(pin, "stays open")
        jmp("closed")
        label("stays open")
        jmp(y_dec, "opening")
        jmp(x_dec, "opened")
        wrap()

    return count


class PioPulseInput:
    """Counts a pulse when the contact was closed, and then open, for at least min_width_ms each without a break.

    machine_id is 0..7, one for each input; `program` is counting_program(); pin an input with its pull-up on.
    """

    def __init__(self, machine_id: int, pin, min_width_ms: int, program) -> None:
        self._count = 0
        self._machine = rp2.StateMachine(machine_id, program, freq=_HZ, jmp_pin=pin)
        self._machine.put(min_width_ms * _SAMPLES_PER_MS)
        self._machine.active(1)

    def count(self) -> int:
        """Pulses since start, 0..2**30-1."""
        machine = self._machine
        machine.exec(_MOV_ISR_NOT_X)
        machine.exec(_PUSH_NO_BLOCK)
        while machine.rx_fifo():
            self._count = machine.get() & PULSE_MASK
        return self._count


class PioInputs:
    """Makes inputs, each on the next state machine; the chip has eight."""

    def __init__(self, min_width_ms: int) -> None:
        self._min_width_ms = min_width_ms
        self._program = counting_program()
        self._next = 0

    def make(self, pin) -> PioPulseInput:
        made = PioPulseInput(self._next, pin, self._min_width_ms, self._program)
        self._next += 1
        return made
