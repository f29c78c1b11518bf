"""How far the clock has come while nobody tells the time: kept beside the ledger, so that it goes on after a restart.

Without it a power that fails every hour would stop the days: a quota would never come, an opening never end.
"""

from firmware.ledger.pair import Pair
from shared.compat import const

MARK_EVERY_S = const(600)  # at most so much of a run's time is lost with the power
_SIZE = const(4)


class TimeMark:
    """`time_s`: seconds since 1970 as last kept; 0 for never."""

    def __init__(self, flash) -> None:
        self._files = Pair(flash, "time")
        data = self._files.load()
        self.time_s = int.from_bytes(data, "big") if data is not None and len(data) == _SIZE else 0

    def keep(self, now_s: int) -> None:
        """Make the time durable when it is due. Where flash refuses, it waits as long again."""
        if now_s - self.time_s < MARK_EVERY_S:
            return
        self.time_s = now_s
        try:
            self._files.save(now_s.to_bytes(_SIZE, "big"))
        except OSError:
            pass  # what is lost is time, not credit
