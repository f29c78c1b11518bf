"""Token identifiers: minutes since a base date, the reserved minute, and never the same twice."""

from shared.sts.errors import RangeError
from shared.sts.time_id import TID_MAX, base_seconds, is_reserved, minutes_at, next_tid, tid_at, time_of
from tests.helpers import raises

DAY_S = 86400


def test_the_first_minute_of_a_base_date_is_zero_and_seconds_are_cut_off():
    for year in (1993, 2014, 2035):
        start = base_seconds(year)

        assert tid_at(start, year) == tid_at(start + 59, year) == 0
        assert time_of(0, year) == start


def test_a_token_made_at_one_past_midnight_carries_the_minute_after():
    midnight = base_seconds(2014) + 1000 * DAY_S

    tids = [tid_at(midnight + 60 * minute, 2014) - 1000 * 1440 for minute in range(4)]

    assert tids == [0, 2, 2, 3]
    assert minutes_at(midnight + 60, 2014) == 1000 * 1440 + 1
    assert is_reserved(1000 * 1440 + 1) and not is_reserved(1000 * 1440 + 2)


def test_two_tokens_in_one_minute_differ_and_a_clock_that_steps_back_repeats_nothing():
    seconds = base_seconds(2014) + 1000 * DAY_S + 12 * 3600
    tid = next_tid(None, seconds, 2014)

    assert tid == 1000 * 1440 + 720
    assert next_tid(tid, seconds, 2014) == tid + 1
    assert next_tid(tid, seconds - 3600, 2014) == tid + 1
    assert next_tid(tid, seconds + 120, 2014) == tid + 2


def test_the_next_identifier_passes_over_the_reserved_minute():
    midnight = base_seconds(2014) + 1000 * DAY_S

    assert next_tid(1000 * 1440, midnight, 2014) == 1000 * 1440 + 2


def test_a_base_date_that_rolled_over_gives_no_identifier():
    last = base_seconds(1993) + TID_MAX * 60

    assert tid_at(last, 1993) == TID_MAX
    raises(RangeError, tid_at, last + 60, 1993)
    raises(RangeError, next_tid, TID_MAX, last, 1993)


def test_times_before_the_base_date_and_unknown_base_dates_are_refused():
    raises(RangeError, tid_at, base_seconds(2014) - 1, 2014)
    raises(RangeError, base_seconds, 2000)
    raises(RangeError, time_of, -1, 2014)
    raises(RangeError, time_of, TID_MAX + 1, 2014)
