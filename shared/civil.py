"""Civil days, months and local time by rules that come as data: the device has no zone database. All integers.

A civil day is a number, days since 1970-01-01; the calendar is the Gregorian one. Right from 1970 to 2106, the last
year of a u4 time, and a year beyond on either side.

A zone's data is nothing for UTC, or (all big-endian) the offset of standard time east of UTC in minutes + 1440 (u2);
where there is daylight saving time (DST), then the minutes that it adds (u1), and its start and its end, each: month
(u1), week of the month 1 to 4 or 5 for the last (u1), weekday with Monday 0 (u1), minute of that day (u2) by the local
time before the change. It is what a POSIX TZ string of the form M3.5.0/2 says. A year may begin with DST in force.
"""

from shared.compat import const
from shared.errors import WireError
from shared.wire import write_unsigned

DAY_S = const(86400)
DAY_MIN = const(1440)

_OFFSET_BIAS_MIN = const(1440)
_LATEST_CHANGE_MIN = const(10020)  # RFC 9636, 3.3.2: a rule's time may be up to 167 hours after its day's begin
_LAST_WEEK = const(5)
_FIXED_SIZE = const(2)
_CHANGE_SIZE = const(5)
_START_AT = const(3)
_END_AT = const(8)
_DST_SIZE = const(13)
_NEVER_S = const(1 << 40)  # after every u4 time
_DAYS_BEFORE_1970 = const(719468)  # from 0000-03-01


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a Gregorian date; `day` may lie outside its month and counts on from there."""
    if month < 3:  # years are counted from March, so that the leap day is the last
        year -= 1
        month += 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 1 - _DAYS_BEFORE_1970


def date_of(day: int) -> "tuple[int, int, int]":
    """(year, month, day of the month) of a day number from 1969 on."""
    year = 1970 + day // 366  # never too late, and for two centuries at most one too early
    while day >= day_of(year + 1, 1, 1):
        year += 1
    rest = day - day_of(year, 1, 1)
    month = 1
    while rest >= days_in_month(year, month):
        rest -= days_in_month(year, month)
        month += 1
    return year, month, rest + 1


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def weekday(day: int) -> int:
    """Monday 0 to Sunday 6."""
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def month_of(day: int) -> int:
    """A number that rises by one with each month: year * 12 + month - 1."""
    year, month, _day = date_of(day)
    return year * 12 + month - 1


def zone_data(
    offset_min: int,
    shift_min: int = 0,
    start: "tuple[int, int, int, int]" = (0, 0, 0, 0),
    end: "tuple[int, int, int, int]" = (0, 0, 0, 0),
) -> bytes:
    """The data of a zone `offset_min` east of UTC; with a shift, daylight saving time from `start` to `end`.

    A change is (month, week, weekday, minute), as in the data. WireError: no such rule.
    """
    data = write_unsigned(offset_min + _OFFSET_BIAS_MIN, 2, "zone offset")
    if shift_min:
        data += write_unsigned(shift_min, 1, "DST shift")
        for change in (start, end):
            for value in change[:3]:
                data += write_unsigned(value, 1, "DST change")
            data += write_unsigned(change[3], 2, "DST change")
    Zone(data)
    return data


class Zone:
    """Local time of the zone that the data describes; WireError says why it describes none.

    The stretch of time around the last question in which the offset holds is kept, so most answers cost a comparison.
    """

    def __init__(self, data: bytes = b""):
        if len(data) not in (0, _FIXED_SIZE, _DST_SIZE):
            raise WireError(f"zone: expected 0, 2 or 13 bytes, got {len(data)}")
        self._data = bytes(data)
        self._standard_s = 0
        self._shift_s = 0
        if data:
            self._standard_s = (u2_at(data, 0) - _OFFSET_BIAS_MIN) * 60
        if len(data) == _DST_SIZE:
            self._shift_s = data[2] * 60
        _check(data)
        # The offset from _from_s on, until before _until_s.
        self._from_s = 0 if self._shift_s else -_NEVER_S
        self._until_s = 0 if self._shift_s else _NEVER_S
        self._offset_s = self._standard_s

    def offset_s(self, time_s: int) -> int:
        """Seconds to add to UTC to get local time."""
        if not self._from_s <= time_s < self._until_s:
            self._find_stretch(time_s)
        return self._offset_s

    def next_change_s(self, time_s: int) -> int:
        """The first instant after `time_s` at which the offset changes; later than any u4 time where none does."""
        self.offset_s(time_s)
        return self._until_s

    def local(self, time_s: int) -> "tuple[int, int]":
        """(civil day number, minute of the day) of an instant."""
        local_s = time_s + self.offset_s(time_s)
        day = local_s // DAY_S
        return day, (local_s - day * DAY_S) // 60

    def instant(self, day: int, minute: int) -> int:
        """The first instant with this local time; the instant of the change where the clocks jump over it."""
        standard_s = day * DAY_S + minute * 60 - self._standard_s
        shifted_s = standard_s - self._shift_s
        if self._shift_s and self.offset_s(shifted_s) != self._standard_s:
            return shifted_s
        if self.offset_s(standard_s) == self._standard_s:
            return standard_s
        return self._from_s

    def _find_stretch(self, time_s: int) -> None:
        year, _month, _day = date_of(time_s // DAY_S)
        self._from_s = -_NEVER_S
        self._until_s = _NEVER_S
        for near in (year - 1, year, year + 1):
            start_s = self._change_s(near, _START_AT) - self._standard_s
            self._narrow(time_s, start_s, self._standard_s + self._shift_s)
            end_s = self._change_s(near, _END_AT) - self._standard_s - self._shift_s
            self._narrow(time_s, end_s, self._standard_s)

    def _narrow(self, time_s: int, change_s: int, offset_s: int) -> None:
        if change_s > time_s:
            self._until_s = min(self._until_s, change_s)
        elif change_s >= self._from_s:
            self._from_s = change_s
            self._offset_s = offset_s

    def _change_s(self, year: int, at: int) -> int:
        """Local wall time, in seconds since 1970-01-01 00:00 on that wall, of the change that is described at `at`."""
        month, week, on_weekday = self._data[at], self._data[at + 1], self._data[at + 2]
        first = day_of(year, month, 1)
        day = first + (on_weekday - weekday(first)) % 7 + 7 * (week - 1)
        if day >= first + days_in_month(year, month):  # the fifth, where there are four: the last is meant
            day -= 7
        return day * DAY_S + u2_at(self._data, at + 3) * 60


def u2_at(data: bytes, at: int) -> int:
    """Two bytes as an unsigned integer, without a slice."""
    return data[at] << 8 | data[at + 1]


def _check(data: bytes) -> None:
    if data and u2_at(data, 0) > 2 * _OFFSET_BIAS_MIN:
        raise WireError(f"zone: an offset of {u2_at(data, 0) - _OFFSET_BIAS_MIN} min is more than a day")
    if len(data) != _DST_SIZE:
        return
    if not data[2]:
        raise WireError("zone: a DST shift of 0 min: leave DST out")
    if data[_START_AT:_END_AT] == data[_END_AT:]:
        raise WireError("zone: DST starts when it ends: leave DST out")
    for at in (_START_AT, _END_AT):
        month, week, on_weekday, minute = data[at], data[at + 1], data[at + 2], u2_at(data, at + 3)
        known = 1 <= month <= 12 and 1 <= week <= _LAST_WEEK and on_weekday <= 6 and minute <= _LATEST_CHANGE_MIN
        if not known:
            raise WireError(f"zone: no DST change is month {month}, week {week}, weekday {on_weekday}, minute {minute}")
