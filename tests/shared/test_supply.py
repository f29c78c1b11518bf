"""Who gets water, and by which rule: the decision as a table."""

from shared import kinds
from shared.lockout import keypad_wait_s, wait_s
from shared.policy import Floor, Policy
from shared.supply import decide, low_credit

POLICY = Policy(disablement_threshold=0, reconnect_threshold=50, untrusted_clock_cap=1000, low_credit_threshold=500)

TABLE = (
    # balance, supply now, time quality, -> supply, rule
    (1, kinds.FULL, kinds.TIME_TRUSTED, kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
    (0, kinds.FULL, kinds.TIME_TRUSTED, kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED),
    (0, kinds.FULL, kinds.TIME_DRIFTING, kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED),
    (-1, kinds.CLOSED, kinds.TIME_TRUSTED, kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED),
    (50, kinds.CLOSED, kinds.TIME_TRUSTED, kinds.CLOSED, kinds.RULE_BELOW_RECONNECT),
    (51, kinds.CLOSED, kinds.TIME_TRUSTED, kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
    (50, kinds.FULL, kinds.TIME_TRUSTED, kinds.FULL, kinds.RULE_CREDIT_AVAILABLE),
    (-999, kinds.FULL, kinds.TIME_UNKNOWN, kinds.FULL, kinds.RULE_CLOCK_UNTRUSTED),
    (-1000, kinds.FULL, kinds.TIME_UNKNOWN, kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED),
    (-999, kinds.CLOSED, kinds.TIME_UNKNOWN, kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED),
)


def test_supply_follows_the_table():
    for balance, current, quality, supply, rule in TABLE:
        assert decide(balance, current, quality, POLICY, Floor()) == (supply, rule), (balance, current, quality)


def test_supply_never_falls_below_the_floor():
    for least in (kinds.DRIP, kinds.LIFELINE, kinds.FULL):
        for balance in range(-1100, 1100, 50):
            for quality in (kinds.TIME_UNKNOWN, kinds.TIME_DRIFTING, kinds.TIME_TRUSTED):
                supply, _rule = decide(balance, kinds.CLOSED, quality, POLICY, Floor(minimum_supply=least))

                assert supply >= least


def test_low_credit_is_at_or_below_its_threshold():
    assert low_credit(500, POLICY) and not low_credit(501, POLICY)


def test_the_lock_doubles_from_ten_seconds_after_three_to_1280():
    policy = Policy()

    waits = [wait_s(failures, policy) for failures in range(13)]

    assert waits == [0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280]
    assert wait_s(65535, policy) == 1280


def test_the_keypad_has_a_count_of_its_own_over_all_meters():
    policy = Policy()

    assert [keypad_wait_s(failures, policy) for failures in (5, 6, 7, 65535)] == [0, 10, 20, 1280]
