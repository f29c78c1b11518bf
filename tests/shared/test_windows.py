"""Friendly and closing windows and holidays: the edges of days, weeks, holidays and clock changes."""

from shared.civil import day_of, zone_data
from shared.errors import WireError
from shared.windows import HOLIDAYS, Calendar
from tests.helpers import raises

MONDAY, TUESDAY, FRIDAY, SATURDAY, SUNDAY = 1, 2, 16, 32, 64
WEEK = 127
PARIS = zone_data(60, 60, (3, 5, 6, 120), (10, 5, 6, 180))
KOLKATA = zone_data(330)

HOUR_S = 3600
DAY_S = 86400


def window(days, start, end):
    return bytes((days, start >> 8, start & 255, end >> 8, end & 255))


def day_list(*dates):
    return b"".join(day_of(*date).to_bytes(2, "big") for date in dates)


def utc_s(year, month, day, hour=0, minute=0):
    return day_of(year, month, day) * DAY_S + hour * HOUR_S + minute * 60


NIGHTS = window(WEEK, 18 * 60, 8 * 60)
SUNDAYS_AND_HOLIDAYS = window(SUNDAY | HOLIDAYS, 0, 1440)


def test_without_windows_nothing_is_friendly_and_closing_may_always_begin():
    calendar = Calendar()

    assert not calendar.friendly(utc_s(2026, 6, 1))
    assert calendar.may_begin(utc_s(2026, 6, 1))
    assert calendar.friendly_ends_s(utc_s(2026, 6, 1)) == 0


def test_a_window_holds_from_its_first_second_until_before_its_end():
    calendar = Calendar(KOLKATA, window(MONDAY, 600, 660))
    start_s = utc_s(2026, 6, 1, 4, 30)  # Monday 10:00 in Kolkata

    assert not calendar.friendly(start_s - 1)
    assert calendar.friendly(start_s)
    assert calendar.friendly(start_s + HOUR_S - 1)
    assert not calendar.friendly(start_s + HOUR_S)
    assert not calendar.friendly(start_s + DAY_S)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts():
    calendar = Calendar(b"", window(FRIDAY, 18 * 60, 8 * 60))

    assert not calendar.friendly(utc_s(2026, 6, 5, 7))  # Friday morning
    assert calendar.friendly(utc_s(2026, 6, 5, 18))
    assert calendar.friendly(utc_s(2026, 6, 6, 7, 59))
    assert not calendar.friendly(utc_s(2026, 6, 6, 8))
    assert not calendar.friendly(utc_s(2026, 6, 6, 18))


def test_a_window_from_sunday_to_monday_goes_over_the_end_of_the_week():
    calendar = Calendar(b"", window(SUNDAY, 22 * 60, 6 * 60))

    assert calendar.friendly(utc_s(2026, 6, 8, 5, 59)) and not calendar.friendly(utc_s(2026, 6, 9, 5, 59))


def test_whole_days_may_be_written_as_0_to_1440_or_0_to_0():
    for end in (1440, 0):
        calendar = Calendar(b"", window(TUESDAY, 0, end))

        assert not calendar.friendly(utc_s(2026, 6, 2) - 1)
        assert calendar.friendly(utc_s(2026, 6, 2)) and calendar.friendly(utc_s(2026, 6, 3) - 1)
        assert not calendar.friendly(utc_s(2026, 6, 3))


def test_a_window_that_ends_at_the_minute_it_starts_lasts_24_hours():
    calendar = Calendar(b"", window(TUESDAY, 600, 600))

    assert calendar.friendly_ends_s(utc_s(2026, 6, 2, 10)) == DAY_S
    assert not calendar.friendly(utc_s(2026, 6, 3, 10))


def test_a_holiday_is_matched_by_its_own_bit_and_by_its_weekday():
    may_day = day_list((2026, 5, 1))  # a Friday
    on_fridays = Calendar(b"", window(FRIDAY, 0, 1440), b"", may_day)
    on_holidays = Calendar(b"", window(HOLIDAYS, 0, 1440), b"", may_day)

    assert on_fridays.friendly(utc_s(2026, 5, 1, 12)) and on_holidays.friendly(utc_s(2026, 5, 1, 12))
    assert on_fridays.friendly(utc_s(2026, 5, 8, 12)) and not on_holidays.friendly(utc_s(2026, 5, 8, 12))


def test_the_evening_window_of_a_holiday_goes_on_into_the_day_after_it():
    calendar = Calendar(b"", window(HOLIDAYS, 18 * 60, 8 * 60), b"", day_list((2026, 12, 25)))

    assert not calendar.friendly(utc_s(2026, 12, 25, 7))  # what begins on the eve is no holiday's window
    assert calendar.friendly(utc_s(2026, 12, 25, 18)) and calendar.friendly(utc_s(2026, 12, 26, 7, 59))


def test_a_night_that_begins_on_the_eve_joins_the_holiday_and_the_night_after_it():
    calendar = Calendar(b"", NIGHTS + SUNDAYS_AND_HOLIDAYS, b"", day_list((2026, 12, 24), (2026, 12, 25)))
    eve_s = utc_s(2026, 12, 23, 18)

    assert not calendar.friendly(eve_s - 1)
    assert calendar.friendly_ends_s(eve_s) == utc_s(2026, 12, 26, 8) - eve_s


