"""Entries about days, modes, tariffs, controls and policies by group that cannot be are contradicted."""

from shared import kinds
from shared.checks import contradiction
from shared.civil import day_of, zone_data
from shared.entries import Entry
from shared.in_force import InForce
from shared.policy import Policy
from tests.shared.test_checks import changed, of, verdict
from tests.shared.test_state import opened, put

DAY = day_of(2026, 3, 10)
NOW_S = DAY * 86400 + 3600


def known_with(**values):
    known = InForce()
    known.add(Policy(**values))
    return known


def at_noon(state, kind, **values):
    return changed(of(state, kind, **values), time_s=NOW_S)


def test_a_day_is_closed_once_on_the_day_after_it():
    state = opened()

    assert verdict(state, at_noon(state, kinds.DAY, detail=DAY - 1)) == ""
    for day in (DAY - 2, DAY):
        assert "on another day than the one after it" in verdict(state, at_noon(state, kinds.DAY, detail=day))
    state.meters[0].day = DAY - 1
    assert "after day" in verdict(state, at_noon(state, kinds.DAY, detail=DAY - 1))


def test_a_day_is_that_of_the_policy_s_zone():
    state = opened()
    zone = InForce()
    zone.add(Policy(zone=zone_data(-120)))

    assert contradiction(state, at_noon(state, kinds.DAY, detail=DAY - 2), zone) == ""
    assert "another day" in contradiction(state, at_noon(state, kinds.DAY, detail=DAY - 1), zone)


def test_modes_and_factors_that_mean_nothing_are_contradicted():
    state = opened()

    assert verdict(state, of(state, kinds.MODE, detail=kinds.MODE_BITS)) == ""
    assert "bits that mean nothing" in verdict(state, of(state, kinds.MODE, detail=128))
    assert verdict(state, of(state, kinds.FACTOR, reference_a=500)) == ""
    assert verdict(state, of(state, kinds.FACTOR)) == "a pulse of no volume"


def test_a_tariff_never_goes_back_and_its_share_is_one_of_a_month():
    state = opened()
    state.meters[0].tariff_version = 4
    prorate = kinds.COUNTER_PRORATE

    def told(version=5, counters=kinds.COUNTER_CONTINUE, left=0, days=0, more=0):
        return verdict(
            state, of(state, kinds.TARIFF, reference_a=version, detail=counters | left << 6 | days << 11 | more)
        )

    assert (told(), told(4), told(5, prorate, 10, 30), told(5, kinds.COUNTER_RESET)) == ("", "", "", "")
    assert told(3) == "tariff version 3 after 4"
    assert told(0) == "tariff version 0 after 4"
    for values in ((5, 3), (5, 0, 0, 0, 4), (5, 0, 0, 0, 32)):
        assert "is none" in told(*values), values
    for values in ((5, prorate), (5, prorate, 10, 0), (5, prorate, 31, 30), (5, prorate, 5, 27), (5, 0, 10, 30)):
        assert "no share of a month" in told(*values), values


CONTROLS_OF_CUSTOMER = (
    kinds.CONTROL_CONFIRM,
    kinds.CONTROL_LOCK,
    kinds.CONTROL_UNLOCK,
    kinds.CONTROL_EMERGENCY_OPEN,
)


def test_the_customer_s_controls_come_from_the_keypad_and_the_operator_s_by_command():
    state = opened()
    for action in range(1, kinds.CONTROLS + 1):
        of_customer = action in CONTROLS_OF_CUSTOMER
        right, wrong = kinds.RULE_KEYPAD, kinds.RULE_COMMAND
        if not of_customer:
            right, wrong = wrong, right

        assert verdict(state, of(state, kinds.CONTROL, detail=action, rule=right)) == "", action
        assert "control {}".format(action) in verdict(state, of(state, kinds.CONTROL, detail=action, rule=wrong))
    for action in (0, kinds.CONTROLS + 1):
        assert "there is no control" in verdict(state, of(state, kinds.CONTROL, detail=action))


def test_an_emergency_opening_is_bounded_in_length_and_number():
    state = opened()
    state.meters[0].day = DAY
    known = known_with(emergency_open_s=600, emergency_open_days=30)

    def told(until_s):
        entry = at_noon(
            state, kinds.CONTROL, detail=kinds.CONTROL_EMERGENCY_OPEN, rule=kinds.RULE_KEYPAD, reference_a=until_s
        )
        return contradiction(state, entry, known)

    assert told(NOW_S + 600) == "" and "longer than" in told(NOW_S + 601)
    state.meters[0].open_day = DAY - 29
    assert "too soon" in told(NOW_S + 600)
    state.meters[0].open_day = DAY - 30
    assert told(NOW_S + 600) == ""


def test_the_policy_of_each_group_has_versions_of_its_own():
    state = opened()
    state.apply(Entry(3, 30, kinds.POLICY, detail=0, reference_a=9))
    state.apply(Entry(4, 30, kinds.POLICY, detail=3, reference_a=2))

    assert verdict(state, Entry(5, 31, kinds.POLICY, detail=3, reference_a=2)) == ""
    assert "policy version 1 after 2" in verdict(state, Entry(5, 31, kinds.POLICY, detail=3, reference_a=1))
    assert verdict(state, Entry(5, 31, kinds.POLICY, detail=5, reference_a=1)) == ""


def test_the_policy_of_a_meter_s_group_decides_about_its_supply():
    state = opened()
    known = known_with()
    known.add(Policy(7, 77, 3, reconnect_threshold=1 << 40))
    state.policies[3] = (7, 77)
    open_it = of(state, kinds.VALVE_INTENT, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)

    first = contradiction(state, open_it, known)
    put(state, kinds.MODE, detail=0, reference_a=3)

    assert first == ""
    assert "the policy says 0 by rule 4" in contradiction(state, changed(open_it, sequence=4), known)


def test_a_supply_that_waits_for_its_quota_is_one_of_lifeline():
    state = opened()

    assert "no supply state" in contradiction(state, of(state, kinds.VALVE_INTENT, detail=0x202), None)
    assert contradiction(state, of(state, kinds.VALVE_INTENT, detail=0x102), None) == ""
