"""VOID, a proprietary class 2 token: it burns the identifier of a token that was sold and is not to be used any more.

Subclass 11, laid out as every class 2 token with an identifier. RND and field together, 20 bits, are the minutes from
the target's identifier to its own, so a target reaches back 728 days.
"""

from shared.sts.errors import RangeError
from shared.sts.value import TimedValue, TokenValue, checked

BACK_MAX_MIN = 0xFFFFF


class Void(TimedValue):
    """Burn the identifier `target_tid`, which lies 1..BACK_MAX_MIN minutes before the token's own `tid`."""

    token_class = 2
    subclass = 11
    names = ("tid", "target_tid")

    def __init__(self, tid: int, target_tid: int) -> None:
        back_min = checked("the minutes back to the target", tid - target_tid, BACK_MAX_MIN, 1)
        super().__init__(back_min >> 16, tid)
        self.target_tid = checked("target_tid", target_tid, 0xFFFFFF)

    def field(self) -> int:
        return (self.tid - self.target_tid) & 0xFFFF


def read_void(body: bytes) -> TokenValue:
    """Return the order of a class 2 body of subclass 11. RangeError if its target is itself or before the base date."""
    tid = body[1] << 16 | body[2] << 8 | body[3]
    back_min = (body[0] & 15) << 16 | body[4] << 8 | body[5]
    if back_min > tid:
        raise RangeError("the target of the void token lies before the base date")
    return Void(tid, tid - back_min)


# For shared.sts.token.decode(): the standard leaves subclasses 11..15 of class 2 to the maker, and knows none of them.
OWN_READERS = {(Void.token_class, Void.subclass): read_void}
