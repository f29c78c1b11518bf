"""Who gets water, and by which rule: the decision as tables over the state of a meter."""

from shared import kinds
from shared.policy import NEVER, Floor, Policy
from shared.state import MeterState
from shared.supply import FAILED_MAX, SHUT, decide

NOON_S = 1790000000 - 1790000000 % 86400 + 12 * 3600
EVERY_DAY = 0xFF
TRUSTED = kinds.TIME_TRUSTED


def window(first_min, last_min):
    return bytes((EVERY_DAY,)) + first_min.to_bytes(2, "big") + last_min.to_bytes(2, "big")


FRIENDLY = window(11 * 60, 13 * 60)
ELSEWHERE = window(0, 60)


def meter_of(credit=0, intent=kinds.FULL, mode=0, **values):
    """A meter with token credit, a supply and whatever else stands in its state."""
    meter = MeterState(0)
    meter.pots[kinds.TOKEN_CREDIT] = credit
    meter.intent = intent
    meter.mode = mode
    for name, value in values.items():
        setattr(meter, name, value)
    return meter


def policy_of(**values):
    given = {"reconnect_threshold": 50, "untrusted_clock_cap": 1000}
    given.update(values)
    return Policy(**given)


def decided(meter, policy=None, floor=None, quality=TRUSTED, time_s=NOON_S):
    return decide(meter, time_s, quality, policy or policy_of(), floor or Floor())


def check(rows):
    for values, policy_values, quality, expected in rows:
        assert decided(meter_of(**values), policy_of(**policy_values), quality=quality) == expected, (
            values,
            policy_values,
            quality,
        )


