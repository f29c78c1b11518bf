"""A short memory of what happened: lines with the uptime, printed as they come. No secrets, no tokens."""

from shared.compat import const

_LINES_MAX = const(32)
_LINE_LENGTH_MAX = const(120)


class Log:
    """The last lines in `lines`, oldest first; `uptime_ms()` gives the time since start."""

    def __init__(self, uptime_ms) -> None:
        self._uptime_ms = uptime_ms
        self.lines = []

    def note(self, text: str) -> None:
        """Keep and print a line; a long one is cut."""
        line = "{} s: {}".format(self._uptime_ms() // 1000, text)[:_LINE_LENGTH_MAX]
        self.lines.append(line)
        if len(self.lines) > _LINES_MAX:
            self.lines.pop(0)
        print(line)
