"""By what a charge is paid: every credit in its order, each bit of the collection matrix, and who pays nothing."""

from shared import kinds
from shared.payer import (
    ALL,
    CONSUMPTION,
    FIXED_CHARGE,
    OTHERWISE,
    WHEN_DISCONNECTED,
    WHEN_FRIENDLY,
    WHEN_LIMITED,
    collects,
    payer,
    payer_of_fixed,
)
from shared.policy import AUTOMATIC, ON_KEY, Policy
from shared.state import MeterState
from tests.shared.test_supply import FRIENDLY, NOON_S, TRUSTED

POTS = (kinds.RESERVED_CREDIT, kinds.TOKEN_CREDIT, kinds.EMERGENCY_CREDIT, kinds.ACCUMULATED_DEBT)
RULES = (
    kinds.RULE_RESERVED_CREDIT,
    kinds.RULE_CONSUMPTION,
    kinds.RULE_EMERGENCY_CREDIT,
    kinds.RULE_OUT_OF_CREDIT,
)
LEFT = (30, 20, 40, ALL)
SITUATIONS = (
    # situation, supply, windows
    (WHEN_DISCONNECTED, kinds.CLOSED, b""),
    (WHEN_DISCONNECTED, kinds.CLOSED, FRIENDLY),
    (WHEN_LIMITED, kinds.LIFELINE, FRIENDLY),
    (WHEN_LIMITED, kinds.DRIP, b""),
    (WHEN_FRIENDLY, kinds.FULL, FRIENDLY),
    (OTHERWISE, kinds.FULL, b""),
)


def meter_with(reserved=0, token=0, emergency_left=0, intent=kinds.FULL, mode=0):
    meter = MeterState(0)
    meter.pots[kinds.RESERVED_CREDIT] = reserved
    meter.pots[kinds.TOKEN_CREDIT] = token
    meter.intent = intent
    meter.mode = mode
    if emergency_left:
        meter.emergency_invoked = 1
        meter.emergency_limit = 100
        meter.pots[kinds.EMERGENCY_CREDIT] = emergency_left - 100
    return meter


def rich(intent=kinds.FULL):
    return meter_with(30, 20, 40, intent)


def bit(pot, charge, situation):
    return situation << 4 * (2 * (pot - 1) + charge)


def paid(meter, policy=None, charge=CONSUMPTION, quality=TRUSTED):
    return payer(meter, NOON_S, quality, policy or Policy(), charge)


def test_reserved_credit_pays_first_then_tokens_then_emergency_then_it_is_owed():
    for meter, expected in (
        (meter_with(30, 20, 40), (kinds.RESERVED_CREDIT, kinds.RULE_RESERVED_CREDIT, 30)),
        (meter_with(0, 20, 40), (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, 20)),
        (meter_with(0, 0, 40), (kinds.EMERGENCY_CREDIT, kinds.RULE_EMERGENCY_CREDIT, 40)),
        (meter_with(0, 0, 0), (kinds.ACCUMULATED_DEBT, kinds.RULE_OUT_OF_CREDIT, ALL)),
    ):
        assert paid(meter) == expected


def test_reserved_credit_on_key_pays_once_it_is_released():
    meter = meter_with(30, 20)
    policy = Policy(reserved_activation=ON_KEY)

    locked = paid(meter, policy)
    meter.reserved_invoked = 1

    assert locked == (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, 20)
    assert paid(meter, policy) == (kinds.RESERVED_CREDIT, kinds.RULE_RESERVED_CREDIT, 30)
    assert paid(meter_with(30), Policy(reserved_activation=AUTOMATIC))[0] == kinds.RESERVED_CREDIT


def test_each_bit_of_the_collection_lets_one_credit_pay_one_charge_in_one_situation():
    for situation, intent, windows in SITUATIONS:
        for charge in (CONSUMPTION, FIXED_CHARGE):
            for at, pot in enumerate(POTS):
                policy = Policy(collection=bit(pot, charge, situation), friendly_windows=windows)
                rule = kinds.RULE_FIXED_CHARGE if charge else RULES[at]
                if windows and situation == WHEN_FRIENDLY and pot == kinds.ACCUMULATED_DEBT and not charge:
                    rule = kinds.RULE_FRIENDLY

                assert paid(rich(intent), policy, charge) == (pot, rule, LEFT[at]), (situation, charge, pot)


def test_a_bit_that_is_missing_passes_the_charge_on_to_the_next_credit():
    everything = 0xFFFFFFFF
    for situation, intent, windows in SITUATIONS:
        for charge in (CONSUMPTION, FIXED_CHARGE):
            collection = everything
            for at, pot in enumerate(POTS[:-1]):
                collection &= ~bit(pot, charge, situation)
                policy = Policy(collection=collection, friendly_windows=windows)

                assert paid(rich(intent), policy, charge)[0] == POTS[at + 1], (situation, charge, pot)


def test_what_no_credit_collects_is_not_charged():
    for situation, intent, windows in SITUATIONS:
        for charge in (CONSUMPTION, FIXED_CHARGE):
            others = 0xFFFFFFFF
            for pot in POTS:
                others &= ~bit(pot, charge, situation)
            policy = Policy(collection=others, friendly_windows=windows)

            assert paid(rich(intent), policy, charge) == (kinds.NO_POT, kinds.RULE_NOT_COLLECTED, ALL)


