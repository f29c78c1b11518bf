"""Civil time against datetime and zoneinfo, which read the same rules as POSIX TZ strings; windows against a model.

The zones are made of their strings in the time zone database, so no database is needed here.
"""

import io
import struct
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.civil import Zone, date_of, day_of, days_in_month, month_of, weekday, zone_data
from shared.windows import HOLIDAYS, Calendar

Change = tuple[int, int, int, int]  # month, week, weekday with Monday 0, minute
Rule = tuple[int, int, Change, Change]
NO_CHANGE = (0, 0, 0, 0)

ZONES: dict[str, tuple[Rule, str]] = {
    "Europe/Paris": ((60, 60, (3, 5, 6, 120), (10, 5, 6, 180)), "CET-1CEST,M3.5.0,M10.5.0/3"),
    "America/New_York": ((-300, 60, (3, 2, 6, 120), (11, 1, 6, 120)), "EST5EDT,M3.2.0,M11.1.0"),
    "America/St_Johns": ((-210, 60, (3, 2, 6, 120), (11, 1, 6, 120)), "NST3:30NDT,M3.2.0,M11.1.0"),
    "America/Santiago": ((-240, 60, (9, 1, 5, 1440), (4, 1, 5, 1440)), "<-04>4<-03>,M9.1.6/24,M4.1.6/24"),
    "Africa/Cairo": ((120, 60, (4, 5, 4, 0), (10, 5, 3, 1440)), "EET-2EEST,M4.5.5/0,M10.5.4/24"),
    "Asia/Jerusalem": ((120, 60, (3, 4, 3, 1560), (10, 5, 6, 120)), "IST-2IDT,M3.4.4/26,M10.5.0"),
    "Australia/Lord_Howe": ((630, 30, (10, 1, 6, 120), (4, 1, 6, 120)), "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"),
    "Pacific/Auckland": ((720, 60, (9, 5, 6, 120), (4, 1, 6, 180)), "NZST-12NZDT,M9.5.0,M4.1.0/3"),
    "Africa/Nairobi": ((180, 0, NO_CHANGE, NO_CHANGE), "EAT-3"),
    "Asia/Kolkata": ((330, 0, NO_CHANGE, NO_CHANGE), "IST-5:30"),
    "Asia/Kathmandu": ((345, 0, NO_CHANGE, NO_CHANGE), "<+0545>-5:45"),
    "Pacific/Kiritimati": ((840, 0, NO_CHANGE, NO_CHANGE), "<+14>-14"),
}
YEARS = range(2024, 2101)
LAST_S = 0xFFFFFFFF

TIMES = st.integers(0, LAST_S)
HALF_YEAR = st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(0, 6), st.integers(0, 1440))
OTHER_HALF = st.tuples(st.integers(8, 11), st.integers(1, 5), st.integers(0, 6), st.integers(0, 1440))
RULES = st.tuples(st.integers(-720, 840), st.integers(1, 120), HALF_YEAR, OTHER_HALF)
NEAR_A_CHANGE = st.tuples(st.sampled_from(YEARS), st.booleans(), st.integers(-180 * 60, 180 * 60))

DAYS = st.integers(1, 255)
MINUTES = st.integers(0, 1440)
WINDOWS = st.lists(st.tuples(DAYS, MINUTES, MINUTES), max_size=4)


@cache
def posix_zone(text: str) -> ZoneInfo:
    """A zone of nothing but a POSIX TZ string: the footer of a TZif file without one change of its own (RFC 9636)."""
    block = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4) + struct.pack(">iBB", 0, 0, 0) + b"UTC\0"
    return ZoneInfo.from_file(io.BytesIO(block + block + f"\n{text}\n".encode()))


def posix_text(rule: Rule) -> str:
    offset_min, shift_min, *changes = rule
    text = "AAA" + hours(-offset_min) + "BBB" + hours(-offset_min - shift_min)
    for month, week, day, minute in changes:
        text += f",M{month}.{week}.{(day + 1) % 7}/{hours(minute)}"
    return text


def hours(minutes: int) -> str:
    return f"{'-' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02d}"


def expected_local(zone: ZoneInfo, time_s: int) -> tuple[int, int]:
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s)).astimezone(zone)
    return wall.date().toordinal() - date(1970, 1, 1).toordinal(), wall.hour * 60 + wall.minute


@given(st.integers(0, 65535))
def test_dates_are_those_of_datetime(day: int) -> None:
    known = date(1970, 1, 1) + timedelta(days=day)

    assert date_of(day) == (known.year, known.month, known.day)
    assert day_of(known.year, known.month, known.day) == day
    assert weekday(day) == known.weekday()
    assert month_of(day) == known.year * 12 + known.month - 1
    assert (known.replace(day=1) + timedelta(days=days_in_month(known.year, known.month))).day == 1


