"""Token identifiers: whole minutes since a base date, in UTC, given and taken as seconds since 1970.

The minute 00:01 of every day is reserved for special tokens; a normal token made then carries 00:02.
"""

from shared.compat import const
from shared.sts.errors import RangeError

TID_MAX = 0xFFFFFF
_MINUTES_A_DAY = const(1440)
_RESERVED_MINUTE = const(1)
_BASES = ((1993, 725846400), (2014, 1388534400), (2035, 2051222400))


def base_seconds(base_year: int) -> int:
    """Return the base date 1 January 00:00 UTC of 1993, 2014 or 2035 as seconds since 1970. RangeError otherwise."""
    for year, seconds in _BASES:
        if year == base_year:
            return seconds
    raise RangeError("the base year must be 1993, 2014 or 2035")


def following_base(base_year: int) -> int:
    """Return the base year that a roll-over leads to. RangeError from the last one, or for none."""
    base_seconds(base_year)
    for year, _seconds in _BASES:
        if year > base_year:
            return year
    raise RangeError("no base date follows {}".format(base_year))


def is_reserved(tid: int) -> bool:
    """Tell whether tid is the minute 00:01 of a day."""
    return tid % _MINUTES_A_DAY == _RESERVED_MINUTE


def minutes_at(seconds_1970: int, base_year: int) -> int:
    """Return the minutes from the base date to a time, seconds cut off. RangeError where no identifier reaches."""
    minutes = (seconds_1970 - base_seconds(base_year)) // 60
    if minutes < 0:
        raise RangeError("the time lies before the base date")
    if minutes > TID_MAX:
        raise RangeError("the base date has rolled over; change to a key with a later base date")
    return minutes


def tid_at(seconds_1970: int, base_year: int) -> int:
    """Return the identifier of a normal token made at a time: its minute, or 00:02 instead of 00:01."""
    return _normal(minutes_at(seconds_1970, base_year))


def next_tid(last_tid: int | None, seconds_1970: int, base_year: int) -> int:
    """Return the identifier of the next normal token of a meter and key, whose last one was last_tid.

    It is always greater than last_tid, also when two tokens fall in one minute or the clock stepped back.
    """
    tid = minutes_at(seconds_1970, base_year)
    if last_tid is not None and tid <= last_tid:
        tid = last_tid + 1
    tid = _normal(tid)
    if tid > TID_MAX:
        raise RangeError("the token identifiers of this base date are used up")
    return tid


def time_of(tid: int, base_year: int) -> int:
    """Return the seconds since 1970 at which the minute tid begins."""
    if not 0 <= tid <= TID_MAX:
        raise RangeError("a token identifier has 24 bits")
    return base_seconds(base_year) + tid * 60


def _normal(tid: int) -> int:
    return tid + 1 if is_reserved(tid) else tid
