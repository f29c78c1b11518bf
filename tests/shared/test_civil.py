"""Civil dates, and local time where clocks jump, at the edges that a zone's rules have."""

from shared.civil import Zone, date_of, day_of, days_in_month, month_of, weekday, zone_data
from shared.errors import WireError
from tests.helpers import raises

PARIS = zone_data(60, 60, (3, 5, 6, 120), (10, 5, 6, 180))
SANTIAGO = zone_data(-240, 60, (9, 1, 5, 1440), (4, 1, 5, 1440))  # Saturday 24:00, the zone's own rule
LORD_HOWE = zone_data(630, 30, (10, 1, 6, 120), (4, 1, 6, 120))
KOLKATA = zone_data(330)
KATHMANDU = zone_data(345)
HONOLULU = zone_data(-600)

# zone, a UTC time as (year, month, day, hour, minute), the local time then as (year, month, day, minute of the day)
TABLE = (
    (b"", (1970, 1, 1, 0, 0), (1970, 1, 1, 0)),
    (HONOLULU, (1970, 1, 1, 0, 0), (1969, 12, 31, 840)),
    (KOLKATA, (2026, 12, 31, 18, 29), (2026, 12, 31, 1439)),
    (KOLKATA, (2026, 12, 31, 18, 30), (2027, 1, 1, 0)),
    (KATHMANDU, (2028, 2, 28, 18, 15), (2028, 2, 29, 0)),
    (PARIS, (2026, 3, 29, 0, 59), (2026, 3, 29, 119)),
    (PARIS, (2026, 3, 29, 1, 0), (2026, 3, 29, 180)),
    (PARIS, (2026, 10, 25, 0, 59), (2026, 10, 25, 179)),
    (PARIS, (2026, 10, 25, 1, 0), (2026, 10, 25, 120)),
    (PARIS, (2026, 12, 31, 23, 0), (2027, 1, 1, 0)),
    (PARIS, (2038, 1, 19, 3, 14), (2038, 1, 19, 254)),
    (PARIS, (2100, 3, 28, 1, 0), (2100, 3, 28, 180)),
    (PARIS, (2106, 2, 7, 6, 28), (2106, 2, 7, 448)),
    (SANTIAGO, (2026, 4, 5, 2, 59), (2026, 4, 4, 1439)),
    (SANTIAGO, (2026, 4, 5, 3, 0), (2026, 4, 4, 1380)),
    (SANTIAGO, (2026, 9, 6, 3, 59), (2026, 9, 5, 1439)),
    (SANTIAGO, (2026, 9, 6, 4, 0), (2026, 9, 6, 60)),
    (SANTIAGO, (2027, 1, 1, 2, 59), (2026, 12, 31, 1439)),
    (SANTIAGO, (2027, 1, 1, 3, 0), (2027, 1, 1, 0)),
    (LORD_HOWE, (2026, 10, 3, 15, 29), (2026, 10, 4, 119)),
    (LORD_HOWE, (2026, 10, 3, 15, 30), (2026, 10, 4, 150)),
)


def utc_s(year, month, day, hour=0, minute=0):
    return day_of(year, month, day) * 86400 + hour * 3600 + minute * 60


def local_at(zone, when):
    day, minute = zone.local(utc_s(*when))
    year, month, day_of_month = date_of(day)
    return year, month, day_of_month, minute


def test_days_count_from_1970_and_know_every_leap_year():
    known = (
        (0, (1970, 1, 1)),
        (-1, (1969, 12, 31)),
        (19782, (2024, 2, 29)),
        (24855, (2038, 1, 19)),
        (47540, (2100, 2, 28)),
        (47541, (2100, 3, 1)),
        (49710, (2106, 2, 7)),
    )

    for day, date in known:
        assert date_of(day) == date and day_of(*date) == day, (day, date)


def test_every_day_of_a_u4_time_follows_on_from_the_day_before():
    year, month, day = 1969, 12, 31

    for number in range(49711):
        day += 1
        if day > days_in_month(year, month):
            day, month = 1, month + 1
        if month > 12:
            month, year = 1, year + 1
        if number % 7 == 0 or day == 1 or day >= 28:
            assert day_of(year, month, day) == number
            assert date_of(number) == (year, month, day)


def test_february_2100_has_28_days_and_february_2000_and_2096_have_29():
    assert [days_in_month(year, 2) for year in (2000, 2096, 2100, 2104)] == [29, 29, 28, 29]


def test_weekdays_count_from_monday():
    assert weekday(0) == 3  # a Thursday
    assert weekday(day_of(2026, 11, 22)) == 6  # a Sunday
    assert weekday(-4) == 6


def test_a_month_number_rises_by_one_at_each_first():
    assert month_of(day_of(2026, 12, 31)) == 2026 * 12 + 11
    assert month_of(day_of(2027, 1, 1)) == 2026 * 12 + 12


def test_local_time_follows_the_table_asked_in_any_order():
    for rows in (TABLE, tuple(reversed(TABLE))):
        zones = {}
        for data, when, local in rows:
            zone = zones.setdefault(data, Zone(data))

            assert local_at(zone, when) == local, (data, when)


