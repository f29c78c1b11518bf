"""The time of day, behind one method so that tests own it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the time; every rule and service takes the number that it gives, never the clock."""

    def now(self) -> int:
        """Return whole seconds since 1970-01-01 00:00:00 UTC."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> int:
        """Return whole seconds since 1970-01-01 00:00:00 UTC."""
        return int(time.time())