@pytest.mark.parametrize("name", ZONES)
def test_local_time_is_that_of_zoneinfo_in_every_year(name: str) -> None:
    rule, text = ZONES[name]
    ours, theirs = Zone(zone_data(*rule)), posix_zone(text)

    for year in YEARS:
        new_year_s = day_of(year, 1, 1) * 86400
        for time_s in range(new_year_s - 86400, new_year_s + 366 * 86400, 67 * 3600 + 1741):
            assert ours.local(time_s) == expected_local(theirs, time_s), time_s


@pytest.mark.parametrize("name", ZONES)
def test_the_clocks_change_at_the_second_at_which_zoneinfo_changes_them(name: str) -> None:
    rule, text = ZONES[name]
    ours, theirs = Zone(zone_data(*rule)), posix_zone(text)

    changes = 0
    change_s = ours.next_change_s(day_of(2024, 1, 1) * 86400)
    while change_s < day_of(2101, 1, 1) * 86400:
        for time_s in (change_s - 1, change_s):
            assert ours.local(time_s) == expected_local(theirs, time_s), time_s
        changes += 1
        change_s = ours.next_change_s(change_s)

    assert changes == (2 * len(YEARS) if rule[1] else 0)


@settings(max_examples=300)
@given(RULES, st.booleans(), st.lists(NEAR_A_CHANGE, min_size=1), st.lists(TIMES))
def test_any_rule_is_kept_as_zoneinfo_keeps_it(
    rule: Rule, southern: bool, near: list[tuple[int, bool, int]], times: list[int]
) -> None:
    if southern:
        rule = (rule[0], rule[1], rule[3], rule[2])
    ours, theirs = Zone(zone_data(*rule)), posix_zone(posix_text(rule))
    for year, second, off_s in near:
        first_s = ours.next_change_s(day_of(year, 1, 7) * 86400)
        times.append((ours.next_change_s(first_s) if second else first_s) + off_s)

    for time_s in times:
        assert ours.local(time_s) == expected_local(theirs, time_s), time_s


@settings(max_examples=300)
@given(RULES, st.booleans(), NEAR_A_CHANGE)
def test_an_instant_is_the_first_with_its_local_time_or_the_change_that_skips_it(
    rule: Rule, southern: bool, near: tuple[int, bool, int]
) -> None:
    zone = Zone(zone_data(rule[0], rule[1], *(rule[:1:-1] if southern else rule[2:])))
    year, second, off_s = near
    change_s = zone.next_change_s(day_of(year, 1, 7) * 86400)
    change_s = zone.next_change_s(change_s) if second else change_s
    wall_min = (change_s + zone.offset_s(change_s - 1) + off_s) // 60
    day, minute = divmod(wall_min, 1440)

    instant_s = zone.instant(day, minute)

    around = range(instant_s - 7200, instant_s + 7200 + 60, 60)
    same = [time_s for time_s in around if zone.local(time_s) == (day, minute)]
    assert instant_s == (same[0] if same else change_s)


@settings(max_examples=300)
@given(st.sampled_from(sorted(ZONES)), WINDOWS, st.sets(st.integers(-4, 12)), st.integers(0, 400 * 1440))
def test_windows_are_open_and_end_as_a_plain_model_says(
    name: str, windows: list[tuple[int, int, int]], holidays: set[int], start_min: int
) -> None:
    zone = posix_zone(ZONES[name][1])
    first_day = day_of(2026, 1, 1) + start_min // 1440
    free = {first_day + day for day in holidays}
    rows = b"".join(struct.pack(">BHH", *row) for row in windows)
    calendar = Calendar(
        zone_data(*ZONES[name][0]), rows, rows, b"".join(struct.pack(">H", day) for day in sorted(free))
    )
    start_s = day_of(2026, 1, 1) * 86400 + start_min * 60 + start_min % 60

    seen_open = [is_open(zone, windows, free, start_s + step * 60) for step in range(0, 3 * 1440, 7)]
    ends_s = calendar.friendly_ends_s(start_s)

    assert seen_open == [calendar.friendly(start_s + step * 60) for step in range(0, 3 * 1440, 7)]
    assert calendar.may_begin(start_s) == (seen_open[0] or not windows)
    assert (ends_s > 0) == seen_open[0]
    last_s = min(ends_s, 3 * 86400)
    assert all(is_open(zone, windows, free, time_s) for time_s in range(start_s, start_s + last_s, 977))
    if 0 < ends_s < 7 * 86400:
        assert is_open(zone, windows, free, start_s + ends_s - 1)
        assert not is_open(zone, windows, free, start_s + ends_s)


def is_open(zone: ZoneInfo, windows: list[tuple[int, int, int]], holidays: set[int], time_s: int) -> bool:
    day, minute = expected_local(zone, time_s)
    for days, start, end in windows:
        length = end - start if end > start else end + 1440 - start
        for began in (day - 1, day):
            matches = days >> ((began + 3) % 7) & 1 or (days & HOLIDAYS and began in holidays)
            if matches and 0 <= (day - began) * 1440 + minute - start < length:
                return True
    return False
