"""A serial modem on a UART: its bytes, its reset line, and turns that no interrupt breaks. Nothing waits."""

import sys

import machine

from shared.compat import const

_RX_BYTES = const(2048)  # what comes in while Python is busy for 180 ms at 115200 baud
_TX_BYTES = const(4096)  # what PPP may want to send at once; it drops what does not fit
_CHUNK_BYTES = const(128)


class Modem:
    """`uart` is what network.PPP takes as its stream."""

    def __init__(self, uart, reset_pin) -> None:
        self.uart = uart
        self._reset_pin = reset_pin
        self._interrupts_race = sys.platform == "rp2"

    def write(self, data: bytes) -> None:
        """Send a few bytes."""
        self.uart.write(data)

    def read(self) -> bytes:
        """What has come in, at most 128 bytes."""
        return self.uart.read(_CHUNK_BYTES) or b""

    def hold_reset(self, on: bool) -> None:
        """Pull the modem's reset line, or let it go."""
        self._reset_pin.value(0 if on else 1)

    def alone(self, call):
        """Return call(), during which the network stack's own timer cannot run.

        On the RP2 the stack's timer interrupts PPP at any point, and both change the same lists.
        """
        if not self._interrupts_race:
            return call()
        state = machine.disable_irq()
        try:
            return call()
        finally:
            machine.enable_irq(state)

    def listen(self, handler) -> None:
        """Call handler(uart) soon after bytes have come in, where PPP cannot be left to do so by itself."""
        if self._interrupts_race:
            self.uart.irq(handler, self.uart.IRQ_RXIDLE)


def on_uart(board, reset_pin) -> Modem:
    """The modem of a board map."""
    lines = {}
    for name, number in (("tx", board.MODEM_TX), ("rx", board.MODEM_RX)):
        lines[name] = machine.Pin(number)
    flow = 0
    for name, number, flag in (("rts", board.MODEM_RTS, "RTS"), ("cts", board.MODEM_CTS, "CTS")):
        if number >= 0:
            lines[name] = machine.Pin(number)
            flow |= getattr(machine.UART, flag)
    if flow:
        lines["flow"] = flow
    uart = machine.UART(board.MODEM_UART_ID, board.MODEM_BAUD, rxbuf=_RX_BYTES, txbuf=_TX_BYTES, **lines)
    return Modem(uart, reset_pin)
