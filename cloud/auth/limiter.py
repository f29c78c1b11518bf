"""A limit on attempts per source: at most so many in any window of so many seconds."""

from collections import OrderedDict, deque

from cloud.errors import TooManyRequests

_SOURCES_MAX = 10_000


class Limiter:
    """Remembers the times of recent attempts of each source, in memory; the sources seen longest ago are forgotten."""

    def __init__(self, attempts: int, window_s: int) -> None:
        self._attempts = attempts
        self._window_s = window_s
        self._seen: OrderedDict[str, deque[int]] = OrderedDict()

    def count(self, source: str, now: int) -> None:
        """Count one attempt; TooManyRequests when the source has none left."""
        times = self._seen.setdefault(source, deque())
        self._seen.move_to_end(source)
        while times and times[0] <= now - self._window_s:
            times.popleft()
        while times and times[-1] > now:  # the clock was set back: what it said before says nothing
            times.pop()
        if len(times) >= self._attempts:
            wait_s = times[0] + self._window_s - now
            raise TooManyRequests("too_many_attempts", f"Too many attempts; try again in {wait_s} seconds.")
        times.append(now)
        if len(self._seen) > _SOURCES_MAX:
            self._seen.popitem(last=False)
