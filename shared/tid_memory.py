"""The largest accepted TIDs of one meter: a token is accepted once, and never one older than the memory reaches.

IEC 62055-41 token cancellation: a TID already stored is USED, one below the smallest stored is OLD.
"""

from shared.compat import const

SIZE = const(50)
TID_MAX = const(0xFFFFFF)

FRESH = const(0)
OLD = const(1)
USED = const(2)


class TidMemory:
    """`tids` in rising order, at most SIZE; `minimum`: what is not above it was never acceptable (meter's opening)."""

    def __init__(self, minimum: int, tids: "list[int] | None" = None):
        self.minimum = minimum
        self.tids = tids if tids is not None else []

    def judge(self, tid: int) -> int:
        """FRESH, OLD or USED."""
        if tid in self.tids:
            return USED
        smallest = self.tids[0] if len(self.tids) == SIZE else self.minimum
        return OLD if tid <= smallest else FRESH

    def accept(self, tid: int) -> None:
        """Remember a fresh TID; a full memory forgets its smallest."""
        at = len(self.tids)
        while at and self.tids[at - 1] > tid:
            at -= 1
        self.tids.insert(at, tid)
        if len(self.tids) > SIZE:
            self.tids.pop(0)
