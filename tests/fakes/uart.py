"""A machine module with a UART, pins and interrupts that can be switched off."""

interrupts = [True]


def disable_irq():
    before = interrupts[0]
    interrupts[0] = False
    return before


def enable_irq(state):
    interrupts[0] = state


def fail():
    raise OSError("no room for PPP")


class Pin:
    def __init__(self, id):
        self.id = id
        self.level = None

    def value(self, level):
        self.level = level


class UART:
    """Keeps what it was made with; `received` is what has come in."""

    CTS, RTS = 1, 2
    IRQ_RXIDLE = 64

    def __init__(self, id, baud, *, rxbuf, txbuf, flow=0, **lines):
        assert rxbuf >= 1024 and txbuf >= 2048  # what PPP may send at once
        self.id, self.baud, self.flow, self.lines = id, baud, flow, lines
        self.received = b""
        self.handler = None

    def read(self, count):
        data, self.received = self.received[:count], self.received[count:]
        return data or None

    def irq(self, handler, trigger):
        assert trigger == self.IRQ_RXIDLE
        self.handler = handler
