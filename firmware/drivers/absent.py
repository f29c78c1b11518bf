"""What a board may lack: an input that never changes, an output that leads nowhere, a display that nobody built in."""


class NoPin:
    """Stands for a pin that the map does not name; it always reads `level`."""

    IRQ_FALLING = 0
    IRQ_RISING = 0

    def __init__(self, level: int = 0) -> None:
        self._level = level

    def value(self, level=None):
        """Read the level that it was made with; what is driven goes nowhere."""
        return self._level if level is None else None

    def irq(self, handler=None, trigger: int = 0, hard: bool = False) -> None:
        """Nothing: there are no edges."""


class NoDisplay:
    """The interface of a display."""

    def show(self, lines) -> bool:
        """Nobody reads it. False, as for a display that does not answer."""
        return False

    def steps(self, lines):
        """No row is ever written."""
        return ()

    def forget(self) -> None:
        """Nothing: nothing was shown."""
