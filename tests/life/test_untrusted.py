"""Whoever keeps a gateway from the time, by a blocked uplink or by restarts, gains a bounded volume and no more."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import kinds
from tests.life.calendars import Hours
from tests.life.home import LOST_MAX_ML, PULSE_ML, WATER, Home

CAPS = st.sampled_from((0, 3000, 40_000, 250_000))
QUOTAS = st.sampled_from((0, 2000, 25_000))
DAYS = 2
STEP_S = 600


class Thief:
    """Draws a little at each step while the valve lets through, and takes the power away every so many steps."""

    def __init__(self, home: Home, litres: int, reboot_every: int) -> None:
        self.home = home
        self.litres = litres
        self.reboot_every = reboot_every
        self.drawn_ml = 0  # what truly came out
        self.reboots = 0

    def live(self, days: int) -> None:
        for step in range(days * 86400 // STEP_S):
            if self.home.valves[WATER].position is not False:
                self.home.flow(self.litres)
                self.drawn_ml += self.litres * PULSE_ML
            self.home.wait(STEP_S, 4)
            if self.reboot_every and step % self.reboot_every == 0:
                self.home.reboot(0)
                self.home.wait(10, 5)
                self.reboots += 1
        self.home.check()


def without_credit(cap_ml: int, quota_ml: int, releases: int) -> Home:
    """A gateway whose clock nobody set, with supply on, and its credit just used up."""
    home = Home()
    values = {"untrusted_clock_cap": cap_ml, "lifeline_quota_ml": quota_ml, "lifeline_releases": releases}
    home.order(2, home.new_policy(0, Hours(0, [], []), values))
    home.type_in(WATER, home.vend(WATER, 1))
    home.settle()
    home.flow(100)
    assert home.state.meters[WATER].pots[kinds.TOKEN_CREDIT] == 0
    home.reboot(0)
    home.settle()
    return home


def lifeline_ml(quota_ml: int) -> int:
    """What the lifeline may give in the days of a run and the one that they touch; unsaid it is 25 litres a day."""
    return (DAYS + 1) * (quota_ml or 25_000)


@settings(max_examples=12)
@given(CAPS, QUOTAS, st.integers(1, 3), st.sampled_from((1, 2, 7)), st.sampled_from((0, 1, 2, 5, 40)))
def test_what_is_drawn_without_time_and_credit_ends_at_cap_and_lifeline(
    cap_ml: int, quota_ml: int, releases: int, litres: int, reboot_every: int
) -> None:
    home = without_credit(cap_ml, quota_ml, releases)
    thief = Thief(home, litres, reboot_every)
    before = home.state.meters[WATER].register

    thief.live(DAYS)

    closings = 1 + DAYS * releases + releases
    over_ml = closings * litres * PULSE_ML  # what comes while the valve turns
    counted_ml = home.gateway.core.registers[WATER].volume_ml - before
    assert counted_ml <= cap_ml + lifeline_ml(quota_ml) + over_ml
    assert thief.drawn_ml <= counted_ml + thief.reboots * (LOST_MAX_ML + PULSE_ML)


@settings(max_examples=8)
@given(CAPS, QUOTAS, st.integers(1, 3), st.sampled_from((1, 2, 7)), st.sampled_from((1, 2, 3)))
def test_a_restart_every_few_minutes_gives_no_more_than_none(
    cap_ml: int, quota_ml: int, releases: int, litres: int, reboot_every: int
) -> None:
    quiet = Thief(without_credit(cap_ml, quota_ml, releases), litres, 0)
    restless = Thief(without_credit(cap_ml, quota_ml, releases), litres, reboot_every)

    quiet.live(DAYS)
    restless.live(DAYS)

    assert restless.drawn_ml <= quiet.drawn_ml + litres * PULSE_ML, "restarts bring water"


@given(CAPS, QUOTAS)
@settings(max_examples=6)
def test_without_time_an_open_supply_never_ends_in_closed(cap_ml: int, quota_ml: int) -> None:
    home = without_credit(cap_ml, quota_ml, 1)

    for _ in range(60):
        home.live(lambda: home.flow(9))
        home.live(lambda: home.wait(7200))

        assert home.state.meters[WATER].intent >= kinds.LIFELINE
    drawn = home.state.meters[WATER].cap_drawn
    home.live(lambda: home.signed_time(home.real_s))

    assert drawn <= cap_ml
    assert home.state.meters[WATER].cap_drawn == 0
