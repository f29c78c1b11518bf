"""The largest accepted TIDs of one meter: a token is accepted once, and never one older than the memory reaches.

IEC 62055-41 token cancellation: a TID already stored is USED, one below the smallest stored is OLD.
"""

from shared.compat import const

SIZE = const(50)
TID_SIZE = const(3)  # bytes
TID_MAX = const(0xFFFFFF)

FRESH = const(0)
OLD = const(1)
USED = const(2)


class TidMemory:
    """`packed`: at most SIZE identifiers in rising order, TID_SIZE bytes each, as a list is twice as large on a board.

    `minimum`: what is not above it was never acceptable (the meter's opening).
    """

    def __init__(self, minimum: int, packed: bytes = b""):
        self.minimum = minimum
        self.packed = packed

    @property
    def tids(self) -> "list[int]":
        """The identifiers in rising order."""
        return [self._at(at) for at in range(0, len(self.packed), TID_SIZE)]

    def judge(self, tid: int) -> int:
        """FRESH, OLD or USED."""
        if self._is_at(self._place(tid), tid):
            return USED
        smallest = self._at(0) if len(self.packed) == SIZE * TID_SIZE else self.minimum
        return OLD if tid <= smallest else FRESH

    def accept(self, tid: int) -> None:
        """Remember a fresh TID; a full memory forgets its smallest."""
        at = self._place(tid)
        packed = self.packed[:at] + tid.to_bytes(TID_SIZE, "big") + self.packed[at:]
        self.packed = packed[-SIZE * TID_SIZE :]

    def copy(self) -> "TidMemory":
        """A memory of its own with the same identifiers."""
        return TidMemory(self.minimum, self.packed)

    def _place(self, tid: int) -> int:
        """Where the identifiers above `tid` begin, in bytes."""
        at = len(self.packed)
        while at and self._at(at - TID_SIZE) > tid:
            at -= TID_SIZE
        return at

    def _is_at(self, end: int, tid: int) -> bool:
        return end > 0 and self._at(end - TID_SIZE) == tid

    def _at(self, at: int) -> int:
        return int.from_bytes(self.packed[at : at + TID_SIZE], "big")
