"""A hard interrupt of a fixed period on an RP2040, whose machine.Timer of MicroPython 1.25 has soft ones only.

A DMA channel moves a word that nobody needs, at a pace that the chip derives from its clock, and interrupts when it
has moved enough of them. It comes through everything but a time with interrupts off, behind which it comes once.
Only boards of that chip import this. Registers: RP2040 data sheet, 2.5.7.
"""

import machine
import rp2  # pyright: ignore[reportMissingImports]  another port does not have it

from shared.compat import const

_PACE = 0x50000420  # of DMA timer 0: numerator << 16 | denominator, of the system clock
_NOWHERE = 0x50000424  # the same of timer 1, which nobody uses: a soft reset may come in the midst of a transfer
_TIMER_0 = const(0x3B)
_WORDS_PER_MS = const(4)
_WORD = const(2)


class Ticker:
    """Calls handler() every period_ms in a hard interrupt: it must not use the heap, and little of the stack."""

    def __init__(self, period_ms: int, handler) -> None:
        self._handler = handler
        self._on_moved = self._moved
        machine.mem32[_PACE] = 1 << 16 | machine.freq() // (1000 * _WORDS_PER_MS)
        self._dma = rp2.DMA()
        control = self._dma.pack_ctrl(size=_WORD, inc_read=False, inc_write=False, treq_sel=_TIMER_0, irq_quiet=False)
        self._dma.config(read=_NOWHERE, write=_NOWHERE, count=period_ms * _WORDS_PER_MS, ctrl=control)
        self.revive()

    def revive(self) -> None:
        """Start, or start again: a handler that found no room on the stack is not called by the port any more."""
        self._dma.irq(self._on_moved, hard=True)
        self._dma.active(1)

    def stop(self) -> None:
        """No more calls. A soft reset under a running channel takes the port's own handler away first, and hangs."""
        self._dma.close()

    def _moved(self, dma) -> None:
        dma.active(1)
        try:
            self._handler()
        except RuntimeError:  # no room on the stack for what it calls; the next time there will be
            pass


def start(period_ms: int, handler) -> Ticker:
    """Start a ticker; it lasts as long as the object."""
    return Ticker(period_ms, handler)
