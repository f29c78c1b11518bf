"""Valves that fail, leak or seldom move: tries are bounded, a failed valve is left open, exercise keeps its hours."""

from shared import kinds
from shared.supply import FAILED_MAX, SHUT
from tests.fakes.accounts import account, midnight, of_kind, until
from tests.fakes.auditor import audit
from tests.fakes.house import House, signed_policy
from tests.fakes.valve import TRAVEL_MS

QUIET = {"low_credit_threshold": 0, "very_low_credit_threshold": 0, "days_left_warning": 0}
HOUR_S = 3600


def outcomes(house, channel=0):
    return [(entry.detail, entry.rule) for entry in of_kind(house, kinds.VALVE_OUTCOME, channel)]


def jammed(**policy):
    """A valve that does not close when its credit is used up, early in the day."""
    house = account(1, **policy)
    until(house, midnight() + HOUR_S)
    house.step(5)
    house.valves[0].jammed = True
    house.flow(100)
    house.step(10)
    return house


def test_a_valve_that_fails_is_tried_again_by_the_hour():
    house = jammed(**QUIET)
    first = house.valves[0].motions
    house.step(HOUR_S - 60, 10000)
    waiting = house.valves[0].motions
    house.valves[0].jammed = False
    house.step(120, 10000)

    assert waiting == first and house.valves[0].motions == first + 1
    assert outcomes(house)[-2:] == [
        (kinds.VALVE_FAILED, kinds.RULE_CREDIT_EXHAUSTED),
        (kinds.VALVE_CLOSED, kinds.RULE_RETRY),
    ]
    assert house.meter().failed_motions == 0


def test_a_valve_that_fails_too_often_is_left_open_for_the_day_and_the_utility_is_told():
    house = jammed(**QUIET)
    house.step(3 * HOUR_S, 10000)

    intent = of_kind(house, kinds.VALVE_INTENT)[-1]
    faults = [entry.detail for entry in of_kind(house, kinds.FAULT)]
    failed = [detail for detail, _rule in outcomes(house)].count(kinds.VALVE_FAILED)
    assert (intent.detail, intent.rule) == (kinds.FULL, kinds.RULE_VALVE_FAILED)
    assert failed == FAILED_MAX and faults[:1] == [kinds.FAULT_VALVE << 8 | 1]
    sequence = house.state.sequence
    house.step(6 * HOUR_S, 10000)
    assert house.state.sequence == sequence, "a jammed valve does not fill the ledger"
    audit(house)


def test_a_valve_that_was_left_open_is_tried_again_the_next_day():
    house = jammed(**QUIET)
    house.step(3 * HOUR_S, 10000)
    house.valves[0].jammed = False
    house.step(2 * HOUR_S, 10000)
    until(house, midnight(2))
    house.step(20)

    assert house.valves[0].is_closed() and house.meter().intent == kinds.CLOSED
    assert house.meter().failed_motions == 0 and not house.meter().faults >> kinds.FAULT_VALVE & 1
    audit(house)


def test_motions_are_counted_and_their_time_is_kept():
    house = account(1, **QUIET)
    house.flow(100)
    house.step(10)

    assert (house.meter().motions, house.meter().motions_today) == (2, 2)
    assert house.meter().travel_ms == TRAVEL_MS
    assert house.meter().closure_rule == kinds.RULE_CREDIT_EXHAUSTED


def test_only_one_motor_runs_at_a_time_also_when_several_are_exercised():
    house = House(3, policy=signed_policy(exercise_days=1, **QUIET))
    house.trust_time()
    for channel in range(3):
        house.type(house.token(25, channel), channel)
    house.step(30)
    until(house, midnight() + 12 * HOUR_S, 1)
    at_once = 0
    for _ in range(600):
        tick(house, 100)
        at_once = max(at_once, len([valve for valve in house.valves if valve._want is not None]))

    assert at_once == 1 and all(valve.is_open() for valve in house.valves)
    assert [len(exercises(house, channel)) for channel in range(3)] == [1, 1, 1]


def tick(house, every_ms):
    house.now_ms += every_ms
    house.clock.time_s += 1 if house.now_ms % 1000 < every_ms else 0
    house.gateway.tick(house.now_ms)


def exercises(house, channel=0):
    return [entry for entry in of_kind(house, kinds.EVENT, channel) if entry.detail == kinds.EVENT_EXERCISE]


def exercising(**policy):
    given = {"exercise_days": 2}
    given.update(QUIET)
    given.update(policy)
    return account(25, **given)


