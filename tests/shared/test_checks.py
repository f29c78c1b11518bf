"""An entry that does not follow from the state before it is contradicted, each way by its own sentence."""

from shared import kinds
from shared.checks import contradiction
from shared.entries import Entry
from shared.in_force import InForce
from shared.policy import Policy
from tests.shared.test_state import OPENED, meter_entry, opened, put

KNOWN = InForce()
KNOWN.add(Policy())


def verdict(state, entry, known=KNOWN):
    return contradiction(state, entry, known)


def of(state, kind, **values):
    return meter_entry(state, 0, kind, **values)


def changed(entry, **values):
    for name, value in values.items():
        setattr(entry, name, value)
    return entry


def test_honest_entries_are_not_contradicted():
    state = opened()
    for kind, values in (
        (kinds.ATTEMPT, {"detail": 1}),
        (kinds.TOKEN, {"delta": 1500000, "reference_a": 200, "reference_b": 0xABCD, "detail": 0x0201}),
        (kinds.VALVE_INTENT, {"detail": kinds.FULL, "rule": kinds.RULE_CREDIT_AVAILABLE}),
        (kinds.VALVE_OUTCOME, {"detail": kinds.VALVE_OPENED}),
        (kinds.CHARGE, {"delta": -50000, "register": 50000, "rule": kinds.RULE_CONSUMPTION}),
        (kinds.WARNING, {"detail": 1, "rule": kinds.RULE_LOW_CREDIT}),
    ):
        entry = of(state, kind, **values)

        assert verdict(state, entry) == ""
        state.apply(entry)


def test_a_balance_that_is_not_the_old_one_plus_the_delta_is_contradicted():
    state = opened()
    entry = of(state, kinds.TOKEN, delta=1500000, reference_a=200, reference_b=0xABCD)

    assert "is not" in verdict(state, changed(entry, balance=entry.balance + 1))


def test_a_charge_that_is_not_the_consumption_is_contradicted():
    state = opened()

    assert "for a consumption" in verdict(state, of(state, kinds.CHARGE, delta=-49999, register=50000))


def test_a_register_that_goes_back_or_moves_without_a_charge_is_contradicted():
    state = opened()
    put(state, kinds.CHARGE, delta=-50000, register=50000)

    assert "went back" in verdict(state, of(state, kinds.CHARGE, delta=10, register=49990))
    assert "without a charge" in verdict(state, of(state, kinds.WARNING, register=50001))


def test_a_token_used_before_or_under_another_key_or_of_nothing_is_contradicted():
    state = opened(minimum=100)
    good = {"delta": 100000, "reference_a": 200, "reference_b": 0xABCD}
    put(state, kinds.TOKEN, **good)

    assert "TID 200" in verdict(state, of(state, kinds.TOKEN, **good))
    assert "TID 100" in verdict(state, of(state, kinds.TOKEN, delta=1, reference_a=100, reference_b=0xABCD))
    assert "another key" in verdict(state, of(state, kinds.TOKEN, delta=1, reference_a=300, reference_b=1))
    assert "a token of -5" in verdict(state, of(state, kinds.TOKEN, delta=-5, reference_a=300, reference_b=0xABCD))


def test_credit_by_any_other_kind_is_contradicted():
    state = opened()

    for kind in (kinds.VALVE_INTENT, kinds.WARNING, kinds.REFUSED, kinds.ATTEMPT):
        assert "moves no balance" in verdict(state, of(state, kind, delta=5))


def test_a_valve_against_the_policy_is_contradicted():
    state = opened()
    cut = of(state, kinds.VALVE_INTENT, detail=kinds.CLOSED, rule=kinds.RULE_CREDIT_EXHAUSTED)
    empty = opened()
    put(empty, kinds.CHARGE, delta=-OPENED, register=OPENED)
    given = of(empty, kinds.VALVE_INTENT, detail=kinds.FULL, rule=kinds.RULE_CREDIT_AVAILABLE)

    assert "the policy says 3" in verdict(state, cut)
    assert "the policy says 0" in verdict(empty, given)
    assert contradiction(empty, given, None) == ""


