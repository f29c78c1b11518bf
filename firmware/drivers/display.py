"""What displays of text have in common: only runs of characters that changed are written, a row at a time.

A display that does not answer is no error: it is started afresh the next time, so a loose plug heals itself.
"""

from firmware.drivers.glyphs import fold
from shared.compat import const

_UNKNOWN = const(0)  # matches no character, so everything is written


class Display:
    """columns x rows characters. A driver brings _start() and _run(row, first, end); both may raise OSError."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self._shown = bytearray(columns * rows)
        self._wanted = bytearray(columns)
        self._ready = False

    def show(self, lines) -> bool:
        """Show a tuple of strings from the top; missing lines are blank, long ones cut. False: no display there."""
        for _ in self.steps(lines):
            pass
        return self._ready

    def steps(self, lines):
        """The same with a pause behind each row that is written, for a bus is slow and others have their turn."""
        try:
            if not self._ready:
                self._start()
                for i in range(len(self._shown)):
                    self._shown[i] = _UNKNOWN
                self._ready = True
                yield
            for row in range(self._rows):
                if self._line(row, lines[row] if row < len(lines) else ""):
                    yield
        except OSError:
            self._ready = False

    def forget(self) -> None:
        """Start the display afresh at the next show(), whatever disturbance it went through."""
        self._ready = False

    def _line(self, row: int, text: str) -> bool:
        """Write the runs of characters of a row that differ; whether there were any."""
        self._fold(text)
        base = row * self._columns
        column = 0
        written = False
        while column < self._columns:
            if self._wanted[column] == self._shown[base + column]:
                column += 1
                continue
            first = column
            while column < self._columns and self._wanted[column] != self._shown[base + column]:
                column += 1
            self._run(row, first, column)
            written = True
            for i in range(first, column):
                self._shown[base + i] = self._wanted[i]
        return written

    def _fold(self, text: str) -> None:
        fold(text, self._wanted)

    def _start(self) -> None:
        """Bring the display from any state into that of writing text."""
        raise NotImplementedError

    def _run(self, row: int, first: int, end: int) -> None:
        """Write the wanted characters first..end-1 of a row."""
        raise NotImplementedError
