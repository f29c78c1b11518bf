"""A motor valve that turns while it is polled, and can jam; same interface as firmware/drivers/valve.py."""

TRAVEL_MS = 2000


class Valve:
    """`jammed`: it does not move. `position`: True open, False closed, None between. It outlives a power cut.

    `bypassed`: a little flows past it, which ends with the power; only with a bypass.
    """

    def __init__(self, has_bypass: bool = False) -> None:
        self.has_bypass = has_bypass
        self.bypassed = False
        self.position = False
        self.jammed = False
        self.motions = 0
        self.travel_ms = 0
        self._want = None
        self._since_ms = None

    def drive(self, open: bool) -> None:
        self._want = open
        self._since_ms = None
        self.motions += 1

    def halt(self) -> None:
        self._want = None

    def poll(self, now_ms: int) -> "str | None":
        if self._want is None:
            return None
        if self._since_ms is None:
            self._since_ms = now_ms
            if not self.jammed and self.position != self._want:
                self.position = None
        if now_ms - self._since_ms < TRAVEL_MS:
            return None
        return self._end()

    def is_open(self) -> bool:
        return self.position is True

    def is_closed(self) -> bool:
        return self.position is False

    def bypass(self, on: bool) -> None:
        self.bypassed = on and self.has_bypass

    def lose_power(self) -> None:
        """The motor stops where it is, and the bypass falls shut."""
        self._want = None
        self.bypassed = False

    def _end(self):
        if self.jammed:
            self._want = None
            return "failed"
        self.position = self._want
        self.travel_ms = TRAVEL_MS
        self._want = None
        return "opened" if self.position else "closed"
