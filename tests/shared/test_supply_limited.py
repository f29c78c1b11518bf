"""Supply that is limited already, opened by hand, or closed for another reason than credit."""

from shared import kinds
from tests.shared.test_supply import ELSEWHERE, FRIENDLY, NOON_S, TRUSTED, check


def test_what_is_limited_is_not_closed_in_friendly_hours_either():
    lifeline = {"intent": kinds.LIFELINE, "lifeline_left": 5}
    drip = {"intent": kinds.DRIP, "mode": kinds.MODE_BYPASS}
    friendly = {"friendly_windows": FRIENDLY}
    arrears, held, dripping = dict(lifeline), dict(lifeline), dict(drip)
    arrears["mode"] = kinds.MODE_CREDIT | kinds.MODE_ARREARS
    held["hold"] = dripping["hold"] = 1
    check(
        (
            (lifeline, friendly, TRUSTED, (kinds.LIFELINE, kinds.RULE_FRIENDLY)),
            (arrears, friendly, TRUSTED, (kinds.LIFELINE, kinds.RULE_FRIENDLY)),
            (held, friendly, TRUSTED, (kinds.LIFELINE, kinds.RULE_FRIENDLY)),
            (held, {"closing_windows": ELSEWHERE}, TRUSTED, (kinds.LIFELINE, kinds.RULE_FRIENDLY)),
            (dripping, friendly, TRUSTED, (kinds.DRIP, kinds.RULE_FRIENDLY)),
            (held, {}, TRUSTED, (kinds.CLOSED, kinds.RULE_OPERATOR)),
        )
    )


def test_an_opening_by_hand_does_not_wait_for_the_reconnect_threshold_or_a_confirmation():
    below = {"intent": kinds.CLOSED, "credit": 9, "open_until_s": NOON_S + 1}
    armed = {"intent": kinds.CLOSED, "credit": 99, "armed": 1, "open_all_until_s": NOON_S + 1}
    check(
        (
            (below, {"reconnect_threshold": 50}, TRUSTED, (kinds.FULL, kinds.RULE_EMERGENCY_OPEN)),
            (armed, {}, TRUSTED, (kinds.FULL, kinds.RULE_OPEN_ALL)),
        )
    )


def test_behind_a_closure_that_was_not_for_credit_supply_comes_back_below_the_reconnect_threshold():
    policy = {"reconnect_threshold": 50}
    for rule in (kinds.RULE_FLOW_LIMIT, kinds.RULE_CUSTOMER_LOCK, kinds.RULE_SAFETY):
        closed = {"intent": kinds.CLOSED, "credit": 9, "closure_rule": rule}
        lifeline = {"intent": kinds.LIFELINE, "credit": 9, "closure_rule": rule, "lifeline_left": 9}
        limited = {"reconnect_threshold": 50, "lifeline_quota_ml": 9}
        check(
            (
                (closed, policy, TRUSTED, (kinds.FULL, kinds.RULE_CREDIT_AVAILABLE)),
                (lifeline, limited, TRUSTED, (kinds.LIFELINE, kinds.RULE_BELOW_RECONNECT)),
            )
        )
