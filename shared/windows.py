"""Windows of the week and holidays in local civil time: when supply is not to be closed, and when closing may begin.

A window decides about closing only, and only says what time it is; what follows is decided elsewhere.

Windows are rows of 5 bytes: days (u1, bit 0 Monday to bit 6 Sunday, bit 7 holidays), first minute (u2), minute after
the last (u2), both 0 to 1440. An end that is not after the start is of the next day; the window belongs to the day on
which it starts. A holiday is matched by its weekday's bit too. Holidays are rising day numbers (u2) in local time.
"""

from shared.civil import DAY_MIN, Zone, u2_at, weekday
from shared.compat import const
from shared.errors import WireError

HOLIDAYS = const(0x80)  # the bit of a window's days beside bit 0 Monday to bit 6 Sunday

_ROW_SIZE = const(5)
_LOOK_AHEAD_S = const(7 * 86400)


class Calendar:
    """The zone, friendly windows, closing windows and holidays of one policy, as data; WireError says what is wrong.

    `expires_s` is when the holidays are no longer known; 0 is never.
    """

    def __init__(
        self, zone: bytes = b"", friendly: bytes = b"", closing: bytes = b"", holidays: bytes = b"", expires_s: int = 0
    ):
        _check_windows(friendly, "friendly windows")
        _check_windows(closing, "closing windows")
        _check_holidays(holidays)
        self.zone = Zone(zone)
        self._friendly = friendly
        self._closing = closing
        self._holidays = holidays
        self._expires_s = expires_s

    def local(self, time_s: int) -> "tuple[int, int]":
        """(civil day number, minute of the day)."""
        return self.zone.local(time_s)

    def friendly(self, time_s: int) -> bool:
        """True inside a window in which supply is not to be closed."""
        return self._covered_min(self._friendly, time_s) > 0

    def may_begin(self, time_s: int) -> bool:
        """Whether a disconnection that the utility orders may begin: inside a closing window, or there are none."""
        return not self._closing or self._covered_min(self._closing, time_s) > 0

    def has_hours(self) -> bool:
        """Whether closing depends on the hour at all."""
        return bool(self._friendly or self._closing)

    def expired(self, time_s: int) -> bool:
        """True when the holidays of this time are not known any more."""
        return 0 < self._expires_s <= time_s

    def friendly_ends_s(self, time_s: int) -> int:
        """Seconds until friendly() turns False, windows that touch taken as one; at most 7 days, 0 when it is now."""
        limit_s = time_s + _LOOK_AHEAD_S
        at_s = time_s
        while at_s < limit_s:
            covered_min = self._covered_min(self._friendly, at_s)
            if covered_min == 0:
                return at_s - time_s
            end_s = at_s - at_s % 60 + covered_min * 60
            at_s = min(end_s, self.zone.next_change_s(at_s))  # where the clocks change, the wall is read anew
        return _LOOK_AHEAD_S

    def is_holiday(self, day: int) -> bool:
        """Whether a civil day number is in the list of holidays."""
        low, high = 0, len(self._holidays) // 2
        while low < high:
            middle = (low + high) // 2
            found = u2_at(self._holidays, 2 * middle)
            if found == day:
                return True
            if found < day:
                low = middle + 1
            else:
                high = middle
        return False

    def _covered_min(self, windows: bytes, time_s: int) -> int:
        """Minutes of wall time from the begin of this minute to the end of a window around it; 0 outside of all."""
        if not windows:
            return 0
        day, minute = self.zone.local(time_s)
        today, yesterday = self._day_bits(day), self._day_bits(day - 1)
        for at in range(0, len(windows), _ROW_SIZE):
            start, end = u2_at(windows, at + 1), u2_at(windows, at + 3)
            if end <= start:
                end += DAY_MIN
            if windows[at] & today and start <= minute < end:
                return end - minute
            if windows[at] & yesterday and start <= minute + DAY_MIN < end:
                return end - minute - DAY_MIN
        return 0

    def _day_bits(self, day: int) -> int:
        bits = 1 << weekday(day)
        return bits | HOLIDAYS if self.is_holiday(day) else bits


def _check_windows(data: bytes, name: str) -> None:
    if len(data) % _ROW_SIZE:
        raise WireError(f"{name}: {len(data)} bytes are no rows of 5")
    for at in range(0, len(data), _ROW_SIZE):
        if not data[at]:
            raise WireError(f"{name}: row {at // _ROW_SIZE} has no day")
        if u2_at(data, at + 1) > DAY_MIN or u2_at(data, at + 3) > DAY_MIN:
            raise WireError(f"{name}: row {at // _ROW_SIZE} has a minute after 1440")


def _check_holidays(data: bytes) -> None:
    if len(data) % 2:
        raise WireError(f"holidays: {len(data)} bytes are no rows of 2")
    for at in range(2, len(data), 2):
        if u2_at(data, at) <= u2_at(data, at - 2):
            raise WireError(f"holidays: day {u2_at(data, at)} stands after day {u2_at(data, at - 2)}")
