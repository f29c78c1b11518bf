"""The states of each credit, what is available, and when emergency credit comes by itself."""

from shared import credit, kinds
from shared.policy import AUTOMATIC, NEVER, ON_KEY, Policy
from shared.state import MeterState

OFFERED = {"emergency_limit": 500, "emergency_threshold": 100, "emergency_activation": ON_KEY}


def meter_of(token=0, reserved=0, used=0, invoked=0, limit=500):
    meter = MeterState(0)
    meter.pots[kinds.TOKEN_CREDIT] = token
    meter.pots[kinds.RESERVED_CREDIT] = reserved
    meter.pots[kinds.EMERGENCY_CREDIT] = -used
    meter.emergency_invoked = invoked
    meter.emergency_limit = limit if invoked else 0
    return meter


def test_what_is_available_is_every_credit_that_may_be_drawn():
    policy = Policy(**OFFERED)

    assert credit.available(meter_of(20, 5), policy) == 25
    assert credit.available(meter_of(20, 5, used=200, invoked=1), policy) == 325
    assert credit.available(meter_of(0, 0, used=500, invoked=1), policy) == 0
    assert credit.available(meter_of(20, 5, used=200), policy) == 25
    assert credit.available(meter_of(20, 5), Policy(reserved_activation=ON_KEY)) == 20


def test_emergency_credit_goes_from_enabled_to_exhausted():
    policy = Policy(**OFFERED)

    for meter, status in (
        (meter_of(101), credit.ENABLED),
        (meter_of(100), credit.SELECTABLE),
        (meter_of(60, 40), credit.SELECTABLE),
        (meter_of(61, 40), credit.ENABLED),
        (meter_of(100, invoked=1), credit.INVOKED),
        (meter_of(0, invoked=1), credit.IN_USE),
        (meter_of(0, used=499, invoked=1), credit.IN_USE),
        (meter_of(0, used=500, invoked=1), credit.EXHAUSTED),
        (meter_of(50, used=500, invoked=1), credit.EXHAUSTED),
        (meter_of(50, used=1), credit.OFF),
    ):
        assert credit.emergency_status(meter, policy) == status, (meter.pots, meter.emergency_invoked)


def test_a_policy_without_emergency_credit_offers_none():
    assert credit.emergency_status(meter_of(), Policy(emergency_limit=500)) == credit.OFF
    assert credit.emergency_status(meter_of(), Policy(emergency_activation=ON_KEY)) == credit.OFF


def test_reserved_credit_is_selectable_on_key_and_in_use_by_itself():
    released = meter_of(0, 30)
    released.reserved_invoked = 1
    drawn = meter_of()
    drawn.reserved_invoked = 1
    for meter, activation, status in (
        (meter_of(0, 30), NEVER, credit.OFF),
        (meter_of(0, 30), AUTOMATIC, credit.IN_USE),
        (meter_of(0, 0), AUTOMATIC, credit.ENABLED),
        (meter_of(0, 30), ON_KEY, credit.SELECTABLE),
        (meter_of(0, 0), ON_KEY, credit.ENABLED),
        (released, ON_KEY, credit.IN_USE),
        (drawn, ON_KEY, credit.EXHAUSTED),
    ):
        assert credit.reserved_status(meter, Policy(reserved_activation=activation)) == status


def test_token_credit_waits_behind_reserved_credit():
    policy = Policy()

    assert credit.token_status(meter_of(20, 30), policy) == credit.INVOKED
    assert credit.token_status(meter_of(20), policy) == credit.IN_USE
    assert credit.token_status(meter_of(0, 30), policy) == credit.EXHAUSTED
    assert credit.token_status(meter_of(20, 30), Policy(reserved_activation=ON_KEY)) == credit.IN_USE


def test_emergency_credit_is_automatic_always_never_or_between_two_times():
    night = {"emergency_activation": ON_KEY, "emergency_auto_from_min": 1200, "emergency_auto_to_min": 420}
    noon = {"emergency_activation": ON_KEY, "emergency_auto_from_min": 600, "emergency_auto_to_min": 720}
    for values, minutes in (
        (night, (1200, 1439, 0, 419)),
        (noon, (600, 719)),
        ({"emergency_activation": AUTOMATIC}, (0, 720, 1439)),
    ):
        assert [minute for minute in minutes if not credit.is_automatic(Policy(**values), minute)] == []
    for values, minutes in (
        (night, (1199, 420, 720)),
        (noon, (599, 720, 0)),
        ({"emergency_activation": ON_KEY}, (0, 720, 1439)),
        ({"emergency_auto_from_min": 600, "emergency_auto_to_min": 720}, (650,)),
    ):
        assert [minute for minute in minutes if credit.is_automatic(Policy(**values), minute)] == []