def test_an_unopened_meter_a_gap_and_a_torn_group_are_contradicted():
    state = opened()
    foreign = meter_entry(state, 5, kinds.WARNING)
    gap = changed(of(state, kinds.WARNING), sequence=9)
    put(state, kinds.WARNING, group_left=2)

    assert "never opened" in verdict(opened(), foreign)
    assert "does not follow" in verdict(opened(), gap)
    assert "counted group" in verdict(state, of(state, kinds.WARNING, group_left=0))


def test_a_checkpoint_must_hash_the_state_and_commands_must_rise_within_bounds():
    state = opened()
    state.apply(Entry(3, 30, kinds.COMMAND, reference_a=5))

    assert verdict(state, Entry(4, 31, kinds.CHECKPOINT, digest=state.digest())) == ""
    assert "checkpoint" in verdict(state, Entry(4, 31, kinds.CHECKPOINT, digest=bytes(26)))
    assert "command 5" in verdict(state, Entry(4, 31, kinds.COMMAND, reference_a=5))
    assert "command 1006" in verdict(state, Entry(4, 31, kinds.COMMAND, reference_a=1006))


def test_versions_of_policy_and_floor_never_go_back():
    state = opened()
    state.apply(Entry(3, 30, kinds.POLICY, reference_a=4))
    state.apply(Entry(4, 30, kinds.FLOOR, reference_a=2))

    assert "policy version 3" in verdict(state, Entry(5, 31, kinds.POLICY, reference_a=3))
    assert "floor version 1" in verdict(state, Entry(5, 31, kinds.FLOOR, reference_a=1))


def test_a_meter_that_is_open_is_not_opened_again():
    state = opened()
    again = changed(of(state, kinds.METER, delta=5), balance=5)

    assert "open already" in verdict(state, again)
    assert verdict(state, meter_entry(state, 1, kinds.METER, delta=5)) == ""


def test_an_entry_of_the_gateway_is_no_meter_s_and_the_other_way_round():
    state = opened()
    state.apply(Entry(3, 30, kinds.COMMAND, reference_a=5))

    for kind in (kinds.COMMAND, kinds.POLICY, kinds.FLOOR, kinds.BOOT, kinds.TIME, kinds.TAMPER):
        assert "belongs to the gateway" in verdict(state, of(state, kind, reference_a=9))
    for kind in (kinds.CHARGE, kinds.TOKEN, kinds.ATTEMPT, kinds.REFUSED, kinds.VALVE_INTENT, kinds.METER):
        assert "belongs to a meter" in verdict(state, Entry(4, 30, kind))
    sealed = Entry(4, 30, kinds.CHECKPOINT, 0, digest=state.digest())
    assert "belongs to the gateway" in verdict(state, sealed)


def test_a_token_fills_the_pot_of_tokens_under_an_identifier_of_24_bits():
    state = opened()
    good = {"delta": 100000, "reference_a": 200, "reference_b": 0xABCD}
    other = changed(of(state, kinds.TOKEN, **good), pot=kinds.RESERVED_CREDIT, balance=100000)

    assert "pot 3" in verdict(state, other)
    assert "TID 16777216" in verdict(state, of(state, kinds.TOKEN, delta=1, reference_a=1 << 24, reference_b=0xABCD))


def test_positions_that_no_valve_has_are_contradicted():
    state = opened()

    assert "outcome 3" in verdict(state, of(state, kinds.VALVE_OUTCOME, detail=3))
    assert "supply 4" in contradiction(state, of(state, kinds.VALVE_INTENT, detail=4), None)


def test_a_warning_that_there_is_not_is_contradicted():
    state = opened()

    assert verdict(state, of(state, kinds.WARNING, detail=kinds.WARNINGS)) == ""
    assert verdict(state, of(state, kinds.WARNING, detail=0)) == "there is no warning 0"
    assert verdict(state, of(state, kinds.WARNING, detail=kinds.WARNINGS + 1)) == "there is no warning 7"