def test_a_valve_is_exercised_when_its_days_are_over_in_its_hours_and_stands_open_again():
    house = exercising()
    until(house, midnight(1) + 12 * HOUR_S)
    too_early = len(exercises(house))
    until(house, midnight(2) + 9 * HOUR_S)
    house.step(10)
    before_ten = len(exercises(house)), house.valves[0].motions

    until(house, midnight(2) + 10 * HOUR_S)
    house.step(20)

    assert (too_early, before_ten) == (0, (0, 1)) and len(exercises(house)) == 1
    assert house.valves[0].is_open() and house.valves[0].motions == 3
    assert outcomes(house)[-1] == (kinds.VALVE_OPENED, kinds.RULE_EXERCISE)
    audit(house)


def test_a_valve_is_not_exercised_again_before_its_days_are_over():
    house = exercising()
    for day in range(1, 7):
        until(house, midnight(day) + 10 * HOUR_S)
        house.step(20)
        until(house, midnight(day) + 13 * HOUR_S)
        house.step(20)

    assert len(exercises(house)) == 3


def test_after_its_hours_without_a_clock_or_while_closed_nothing_is_exercised():
    late = exercising()
    until(late, midnight(2) + 14 * HOUR_S)
    late.step(20)
    blind = account(25, trusted=False, exercise_days=2, **QUIET)
    until(blind, midnight(2) + 12 * HOUR_S)
    blind.step(20)
    closed = account(0, exercise_days=2, **QUIET)
    until(closed, midnight(2) + 12 * HOUR_S)
    closed.step(20)

    assert [len(exercises(house)) for house in (late, blind, closed)] == [0, 0, 0]


def test_power_lost_in_an_exercise_leaves_the_valve_open():
    house = exercising()
    until(house, midnight(2) + 10 * HOUR_S, 1)
    tick(house, 100)
    house.step(1)
    away = house.valves[0].position

    house.reboot()
    house.step(10)

    assert away is not True and house.valves[0].is_open()


def test_a_valve_that_leaks_is_driven_into_its_seat_again_once_an_hour():
    house = account(1, closed_flow_cap_ml=10000, **QUIET)
    house.flow(100)
    house.step(80)
    for _ in range(8):
        house.flow(1)
        house.step(2)
    house.step(10)
    first = [rule for _detail, rule in outcomes(house)].count(kinds.RULE_RETRY)
    for _ in range(7):
        house.flow(2)
        house.step(10 * 60, 10000)

    assert [entry.detail for entry in of_kind(house, kinds.FAULT)] == [kinds.FAULT_CLOSED_FLOW << 8 | 1]
    assert first == 1 and [rule for _detail, rule in outcomes(house)].count(kinds.RULE_RETRY) == 2
    assert house.valves[0].is_closed()
    audit(house)


def limited(**policy):
    """A meter that lives by a lifeline of 20 l a day, from midnight on."""
    given = {"lifeline_quota_ml": 20000, "lifeline_start_min": 0, "cycles_a_day": 1}
    given.update(QUIET)
    given.update(policy)
    house = account(1, **given)
    house.flow(100)
    house.step(10)
    return house


def test_the_lifeline_s_quota_shuts_the_valve_and_the_next_slot_opens_it():
    house = limited()
    house.flow(19)
    house.step(5)
    within = house.valves[0].is_open()
    house.flow(1)
    house.step(5)
    drawn = house.valves[0].is_closed(), house.meter().intent, house.meter().shut
    until(house, midnight())
    house.step(10)

    assert within and drawn == (True, kinds.LIFELINE, 1)
    assert house.valves[0].is_open() and house.meter().lifeline_left == 20000
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 0
    audit(house)


def test_two_releases_open_the_valve_no_more_often_than_the_policy_allows():
    house = limited(lifeline_releases=4, cycles_a_day=1)
    until(house, midnight())
    house.step(10)
    seen = []
    for hour in (1, 7, 13, 19):
        until(house, midnight() + hour * HOUR_S)
        house.step(10)
        seen.append(house.valves[0].is_open())
        house.flow(5)
        house.step(10)
    shut = [entry.detail for entry in of_kind(house, kinds.VALVE_INTENT)][-1]

    assert seen == [True, True, False, False] and shut == kinds.LIFELINE | SHUT
    assert house.meter().motions_today == 3  # it began the day open: shut, opened, shut
    until(house, midnight(2))
    house.step(10)
    assert house.valves[0].is_open()
    audit(house)


def test_a_bypass_drips_behind_a_closed_valve():
    house = account(1, mode=kinds.MODE_BYPASS, drip_allowed=1, **QUIET)
    house.valves[0].has_bypass = True
    house.flow(100)
    house.step(10)

    assert house.valves[0].is_closed() and house.valves[0].bypassed and house.meter().intent == kinds.DRIP
    house.reboot()
    house.trust_time()
    house.step(10)
    assert house.valves[0].bypassed and house.valves[0].is_closed()
    house.type(house.token(5))
    house.step(10)
    assert house.valves[0].is_open() and not house.valves[0].bypassed