def test_supply_follows_credit():
    check(
        (
            ({"credit": 1}, {}, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
            ({"credit": 0}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            ({"credit": 0}, {}, kinds.TIME_DRIFTING, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            ({"credit": 0, "intent": kinds.CLOSED}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            ({"credit": 50, "intent": kinds.CLOSED}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_BELOW_RECONNECT)),
            ({"credit": 51, "intent": kinds.CLOSED}, {}, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
            ({"credit": 50}, {}, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
            ({"credit": 20}, {"disablement_threshold": 20}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            ({"credit": 21}, {"disablement_threshold": 20}, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
        )
    )


def test_emergency_and_usable_reserved_credit_keep_supply_and_what_is_not_released_does_not():
    invoked = meter_of(emergency_invoked=1, emergency_limit=500)
    drawn = meter_of(emergency_invoked=1, emergency_limit=500)
    drawn.pots[kinds.EMERGENCY_CREDIT] = -500
    reserved = meter_of()
    reserved.pots[kinds.RESERVED_CREDIT] = 5

    assert decided(invoked) == (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)
    assert decided(drawn) == (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)
    assert decided(reserved) == (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)
    assert decided(reserved, policy_of(reserved_activation=NEVER)) == (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)


def test_a_bulk_meter_and_one_that_is_billed_are_open_without_credit():
    check(
        (
            ({"mode": kinds.MODE_BULK}, {}, TRUSTED, (kinds.FULL, kinds.RULE_BULK)),
            ({"mode": kinds.MODE_BULK, "hold": 1}, {}, TRUSTED, (kinds.FULL, kinds.RULE_BULK)),
            ({"mode": kinds.MODE_CREDIT}, {}, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_MODE)),
            (
                {"mode": kinds.MODE_CREDIT, "intent": kinds.CLOSED},
                {},
                TRUSTED,
                (kinds.FULL, kinds.RULE_CREDIT_MODE),
            ),
        )
    )


def test_an_overdue_bill_limits_and_then_closes():
    trickle = kinds.MODE_CREDIT | kinds.MODE_TRICKLE
    bypass = trickle | kinds.MODE_BYPASS
    arrears = kinds.MODE_CREDIT | kinds.MODE_ARREARS
    check(
        (
            ({"mode": trickle, "lifeline_left": 9}, {}, TRUSTED, (kinds.LIFELINE, kinds.RULE_TRICKLE)),
            ({"mode": bypass}, {"drip_allowed": 1}, TRUSTED, (kinds.DRIP, kinds.RULE_TRICKLE)),
            (
                {"mode": trickle, "lifeline_left": 9},
                {"drip_allowed": 1},
                TRUSTED,
                (kinds.LIFELINE, kinds.RULE_TRICKLE),
            ),
            ({"mode": arrears}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_ARREARS)),
            ({"mode": arrears | kinds.MODE_TRICKLE}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_ARREARS)),
            ({"mode": arrears}, {"lifeline_quota_ml": 9000}, TRUSTED, (kinds.CLOSED, kinds.RULE_ARREARS)),
        )
    )


def test_friendly_hours_forbid_to_begin_closing_and_keep_nothing_open_that_is_closed():
    friendly = {"friendly_windows": FRIENDLY}
    check(
        (
            ({}, friendly, TRUSTED, (kinds.FULL, kinds.RULE_FRIENDLY)),
            ({}, {"friendly_windows": ELSEWHERE}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            ({"intent": kinds.CLOSED}, friendly, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            (
                {"intent": kinds.LIFELINE, "lifeline_left": 5},
                {"friendly_windows": FRIENDLY, "lifeline_quota_ml": 9},
                TRUSTED,
                (kinds.LIFELINE, kinds.RULE_LIFELINE),
            ),
            ({"mode": kinds.MODE_CREDIT | kinds.MODE_ARREARS}, friendly, TRUSTED, (kinds.FULL, kinds.RULE_FRIENDLY)),
        )
    )


def test_closing_windows_bind_the_operator_alone():
    check(
        (
            ({"credit": 9, "hold": 1}, {"closing_windows": ELSEWHERE}, TRUSTED, (kinds.FULL, kinds.RULE_FRIENDLY)),
            ({"credit": 9, "hold": 1}, {"closing_windows": FRIENDLY}, TRUSTED, (kinds.CLOSED, kinds.RULE_OPERATOR)),
            ({"credit": 0}, {"closing_windows": ELSEWHERE}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
        )
    )


def test_without_a_trusted_clock_a_cap_is_drawn_and_then_the_lifeline_s_quota():
    unknown = kinds.TIME_UNKNOWN
    lifeline = {"cap_drawn": 1000, "lifeline_left": 7}
    check(
        (
            ({}, {}, unknown, (kinds.FULL, kinds.RULE_CLOCK_UNTRUSTED)),
            ({"cap_drawn": 999}, {}, unknown, (kinds.FULL, kinds.RULE_CLOCK_UNTRUSTED)),
            (lifeline, {}, unknown, (kinds.LIFELINE, kinds.RULE_LIFELINE_UNTRUSTED)),
            ({"cap_drawn": 1000}, {}, unknown, (kinds.LIFELINE | SHUT, kinds.RULE_LIFELINE_DRAWN)),
            (
                {"cap_drawn": 1000, "credit": 9, "intent": kinds.LIFELINE, "lifeline_left": 7},
                {"reconnect_threshold": 8},
                unknown,
                (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
            ),
        )
    )


def test_a_restart_does_not_open_what_a_trusted_clock_closed():
    check((({"intent": kinds.CLOSED}, {}, kinds.TIME_UNKNOWN, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),))


def test_an_expired_calendar_counts_as_friendly_up_to_the_same_cap():
    expired = {"calendar_expires_s": NOON_S}
    check(
        (
            ({}, expired, TRUSTED, (kinds.FULL, kinds.RULE_CALENDAR_EXPIRED)),
            ({}, {"calendar_expires_s": NOON_S + 1}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            (
                {"cap_drawn": 1000, "lifeline_left": 1},
                expired,
                TRUSTED,
                (kinds.LIFELINE, kinds.RULE_LIFELINE_UNTRUSTED),
            ),
        )
    )


def test_an_untrusted_clock_stops_no_disconnection_that_the_operator_ordered():
    check((({"credit": 9, "hold": 1}, {}, kinds.TIME_UNKNOWN, (kinds.CLOSED, kinds.RULE_OPERATOR)),))


def test_without_credit_lifeline_comes_before_drip_and_drip_before_closing():
    both = {"lifeline_quota_ml": 9000, "drip_allowed": 1}
    bypass = {"mode": kinds.MODE_BYPASS}
    check(
        (
            ({"lifeline_left": 9, "mode": kinds.MODE_BYPASS}, both, TRUSTED, (kinds.LIFELINE, kinds.RULE_LIFELINE)),
            ({}, {"lifeline_quota_ml": 9000}, TRUSTED, (kinds.LIFELINE | SHUT, kinds.RULE_LIFELINE_DRAWN)),
            (bypass, {"drip_allowed": 1}, TRUSTED, (kinds.DRIP, kinds.RULE_DRIP)),
            ({"lifeline_left": 9}, {"drip_allowed": 1}, TRUSTED, (kinds.LIFELINE, kinds.RULE_DRIP)),
            (bypass, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
        )
    )


def test_what_lives_by_its_quota_opens_fully_only_above_the_reconnect_threshold():
    lifeline = {"intent": kinds.LIFELINE, "lifeline_left": 9}
    check(
        (
            (
                {"intent": kinds.LIFELINE, "lifeline_left": 9, "credit": 50},
                {"lifeline_quota_ml": 9},
                TRUSTED,
                (kinds.LIFELINE, kinds.RULE_BELOW_RECONNECT),
            ),
            (
                {"intent": kinds.LIFELINE, "credit": 51},
                {"lifeline_quota_ml": 9},
                TRUSTED,
                (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
            ),
            (lifeline, {"lifeline_quota_ml": 9}, TRUSTED, (kinds.LIFELINE, kinds.RULE_LIFELINE)),
        )
    )


def test_a_shut_lifeline_waits_when_the_valve_has_moved_often_enough_today():
    policy = {"lifeline_quota_ml": 9, "cycles_a_day": 2}
    yesterday = NOON_S // 86400 - 1
    shut = {"intent": kinds.LIFELINE, "shut": 1, "lifeline_left": 9, "day": yesterday, "motion_day": yesterday}
    few, often, before, unclosed = dict(shut), dict(shut), dict(shut), dict(shut)
    few["motions_today"] = 3
    often["motions_today"] = 4
    before["motions_today"] = 4
    before["motion_day"] = yesterday - 1
    unclosed.update(motions_today=4, day=yesterday - 3, motion_day=yesterday - 3)
    check(
        (
            (few, policy, TRUSTED, (kinds.LIFELINE, kinds.RULE_LIFELINE)),
            (often, policy, TRUSTED, (kinds.LIFELINE | SHUT, kinds.RULE_LIFELINE_DRAWN)),
            (before, policy, TRUSTED, (kinds.LIFELINE, kinds.RULE_LIFELINE)),
            (unclosed, policy, TRUSTED, (kinds.LIFELINE, kinds.RULE_LIFELINE)),  # no day was closed: flash is full
        )
    )


def test_safety_and_the_customer_s_lock_go_below_every_floor():
    floor = Floor(minimum_supply=kinds.FULL)
    closed = meter_of(9, safety_until_s=NOON_S + 1)
    over = meter_of(9, safety_until_s=NOON_S)

    assert decided(closed, floor=floor) == (kinds.CLOSED, kinds.RULE_SAFETY)
    assert decided(over, floor=floor) == (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)
    assert decided(meter_of(9, locked=1), floor=floor) == (kinds.CLOSED, kinds.RULE_CUSTOMER_LOCK)
    assert decided(meter_of(9, mode=kinds.MODE_BULK, locked=1)) == (kinds.CLOSED, kinds.RULE_CUSTOMER_LOCK)


def test_an_opening_by_hand_ends_with_its_time_and_does_not_beat_the_operator():
    by_key = {"open_until_s": NOON_S + 1}
    check(
        (
            (by_key, {}, TRUSTED, (kinds.FULL, kinds.RULE_EMERGENCY_OPEN)),
            ({"open_until_s": NOON_S}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
            (
                {"open_until_s": NOON_S + 1, "intent": kinds.CLOSED},
                {},
                TRUSTED,
                (kinds.FULL, kinds.RULE_EMERGENCY_OPEN),
            ),
            ({"open_until_s": NOON_S + 1, "hold": 1}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_OPERATOR)),
            ({"open_all_until_s": NOON_S + 1, "hold": 1}, {}, TRUSTED, (kinds.FULL, kinds.RULE_OPEN_ALL)),
            ({"open_all_until_s": NOON_S, "hold": 1}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_OPERATOR)),
        )
    )


def test_a_valve_that_fails_too_often_is_left_open():
    check(
        (
            ({"failed_motions": FAILED_MAX}, {}, TRUSTED, (kinds.FULL, kinds.RULE_VALVE_FAILED)),
            ({"failed_motions": FAILED_MAX - 1}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
        )
    )


def test_an_armed_meter_opens_when_it_is_confirmed():
    armed = {"reconnect_armed": 1}
    closed = {"credit": 99, "intent": kinds.CLOSED}
    confirmed = {"credit": 99, "intent": kinds.CLOSED, "confirmed": 1}
    by_operator = {"credit": 99, "intent": kinds.CLOSED, "armed": 1}
    check(
        (
            (closed, armed, TRUSTED, (kinds.CLOSED, kinds.RULE_ARMED)),
            (by_operator, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_ARMED)),
            (confirmed, armed, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
            ({"credit": 99}, armed, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
            (
                {"credit": 99, "intent": kinds.LIFELINE, "lifeline_left": 9},
                armed,
                TRUSTED,
                (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
            ),
        )
    )


def test_too_much_flow_pauses_whatever_is_open():
    check(
        (
            ({"credit": 9, "paused": 1}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_FLOW_LIMIT)),
            ({"paused": 1}, {"friendly_windows": FRIENDLY}, TRUSTED, (kinds.CLOSED, kinds.RULE_FLOW_LIMIT)),
            ({"paused": 1}, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)),
        )
    )


def test_supply_never_falls_below_the_floor():
    for least in (kinds.DRIP, kinds.LIFELINE, kinds.FULL):
        for credit in (0, 30, 99):
            for intent in (kinds.CLOSED, kinds.DRIP, kinds.LIFELINE, kinds.FULL):
                for quality in (kinds.TIME_UNKNOWN, kinds.TIME_DRIFTING, kinds.TIME_TRUSTED):
                    for values in ({}, {"hold": 1}, {"paused": 1}, {"mode": kinds.MODE_CREDIT | kinds.MODE_ARREARS}):
                        meter = meter_of(credit, intent, **values)

                        by_floor, rule = decided(meter, floor=Floor(minimum_supply=least), quality=quality)
                        by_policy, _rule = decided(meter, policy_of(least_supply=least), quality=quality)

                        assert by_floor & 0xFF >= least and by_policy == by_floor
                        assert rule != kinds.RULE_FLOOR or credit < 99 or values


def test_critical_need_gets_the_lifeline_at_least():
    need = meter_of(mode=kinds.MODE_CRITICAL, lifeline_left=9)
    plain = meter_of(lifeline_left=9)

    assert decided(need) == (kinds.LIFELINE, kinds.RULE_CRITICAL)
    assert decided(need, floor=Floor(critical_supply=kinds.FULL)) == (kinds.FULL, kinds.RULE_CRITICAL)
    assert decided(need, floor=Floor(critical_supply=kinds.CLOSED)) == (kinds.LIFELINE, kinds.RULE_CRITICAL)
    assert decided(plain) == (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)


def test_drip_needs_a_bypass_and_is_lifeline_without():
    floor = Floor(minimum_supply=kinds.DRIP)

    assert decided(meter_of(mode=kinds.MODE_BYPASS), floor=floor) == (kinds.DRIP, kinds.RULE_FLOOR)
    assert decided(meter_of(lifeline_left=9), floor=floor) == (kinds.LIFELINE, kinds.RULE_FLOOR)
    assert decided(meter_of(), floor=floor) == (kinds.LIFELINE | SHUT, kinds.RULE_LIFELINE_DRAWN)
