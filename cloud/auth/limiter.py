"""A limit on requests per source: at most so many in any window of so many seconds."""

from collections import OrderedDict, deque

from cloud.errors import TooManyRequests

_SOURCES_MAX = 10_000


class Limiter:
    """Counts the recent requests of each source by the second, in memory; sources seen longest ago are forgotten."""

    def __init__(self, requests: int, window_s: int) -> None:
        self._requests = requests
        self._window_s = window_s
        self._seen: OrderedDict[str, _Recent] = OrderedDict()

    def count(self, source: str, now: int) -> None:
        """Count one request; TooManyRequests, with the time to wait, when the source has none left."""
        recent = self._seen.get(source)
        if recent is None:
            recent = self._seen[source] = _Recent()
            if len(self._seen) > _SOURCES_MAX:
                self._seen.popitem(last=False)
        self._seen.move_to_end(source)
        recent.forget(now - self._window_s, now)
        if recent.total >= self._requests:
            wait_s = recent.seconds[0][0] + self._window_s - now
            told = f"Too many requests; try again in {wait_s} seconds."
            raise TooManyRequests("too_many_requests", told, retry_after_s=wait_s)
        recent.add(now)


class _Recent:
    """How many requests came in which second, oldest first."""

    __slots__ = ("seconds", "total")

    def __init__(self) -> None:
        self.seconds: deque[list[int]] = deque()
        self.total = 0

    def forget(self, until: int, now: int) -> None:
        """Drop what is old, and what a clock that was set back since had said."""
        while self.seconds and self.seconds[0][0] <= until:
            self.total -= self.seconds.popleft()[1]
        while self.seconds and self.seconds[-1][0] > now:
            self.total -= self.seconds.pop()[1]

    def add(self, now: int) -> None:
        """Count one request in this second."""
        if not self.seconds or self.seconds[-1][0] != now:
            self.seconds.append([now, 0])
        self.seconds[-1][1] += 1
        self.total += 1