def test_the_bits_of_one_credit_and_charge_are_no_other_s():
    for pot in POTS:
        for charge in (CONSUMPTION, FIXED_CHARGE):
            for situation in (WHEN_DISCONNECTED, WHEN_LIMITED, WHEN_FRIENDLY, OTHERWISE):
                collection = bit(pot, charge, situation)
                found = [(p, c, s) for p in POTS for c in (0, 1) for s in (1, 2, 4, 8) if collects(collection, p, c, s)]

                assert found == [(pot, charge, situation)] and collection <= 0xFFFFFFFF


def test_an_unknown_time_is_no_friendly_one():
    policy = Policy(
        friendly_windows=FRIENDLY, collection=0xFFFFFFFF & ~bit(kinds.TOKEN_CREDIT, CONSUMPTION, WHEN_FRIENDLY)
    )

    assert paid(meter_with(token=20), policy)[0] == kinds.ACCUMULATED_DEBT
    assert paid(meter_with(token=20), policy, quality=kinds.TIME_UNKNOWN)[0] == kinds.TOKEN_CREDIT


def test_a_bulk_meter_and_one_that_is_billed_pay_nothing_here():
    for mode, rule in ((kinds.MODE_BULK, kinds.RULE_BULK), (kinds.MODE_CREDIT, kinds.RULE_CREDIT_MODE)):
        meter = meter_with(30, 20, 40, mode=mode)

        assert paid(meter) == paid(meter, charge=FIXED_CHARGE) == (kinds.NO_POT, rule, ALL)


def test_what_flows_while_closed_is_charged_up_to_a_cap():
    meter = meter_with(token=20, intent=kinds.CLOSED)
    policy = Policy(closed_flow_cap_ml=1000)
    meter.closed_flow = 999
    below = paid(meter, policy)
    meter.closed_flow = 1000

    assert below == (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, 20)
    assert paid(meter, policy) == (kinds.NO_POT, kinds.RULE_FLOW_WHILE_CLOSED, ALL)
    assert paid(meter, policy, FIXED_CHARGE)[0] == kinds.TOKEN_CREDIT


def test_a_lifeline_that_leaks_through_its_shut_valve_is_owed_up_to_the_same_cap():
    meter = meter_with(intent=kinds.LIFELINE)
    meter.shut = 1
    policy = Policy(closed_flow_cap_ml=1000, lifeline_charged=1)
    meter.closed_flow = 999
    below = paid(meter, policy)
    meter.closed_flow = 1000

    assert below == (kinds.ACCUMULATED_DEBT, kinds.RULE_LIFELINE, ALL)
    assert paid(meter, policy) == (kinds.NO_POT, kinds.RULE_FLOW_WHILE_CLOSED, ALL)


def test_a_limited_supply_without_credit_is_free_unless_the_policy_charges_it():
    for intent, rule in ((kinds.LIFELINE, kinds.RULE_LIFELINE), (kinds.DRIP, kinds.RULE_DRIP)):
        meter = meter_with(intent=intent)

        assert paid(meter) == (kinds.NO_POT, rule, ALL)
        assert paid(meter, Policy(lifeline_charged=1)) == (kinds.ACCUMULATED_DEBT, rule, ALL)
        assert paid(meter, charge=FIXED_CHARGE) == (kinds.ACCUMULATED_DEBT, kinds.RULE_FIXED_CHARGE, ALL)


def test_a_limited_supply_with_credit_is_paid_for():
    meter = meter_with(token=20, intent=kinds.LIFELINE)

    assert paid(meter) == (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, 20)
    assert paid(meter, Policy(disablement_threshold=20))[0] == kinds.NO_POT


def test_what_is_owed_says_what_keeps_the_supply_open():
    by_hand, by_all = meter_with(), meter_with()
    by_hand.open_until_s = NOON_S + 1
    by_all.open_all_until_s = NOON_S + 1
    drawn = meter_with()
    drawn.cap_drawn = 1000000
    for meter, policy, quality, rule in (
        (by_hand, Policy(), TRUSTED, kinds.RULE_EMERGENCY_OPEN),
        (by_all, Policy(), TRUSTED, kinds.RULE_OPEN_ALL),
        (meter_with(), Policy(), kinds.TIME_UNKNOWN, kinds.RULE_CLOCK_UNTRUSTED),
        (drawn, Policy(), kinds.TIME_UNKNOWN, kinds.RULE_OUT_OF_CREDIT),
        (meter_with(), Policy(calendar_expires_s=NOON_S), TRUSTED, kinds.RULE_CALENDAR_EXPIRED),
        (meter_with(), Policy(friendly_windows=FRIENDLY), TRUSTED, kinds.RULE_FRIENDLY),
        (meter_with(intent=kinds.CLOSED), Policy(friendly_windows=FRIENDLY), TRUSTED, kinds.RULE_OUT_OF_CREDIT),
    ):
        assert paid(meter, policy, quality=quality) == (kinds.ACCUMULATED_DEBT, rule, ALL)


def test_one_credit_pays_a_whole_fixed_charge_or_it_is_owed():
    meter = meter_with(token=20)
    nothing_owed = 0xFFFFFFFF & ~bit(kinds.ACCUMULATED_DEBT, FIXED_CHARGE, OTHERWISE)

    def fixed(amount, **values):
        return payer_of_fixed(meter, NOON_S, TRUSTED, Policy(**values), amount)

    assert fixed(20) == (kinds.TOKEN_CREDIT, kinds.RULE_FIXED_CHARGE)
    assert fixed(21) == (kinds.ACCUMULATED_DEBT, kinds.RULE_FIXED_CHARGE)
    assert fixed(21, collection=nothing_owed) == (kinds.NO_POT, kinds.RULE_NOT_COLLECTED)
    assert fixed(20, collection=nothing_owed) == (kinds.TOKEN_CREDIT, kinds.RULE_FIXED_CHARGE)
