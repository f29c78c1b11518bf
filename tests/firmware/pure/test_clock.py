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


def test_network_time_moves_a_trusted_clock_only_within_the_tolerance():
    clock = Clock(Ticks(), START_S)
    assert not clock.nudge(START_S + 1, 30)  # nothing signed yet

    clock.set_signed(START_S)

    assert clock.nudge(START_S + 20, 30)
    assert clock.now() == START_S + 20
    assert not clock.nudge(START_S + 100, 30)
    assert clock.now() == START_S + 20
    assert clock.quality() == TRUSTED


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
