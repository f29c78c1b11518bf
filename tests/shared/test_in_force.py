"""The documents that entries are judged by are found by version and check value; what is missing leaves checks out."""

from shared import kinds
from shared.checks import contradiction
from shared.in_force import InForce
from shared.policy import Floor, Policy
from shared.tariff import decode_tariff, encode_tariff
from tests.shared.test_checks import of
from tests.shared.test_state import opened


def tariff():
    return decode_tariff(encode_tariff(1, 0, 3, 0, 0, 0, 0, [(0, 2000000)]))


def state_of(group=0, policies=(), floor=(0, 0), law=None):
    state = opened()
    for number, version, check in policies:
        state.policies[number] = (version, check)
    state.floor_version, state.floor_check = floor
    state.meters[0].group = group
    if law is not None:
        state.meters[0].tariff_version, state.meters[0].tariff_check = law.version, law.check
    return state


def laws(known, state):
    return known.laws(state, state.meters[0])


def test_a_document_counts_under_the_version_and_check_that_the_ledger_names():
    known, priced = InForce(), tariff()
    old, new = Policy(1, 11), Policy(2, 22)
    floor = Floor(4, 44)
    for document in (old, new, floor, priced):
        known.add(document)

    found = laws(known, state_of(policies=((0, 2, 22),), floor=(4, 44), law=priced))

    assert found.policy is new and found.floor is floor and found.tariff is priced
    assert laws(known, state_of(policies=((0, 1, 11),))).policy is old


def test_the_same_version_with_another_check_is_another_document():
    known, priced = InForce(), tariff()
    known.add(Policy(2, 22))
    known.add(Floor(4, 44))
    known.add(priced)
    state = state_of(policies=((0, 2, 23),), floor=(4, 45), law=priced)
    state.meters[0].tariff_check ^= 1

    found = laws(known, state)

    assert (found.policy, found.floor, found.tariff) == (None, None, None)


def test_a_group_without_a_policy_has_that_of_group_0():
    known = InForce()
    common, own = Policy(1, 11), Policy(1, 12, 3)
    known.add(common)
    known.add(own)
    policies = ((0, 1, 11), (3, 1, 12))

    assert laws(known, state_of(3, policies)).policy is own
    assert laws(known, state_of(4, policies)).policy is common


def test_a_meter_without_a_floor_has_one_that_asks_for_nothing():
    assert laws(InForce(), opened()).floor.minimum_supply == kinds.CLOSED


def test_without_the_policy_only_the_arithmetic_is_judged():
    state = opened()
    given = of(state, kinds.VALVE_INTENT, detail=kinds.CLOSED, rule=kinds.RULE_CREDIT_EXHAUSTED)
    known = InForce()

    unknown = contradiction(state, given, known), contradiction(state, given, None)
    known.add(Policy())

    assert unknown == ("", "") and "the policy says" in contradiction(state, given, known)
    assert "went back" in contradiction(state, of(state, kinds.CHARGE, register=-1), None)