def test_holidays_are_days_of_the_wall_not_of_utc():
    calendar = Calendar(KOLKATA, window(HOLIDAYS, 0, 1440), b"", day_list((2026, 1, 26)))

    assert not calendar.friendly(utc_s(2026, 1, 25, 18, 29))
    assert calendar.friendly(utc_s(2026, 1, 25, 18, 30)) and calendar.friendly(utc_s(2026, 1, 26, 18, 29))
    assert not calendar.friendly(utc_s(2026, 1, 26, 18, 30))


def test_every_holiday_of_a_list_is_found_and_no_other_day():
    days = (0, 1, 20000, 20001, 20359, 49710, 65535)
    calendar = Calendar(b"", b"", b"", b"".join(day.to_bytes(2, "big") for day in days))

    for day in days:
        for near in (day - 1, day, day + 1):
            assert calendar.is_holiday(near) == (near in days), near


def test_closing_may_begin_in_closing_windows_only():
    calendar = Calendar(PARIS, b"", window(MONDAY | TUESDAY, 9 * 60, 14 * 60))

    assert calendar.may_begin(utc_s(2026, 6, 1, 7))
    assert not calendar.may_begin(utc_s(2026, 6, 1, 6, 59))
    assert not calendar.may_begin(utc_s(2026, 6, 1, 12))
    assert not calendar.may_begin(utc_s(2026, 6, 3, 7))


def test_windows_that_overlap_or_touch_end_together():
    rows = window(MONDAY, 0, 600) + window(MONDAY, 480, 720) + window(MONDAY, 720, 1440) + window(TUESDAY, 0, 60)
    calendar = Calendar(b"", rows)

    assert calendar.friendly_ends_s(utc_s(2026, 6, 1, 1)) == 24 * HOUR_S
    assert calendar.friendly_ends_s(utc_s(2026, 6, 1, 1) + 59) == 24 * HOUR_S - 59
    assert calendar.friendly_ends_s(utc_s(2026, 6, 2, 1)) == 0


def test_friendly_time_without_end_is_looked_at_for_seven_days():
    assert Calendar(PARIS, window(WEEK, 0, 1440)).friendly_ends_s(utc_s(2026, 3, 25)) == 7 * DAY_S


def test_the_night_of_a_clock_change_is_an_hour_shorter_or_longer():
    calendar = Calendar(PARIS, NIGHTS)

    assert calendar.friendly_ends_s(utc_s(2026, 3, 28, 17)) == 13 * HOUR_S
    assert calendar.friendly_ends_s(utc_s(2026, 10, 24, 16)) == 15 * HOUR_S


def test_a_window_in_the_hour_that_is_jumped_over_does_not_come():
    calendar = Calendar(PARIS, window(SUNDAY, 120, 180))
    change_s = utc_s(2026, 3, 29, 1)

    assert not calendar.friendly(change_s - 1) and not calendar.friendly(change_s)
    assert calendar.friendly(utc_s(2026, 3, 22, 1))


def test_a_window_that_ends_in_the_hour_that_is_jumped_over_ends_with_the_jump():
    calendar = Calendar(PARIS, window(SUNDAY, 0, 150))

    assert calendar.friendly_ends_s(utc_s(2026, 3, 28, 23)) == 2 * HOUR_S


def test_a_window_in_the_hour_that_comes_twice_comes_twice():
    calendar = Calendar(PARIS, window(SUNDAY, 120, 150))
    first_s = utc_s(2026, 10, 25)

    assert [calendar.friendly_ends_s(first_s + minute * 60) for minute in (0, 30, 60, 89, 90)] == [1800, 0, 1800, 60, 0]


def test_holidays_are_no_longer_known_from_their_expiry_on():
    calendar = Calendar(expires_s=utc_s(2100, 1, 1))

    assert not calendar.expired(utc_s(2100, 1, 1) - 1) and calendar.expired(utc_s(2100, 1, 1))
    assert not Calendar().expired(0xFFFFFFFF)


def test_windows_hold_at_the_end_of_a_u4_time():
    calendar = Calendar(PARIS, NIGHTS)

    assert calendar.friendly(0xFFFFFFFF) and calendar.friendly_ends_s(0xFFFFFFFF) == 1905  # 2106-02-07 07:28:15
    assert calendar.local(0xFFFFFFFF) == (49710, 448)


def test_data_that_is_no_windows_or_holidays_is_refused_with_what_is_wrong():
    bad = (
        ((b"", NIGHTS[:4]), "friendly windows: 4 bytes"),
        ((b"", b"", NIGHTS + b"\x01"), "closing windows: 6 bytes"),
        ((b"", NIGHTS + window(0, 0, 60)), "row 1 has no day"),
        ((b"", window(1, 1441, 60)), "row 0 has a minute after 1440"),
        ((b"", b"", window(1, 0, 1441)), "row 0 has a minute after 1440"),
        ((b"\x00",), "zone"),
        ((b"", b"", b"", b"\x00"), "holidays: 1 bytes"),
        ((b"", b"", b"", b"\x00\x02\x00\x02"), "day 2 stands after day 2"),
        ((b"", b"", b"", b"\x01\x00\x00\xff"), "day 255 stands after day 256"),
    )

    for data, words in bad:
        error = raises(WireError, Calendar, *data)

        assert words in str(error) and "\n" not in str(error), (data, str(error))
