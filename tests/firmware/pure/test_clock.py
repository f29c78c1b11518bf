"""The gateway's clock: it counts by ticks, never runs back, and only signed time makes it trusted."""

from firmware.clock import DRIFTING, TRUSTED, UNKNOWN, Clock, unix_seconds
from tests.fakes.ticks import Ticks

START_S = 1_700_000_000
DAY_S = 86400


def test_seconds_follow_the_ticks_without_losing_the_rest():
    ticks = Ticks(999)
    clock = Clock(ticks, START_S)

    for _ in range(1000):
        ticks.advance(333)
        clock.now()

    assert clock.now() == START_S + 333


def test_the_wrap_of_the_ticks_is_not_seen():
    ticks = Ticks((1 << 30) - 500)
    clock = Clock(ticks, START_S)

    ticks.advance(2000)

    assert clock.now() == START_S + 2


def test_the_quality_starts_unknown_rises_with_signed_time_and_fades():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    qualities = [clock.quality()]

    clock.set_signed(START_S + 50)
    qualities.append(clock.quality())
    for _ in range(3):
        ticks.advance(DAY_S * 1000)
        clock.now()
    qualities.append(clock.quality())

    assert qualities == [UNKNOWN, TRUSTED, DRIFTING]


def test_signed_time_ahead_is_taken_over_at_once():
    clock = Clock(Ticks(), START_S)

    assert clock.set_signed(START_S + 3600) == 3600
    assert clock.now() == START_S + 3600


def test_signed_time_behind_holds_the_clock_until_real_time_has_caught_up():
    ticks = Ticks()
    clock = Clock(ticks, START_S)

    assert clock.set_signed(START_S - 10) == -10
    times = []
    for _ in range(12):
        ticks.advance(1000)
        times.append(clock.now() - START_S)

    assert times == [0] * 10 + [1, 2]
    assert clock.set_signed(START_S + 2) == 0


def test_network_time_counts_for_nothing_before_time_was_signed():
    clock = Clock(Ticks(), START_S)

    assert clock.nudge(START_S + 1) is None
    assert (clock.now(), clock.quality()) == (START_S, UNKNOWN)


def test_network_time_moves_the_clock_only_as_far_as_it_may_have_drifted():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    clock.set_signed(START_S)
    assert clock.nudge(START_S + 3) is None
    pass_days(clock, ticks, 1)

    assert clock.tolerance_s() == 2 + 8  # 100 millionths of a day
    assert clock.nudge(START_S + DAY_S + 11) is None
    assert clock.nudge(START_S + DAY_S + 10) == 10
    assert clock.now() == START_S + DAY_S + 10


def test_many_small_steps_of_a_forger_lead_no_further_than_one():
    for direction in (1, -1):
        ticks = Ticks()
        clock = Clock(ticks, START_S)
        clock.set_signed(START_S)

        for _ in range(4 * 100):
            ticks.advance(DAY_S * 1000 // 4)
            clock.nudge(clock.now() + 2 * direction)

        assert abs(clock.now() - START_S - 100 * DAY_S) <= 2 + 100 * 9


def test_network_time_never_runs_the_clock_back():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    clock.set_signed(START_S)
    pass_days(clock, ticks, 1)
    before_s = clock.now()

    assert clock.nudge(before_s - 5) == -5
    times = []
    for _ in range(7):
        ticks.advance(1000)
        times.append(clock.now() - before_s)

    assert times == [0] * 5 + [1, 2]


def test_network_time_neither_raises_nor_prolongs_trust():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    clock.set_signed(START_S)
    pass_days(clock, ticks, 1)
    clock.nudge(clock.now() - 9)
    pass_days(clock, ticks, 1)

    assert clock.quality() == DRIFTING

    clock.nudge(clock.now())
    assert clock.quality() == DRIFTING


def test_signed_time_begins_the_tolerance_anew():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    clock.set_signed(START_S)
    pass_days(clock, ticks, 2)
    clock.nudge(clock.now() + 15)

    clock.set_signed(clock.now())

    assert (clock.tolerance_s(), clock.quality()) == (2, TRUSTED)


def pass_days(clock, ticks, days):
    for _ in range(days):
        ticks.advance(DAY_S * 1000)
        clock.now()


def test_the_chips_clock_counts_from_1970():
    assert unix_seconds() > 1_600_000_000


def test_a_clock_that_waits_for_real_time_loses_its_trust_all_the_same():
    ticks = Ticks()
    clock = Clock(ticks, START_S)
    clock.set_signed(START_S - 10 * DAY_S)

    for _ in range(3):
        ticks.advance(DAY_S * 1000)
        clock.now()

    assert (clock.now(), clock.quality()) == (START_S, DRIFTING)
