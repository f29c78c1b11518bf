"""The lifeline's quota by slots: when one is due, what is carried into it, and what the 1st of a month does."""

from shared.civil import day_of
from shared.lifeline import SLOTS_A_DAY, due, quota_ml, slot_at
from shared.policy import Floor, Policy
from shared.state import MeterState

DAY_S = 86400


def at(month, day, hour=4, minute=0):
    return day_of(2026, month, day) * DAY_S + hour * 3600 + 60 * minute


def policy_of(**values):
    given = {"lifeline_quota_ml": 9000, "lifeline_start_min": 240}
    given.update(values)
    return Policy(**given)


def meter_at(policy, time_s, left=0):
    """A meter that was given the slot of a time and has some of it left."""
    meter = MeterState(0)
    meter.lifeline_slot = slot_at(time_s, policy)
    meter.lifeline_left = left
    return meter


def given(meter, time_s, policy, floor=None):
    found = due(meter, time_s, policy, floor or Floor())
    return None if found is None else found[1]


def test_the_quota_is_the_greater_of_policy_and_floor_or_that_of_an_untrusted_clock():
    floor = Floor(lifeline_quota_ml=25000)

    assert quota_ml(policy_of(), Floor()) == 9000
    assert quota_ml(policy_of(), floor) == 25000
    assert quota_ml(policy_of(lifeline_quota_ml=30000), floor) == 30000
    assert quota_ml(Policy(lifeline_untrusted_ml=7000), Floor()) == 7000
    assert quota_ml(policy_of(lifeline_releases=2), Floor()) == 4500


def test_a_slot_begins_at_its_minute_and_slots_rise_over_midnight():
    policy = policy_of()
    before, first, late, next_day = (
        slot_at(at(3, 10, 3, 59), policy),
        slot_at(at(3, 10), policy),
        slot_at(at(3, 11, 3, 59), policy),
        slot_at(at(3, 11), policy),
    )

    assert (before + SLOTS_A_DAY, first, first + SLOTS_A_DAY) == (first, late, next_day)


def test_two_releases_split_the_day_from_its_start():
    policy = policy_of(lifeline_releases=2)
    slots = [slot_at(at(3, 10, hour), policy) for hour in (4, 15, 16, 23)]
    after_midnight = slot_at(at(3, 11, 3), policy)

    assert slots == [slots[0], slots[0], slots[0] + 1, slots[0] + 1] and after_midnight == slots[0] + 1
    assert slot_at(at(3, 11), policy) == slots[0] + SLOTS_A_DAY
    assert given(meter_at(policy, at(3, 10)), at(3, 10, 16), policy) == 4500


def test_a_policy_with_fewer_releases_gives_its_next_slot_all_the_same():
    many, one = policy_of(lifeline_releases=4), policy_of(lifeline_releases=1, lifeline_carry_periods=9)
    meter = meter_at(many, at(3, 10, 23), 100)

    assert given(meter, at(3, 11), one) == 9000 + 100
    assert given(meter_at(one, at(3, 10), 100), at(3, 10, 23), many) == 2250


def test_the_first_slot_gives_one_quota_and_the_same_slot_nothing_more():
    policy = policy_of(lifeline_carry_periods=5)
    first = due(MeterState(0), at(3, 10), policy, Floor())

    assert first == (slot_at(at(3, 10), policy), 9000)
    assert given(meter_at(policy, at(3, 10)), at(3, 10, 23), policy) is None
    assert given(meter_at(policy, at(3, 10)), at(3, 9), policy) is None


def test_nothing_is_carried_over_unless_the_policy_says_so():
    policy = policy_of()

    assert given(meter_at(policy, at(3, 10), 8000), at(3, 11), policy) == 9000
    assert given(meter_at(policy, at(3, 10), 8000), at(3, 20), policy) == 9000


def test_unused_quota_is_carried_over_up_to_so_many_slots():
    policy = policy_of(lifeline_carry_periods=2)
    meter = meter_at(policy, at(3, 10), 4000)

    assert given(meter, at(3, 11), policy) == 9000 + 4000
    assert given(meter, at(3, 12), policy) == 9000 + 4000 + 9000
    assert given(meter, at(3, 13), policy) == 9000 + 2 * 9000
    assert given(meter, at(3, 31), policy) == 9000 + 2 * 9000


def test_a_month_begins_anew_on_the_1st():
    policy = policy_of(lifeline_carry_periods=5)
    meter = meter_at(policy, at(3, 30), 4000)

    assert given(meter, at(3, 31), policy) == 9000 + 4000
    assert given(meter, at(4, 1), policy) == 9000
    assert given(meter, at(4, 3), policy) == 9000 + 2 * 9000
    assert given(meter, at(4, 1), policy_of(lifeline_carry_periods=5, lifeline_month_reset=0)) == 9000 + 4000 + 9000


def test_the_month_of_a_slot_is_that_of_the_day_on_which_it_began():
    policy = policy_of(lifeline_carry_periods=5, lifeline_releases=2)
    meter = meter_at(policy, at(3, 31, 4), 1000)

    assert given(meter, at(4, 1, 3), policy) == 4500 + 1000
    assert given(meter, at(4, 1, 4), policy) == 4500
    assert given(meter, at(4, 1, 16), policy) == 4500 + 4500


def test_a_quota_never_leaves_its_field():
    policy = policy_of(lifeline_quota_ml=(1 << 48) - 1, lifeline_carry_periods=255)

    assert given(meter_at(policy, at(3, 10), 0xFFFFFFFF), at(3, 20), policy) == 0xFFFFFFFF