def test_a_day_has_23_hours_in_spring_and_25_in_autumn():
    zone = Zone(PARIS)

    lengths_h = [
        (zone.instant(day + 1, 0) - zone.instant(day, 0)) // 3600
        for day in (day_of(2026, 3, 29), day_of(2026, 10, 25), day_of(2026, 10, 26))
    ]

    assert lengths_h == [23, 25, 24]


def test_a_time_that_comes_twice_is_the_first_of_the_two():
    assert Zone(PARIS).instant(day_of(2026, 10, 25), 150) == utc_s(2026, 10, 25, 0, 30)
    assert Zone(SANTIAGO).instant(day_of(2026, 4, 4), 1410) == utc_s(2026, 4, 5, 2, 30)


def test_a_time_that_is_jumped_over_is_the_instant_of_the_change():
    change_s = utc_s(2026, 3, 29, 1)
    zone = Zone(PARIS)

    for minute in (120, 150, 179, 180):
        assert zone.instant(day_of(2026, 3, 29), minute) == change_s, minute

    assert zone.instant(day_of(2026, 3, 29), 119) == change_s - 60
    assert zone.instant(day_of(2026, 3, 29), 181) == change_s + 60


def test_midnight_may_be_jumped_over():
    assert Zone(SANTIAGO).instant(day_of(2026, 9, 6), 0) == utc_s(2026, 9, 6, 4)


def test_a_zone_without_dst_never_changes():
    zone = Zone(KOLKATA)

    assert zone.offset_s(0) == zone.offset_s(0xFFFFFFFF) == 19800
    assert zone.next_change_s(0xFFFFFFFF) > 0xFFFFFFFF
    assert zone.instant(day_of(2026, 6, 1), 330) == utc_s(2026, 6, 1)


def test_the_next_change_is_the_first_instant_with_another_offset():
    zone = Zone(SANTIAGO)

    autumn_s = zone.next_change_s(utc_s(2026, 1, 1))
    spring_s = zone.next_change_s(autumn_s)

    assert autumn_s == utc_s(2026, 4, 5, 3) and spring_s == utc_s(2026, 9, 6, 4)
    assert (zone.offset_s(autumn_s - 1), zone.offset_s(autumn_s)) == (-10800, -14400)


def test_dst_that_starts_or_ends_in_the_night_of_new_year_changes_at_that_instant():
    zone = Zone(zone_data(0, 60, (6, 1, 0, 0), (1, 1, 3, 0)))  # ends on the first Thursday of January

    assert zone.next_change_s(utc_s(2025, 12, 1)) == utc_s(2025, 12, 31, 23)  # 2026 begins on a Thursday
    assert zone.offset_s(utc_s(2025, 12, 31, 22, 59)) == 3600 and zone.offset_s(utc_s(2025, 12, 31, 23)) == 0


def test_a_zone_may_be_a_whole_day_from_utc_and_no_more():
    assert Zone(zone_data(1440)).offset_s(0) == 86400 and Zone(zone_data(-1440)).offset_s(0) == -86400
    raises(WireError, Zone, (2881).to_bytes(2, "big"))


def test_zone_data_has_the_bytes_of_the_format():
    assert zone_data(0) == bytes((1440 >> 8, 1440 & 255))
    assert PARIS.hex() == "05dc" + "3c" + "0305060078" + "0a050600b4"


def test_data_that_is_no_zone_is_refused_with_what_is_wrong():
    bad = (
        (b"\x00", "bytes, got 1"),
        (PARIS + b"\x00", "got 14"),
        (PARIS[:8], "got 8"),
        (b"\xff\xff", "more than a day"),
        (PARIS[:2] + b"\x00" + PARIS[3:], "0 min"),
        (PARIS[:3] + bytes((13, 5, 6, 0, 120)) + PARIS[8:], "month 13"),
        (PARIS[:3] + bytes((0, 5, 6, 0, 120)) + PARIS[8:], "month 0"),
        (PARIS[:3] + bytes((3, 6, 6, 0, 120)) + PARIS[8:], "week 6"),
        (PARIS[:3] + bytes((3, 0, 6, 0, 120)) + PARIS[8:], "week 0"),
        (PARIS[:8] + bytes((10, 5, 7, 0, 120)), "weekday 7"),
        (PARIS[:8] + bytes((10, 5, 6, 255, 255)), "minute 65535"),
        (PARIS[:8] + PARIS[3:8], "starts when it ends"),
    )

    for data, words in bad:
        error = raises(WireError, Zone, data)

        assert words in str(error) and "\n" not in str(error), (data, str(error))


def test_no_bytes_are_made_of_rules_that_a_zone_would_refuse():
    raises(WireError, zone_data, -1441)
    raises(WireError, zone_data, 1441)
    raises(WireError, zone_data, 0, 256, (3, 5, 6, 120), (10, 5, 6, 180))
    raises(WireError, zone_data, 0, 60)
