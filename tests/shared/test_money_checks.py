"""Charges, repayments and grants that do not follow from the state are contradicted, each way by its own sentence."""

from shared import kinds
from shared.checks import contradiction
from shared.civil import day_of
from shared.in_force import InForce
from shared.lifeline import SLOTS_A_DAY
from shared.money_checks import BLOCK_SHIFT, allowance
from shared.policy import AUTOMATIC, ON_KEY, Policy
from shared.tariff import decode_tariff, encode_tariff, fixed_charge
from tests.shared.test_checks import changed, of
from tests.shared.test_state import OPENED, meter_entry, opened, put

DAY = day_of(2026, 3, 10)
# 20.00 up to 6 m3, 35.00 above it, in 1/100000; 30.00 a month
TARIFF = decode_tariff(encode_tariff(1, 0, 3, 0, 0, 3000000, 31, [(6000000, 2000000), (0, 3500000)]))


def known_with(**values):
    known = InForce()
    known.add(Policy(**values))
    known.add(TARIFF)
    return known


def verdict(state, entry, **values):
    return contradiction(state, entry, known_with(**values))


def supplied(credit=OPENED, **values):
    """A meter whose supply is on, with so much credit."""
    state = opened()
    meter = state.meters[0]
    meter.pots[kinds.TOKEN_CREDIT] = credit
    meter.intent = kinds.FULL
    meter.day = meter.fixed_day = meter.allowance_day = DAY
    for name, value in values.items():
        setattr(meter, name, value)
    return state


def priced(credit=OPENED, **values):
    return supplied(
        credit, mode=kinds.MODE_CURRENCY, tariff_version=TARIFF.version, tariff_check=TARIFF.check, **values
    )


def charge(state, volume_ml, delta=None, rule=kinds.RULE_CONSUMPTION, **values):
    register = state.meters[0].register + volume_ml
    delta = -volume_ml if delta is None else delta
    return of(state, kinds.CHARGE, delta=delta, register=register, rule=rule, **values)


def priced_charge(state, volume_ml, **values):
    """What the device would write for a volume in money."""
    meter = state.meters[0]
    money, remainder = TARIFF.charge(meter.block_counter, volume_ml, meter.remainder, meter.block_share)
    index = TARIFF.block(meter.block_counter + volume_ml, meter.block_share)[0]
    reference_b = index << BLOCK_SHIFT | remainder
    return charge(state, volume_ml, -money, reference_a=TARIFF.version, reference_b=reference_b, **values)


def test_a_charge_for_nothing_is_contradicted():
    assert verdict(supplied(), charge(supplied(), 0, 0)) == "a charge for nothing"


def test_a_charge_of_more_or_less_than_the_volume_is_contradicted():
    for delta in (-999, -1001, 1000):
        assert "for a consumption of 1000" in verdict(supplied(), charge(supplied(), 1000, delta))
    assert verdict(supplied(), charge(supplied(), 1000)) == ""


def test_what_is_owed_grows_by_the_charge():
    state = supplied(0)
    owed = {"pot": kinds.ACCUMULATED_DEBT, "rule": kinds.RULE_OUT_OF_CREDIT}

    assert verdict(state, charge(state, 1000, 1000, **owed), untrusted_clock_cap=0) == ""
    assert "for a consumption" in verdict(state, charge(state, 1000, -1000, **owed), untrusted_clock_cap=0)


def test_another_payer_or_reason_than_the_state_s_is_contradicted():
    state = supplied(500)
    state.meters[0].pots[kinds.RESERVED_CREDIT] = 300

    assert "where it is pot 3, rule 36" in verdict(state, charge(state, 200))
    assert "where it is pot 1, rule 7" in verdict(supplied(), charge(supplied(), 200, rule=kinds.RULE_BULK))
    free = charge(supplied(), 200, 0, kinds.RULE_NOT_COLLECTED)
    assert "where it is pot 1, rule 7" in verdict(supplied(), free)


def test_a_charge_across_the_end_of_a_credit_is_contradicted():
    state = supplied(500)

    assert verdict(state, charge(state, 500)) == ""
    assert verdict(state, charge(state, 501)) == "more than the 500 that is left in token credit"


def test_without_the_policy_the_volume_is_judged_all_the_same():
    state = supplied(500)

    assert contradiction(state, charge(state, 501, rule=kinds.RULE_BULK), None) == ""
    assert "for a consumption" in contradiction(state, charge(state, 501, -1), None)


def test_a_charge_in_money_is_what_the_tariff_says_over_its_blocks():
    state = priced(block_counter=5999000)
    entry = priced_charge(state, 2000)

    assert (entry.delta, entry.reference_b >> BLOCK_SHIFT) == (-2000 - 3500, 1)
    assert verdict(state, entry) == ""


def test_another_price_tariff_block_or_remainder_is_contradicted():
    state = priced()

    assert "where the tariff says 2000" in verdict(state, changed_delta(state, priced_charge(state, 1000), -1999))
    assert "tariff version 4 where 3" in verdict(state, changed(priced_charge(state, 1000), reference_a=4))
    for reference_b in (1, 1 << BLOCK_SHIFT):
        entry = changed(priced_charge(state, 1000), reference_b=reference_b)
        assert "the block or the remainder" in verdict(state, entry)


def changed_delta(state, entry, delta):
    return changed(entry, delta=delta, balance=state.meters[0].pots[entry.pot] + delta)


def test_a_tariff_that_is_not_known_contradicts_no_volume():
    state = priced(credit=500)
    known = InForce()
    known.add(Policy())

    assert contradiction(state, priced_charge(state, 250), known) == ""
    assert contradiction(state, priced_charge(state, 100000), known) == ""


def test_the_last_millilitre_may_cost_more_than_is_left_and_no_more_may_be_taken():
    state = priced(credit=3)  # a millilitre costs 2

    assert verdict(state, priced_charge(state, 2)) == ""
    assert "more than the 3 that is left" in verdict(state, priced_charge(state, 3))


def fixed(state, days, last=DAY + 1, amount=None, **values):
    amount = fixed_charge(TARIFF.fixed_month, last - days + 1, days) if amount is None else amount
    given = {"delta": -amount, "detail": days, "reference_a": TARIFF.version, "reference_b": last}
    given["rule"] = kinds.RULE_FIXED_CHARGE
    given.update(values)
    return of(state, kinds.FIXED, **given)


def test_a_fixed_charge_is_for_days_that_are_over_and_at_the_tariff_s_price():
    state = priced()

    assert verdict(state, fixed(state, 1)) == ""
    assert verdict(state, fixed(state, 5, DAY + 5)) == ""
    assert "of 2 days up to day" in verdict(state, fixed(state, 2))
    assert "of 0 days up to day" in verdict(state, fixed(state, 0))
    assert "a fixed charge of 5 where it is" in verdict(state, fixed(state, 1, amount=5))
    assert "of more days" in verdict(state, fixed(state, 32, DAY + 32))
    assert "of another tariff" in verdict(state, fixed(state, 1, reference_a=4))


def test_a_fixed_charge_that_one_credit_cannot_pay_is_owed():
    state = priced(credit=5)

    assert "where it is pot 4" in verdict(state, fixed(state, 1))
    owed = fixed(state, 1)
    assert verdict(state, changed_delta(state, changed(owed, pot=kinds.ACCUMULATED_DEBT), -owed.delta)) == ""


def topped_up(amount=10000, debt=0, used=0):
    state = supplied(0)
    state.meters[0].pots[kinds.ACCUMULATED_DEBT] = debt
    state.meters[0].pots[kinds.EMERGENCY_CREDIT] = -used
    put(state, kinds.TOKEN, delta=amount, reference_a=200, reference_b=0xABCD, detail=0x0201)
    return state


def repay(state, amount, pot=kinds.ACCUMULATED_DEBT, tid=200):
    return of(state, kinds.REPAY, delta=-amount, detail=pot, reference_a=tid)


def test_a_repayment_pays_no_more_than_is_owed_out_of_its_own_token():
    state = topped_up(10000, debt=4000, used=3000)

    for pot, owed in ((kinds.ACCUMULATED_DEBT, 4000), (kinds.EMERGENCY_CREDIT, 3000)):
        assert contradiction(state, repay(state, owed, pot), None) == ""
        assert "{} is owed".format(owed) in verdict(state, repay(state, owed + 1, pot))
        assert "is owed" in verdict(state, changed(repay(state, 1, pot), delta=1, balance=10001))
        assert verdict(state, repay(state, owed, pot, tid=201)) == "a repayment without its token"
    assert verdict(state, repay(state, 5, kinds.RESERVED_CREDIT)) == "nothing is owed to pot 3"
    big = topped_up(1000, debt=4000)
    big.meters[0].pots[kinds.TOKEN_CREDIT] = 9000
    assert verdict(big, repay(big, 1001)) == "a repayment without its token"


def test_a_repayment_leaves_what_the_policy_keeps_for_service():
    state = topped_up(10001, debt=20000)

    assert verdict(state, repay(state, 7000), min_service_percent=30) == ""
    for amount in (6999, 7001):
        assert "takes 7000 after 0" in verdict(state, repay(state, amount), min_service_percent=30)


def test_a_debt_is_repaid_by_the_share_of_the_policy_and_once():
    state = topped_up(10000, debt=20000)
    share = {"debt_percent": 40}

    assert "takes 4000 after 0" in verdict(state, repay(state, 5000), **share)
    state.apply(repay(state, 4000))
    assert "4000 is repaid after 4000" in verdict(state, repay(state, 4000), **share)


def test_the_debt_comes_before_the_emergency_credit():
    state = topped_up(10000, debt=5000, used=3000)
    emergency = kinds.EMERGENCY_CREDIT

    assert "takes 3000 after 5000" in verdict(state, repay(state, 3000, emergency))
    assert verdict(state, repay(state, 5000)) == ""
    state.apply(repay(state, 5000))
    assert verdict(state, repay(state, 3000, emergency)) == ""
    state.apply(repay(state, 3000, emergency))
    assert "is owed" in verdict(state, repay(state, 1, emergency))


def test_two_repayments_together_leave_what_the_policy_keeps_for_service():
    state = topped_up(10000, debt=5000, used=5000)
    state.apply(repay(state, 5000))

    assert verdict(state, repay(state, 2000, kinds.EMERGENCY_CREDIT), min_service_percent=30) == ""
    assert "takes 2000" in verdict(state, repay(state, 2001, kinds.EMERGENCY_CREDIT), min_service_percent=30)


def grant(state, detail, pot=kinds.NO_POT, delta=0, **values):
    return of(state, kinds.GRANT, detail=detail, pot=pot, delta=delta, **values)


EMERGENCY = {"emergency_limit": 7 << 32 | 9, "emergency_threshold": 100, "emergency_activation": ON_KEY}


def emergency(state, **values):
    given = {"reference_a": 7, "reference_b": 9, "rule": kinds.RULE_KEYPAD}
    given.update(values)
    return grant(state, kinds.GRANT_EMERGENCY, **given)


def test_emergency_credit_is_granted_once_when_it_is_offered_and_with_its_limit():
    state = supplied(100)

    assert verdict(state, emergency(state), **EMERGENCY) == ""
    assert "another limit" in verdict(state, emergency(state, reference_b=10), **EMERGENCY)
    assert verdict(supplied(101), emergency(supplied(101)), **EMERGENCY) == "emergency credit is not offered"
    assert "invoked already" in verdict(supplied(emergency_invoked=1), emergency(state), **EMERGENCY)
    assert "moves no balance" in verdict(state, grant(state, kinds.GRANT_EMERGENCY, 1, 5), **EMERGENCY)


def test_emergency_credit_comes_by_itself_only_when_the_policy_says_so():
    state = supplied(100)
    entry = emergency(state, rule=kinds.RULE_AUTOMATIC)
    always = dict(EMERGENCY)
    always["emergency_activation"] = AUTOMATIC

    assert "by itself" in verdict(state, entry, **EMERGENCY)
    assert verdict(state, entry, **always) == ""


def test_a_free_allowance_is_for_days_that_are_over_up_to_its_bound():
    state = supplied(day=DAY + 3)
    policy = {"allowance_day": 200, "allowance_max": 500}

    def given(days, delta, pot=kinds.RESERVED_CREDIT):
        return verdict(state, grant(state, kinds.GRANT_ALLOWANCE, pot, delta, reference_a=DAY + days), **policy)

    assert (given(1, 200), given(3, 500)) == ("", "")
    assert given(3, 600) == "a free allowance of 600 for 3 days"
    for days, delta, pot in ((0, 0, 3), (4, 500, 3), (1, 200, 1)):
        assert "not due" in given(days, delta, pot), (days, delta, pot)


def test_an_allowance_never_takes_away():
    meter = supplied().meters[0]
    meter.pots[kinds.RESERVED_CREDIT] = 900

    assert allowance(meter, 3, 200, 500) == 0


def test_an_adjustment_needs_a_command_and_may_move_any_pot():
    state = supplied()
    for pot in range(1, kinds.POTS):
        for delta in (-5, 5):
            assert verdict(state, grant(state, kinds.GRANT_ADJUSTMENT, pot, delta, rule=kinds.RULE_COMMAND)) == ""
    for pot, delta, rule in ((1, 5, kinds.RULE_KEYPAD), (1, 0, kinds.RULE_COMMAND), (0, 0, kinds.RULE_COMMAND)):
        assert "needs a command" in verdict(state, grant(state, kinds.GRANT_ADJUSTMENT, pot, delta, rule=rule))


def test_a_lifeline_is_given_once_a_slot_and_of_the_quota_that_is_due():
    policy = {"lifeline_quota_ml": 9000, "lifeline_start_min": 0}
    state = supplied()

    def given(slot, quota):
        return verdict(state, grant(state, kinds.GRANT_LIFELINE, reference_a=slot, reference_b=quota), **policy)

    state.meters[0].lifeline_slot = 7
    assert given(7, 9000) == "the lifeline of slot 7 after slot 7"
    state.meters[0].lifeline_slot = 0
    slot = DAY * SLOTS_A_DAY
    today = changed(grant(state, kinds.GRANT_LIFELINE, reference_a=slot, reference_b=9000), time_s=DAY * 86400)
    assert verdict(state, today, **policy) == ""
    assert "is not due" in verdict(state, changed(today, reference_b=9001), **policy)
    assert "is not due" in verdict(state, changed(today, reference_a=slot + 1, reference_b=9000), **policy)


def test_reserved_credit_is_released_when_it_waits_for_a_key():
    state = supplied()
    state.meters[0].pots[kinds.RESERVED_CREDIT] = 5
    entry = grant(state, kinds.GRANT_RESERVED, rule=kinds.RULE_KEYPAD)

    assert verdict(state, entry, reserved_activation=ON_KEY) == ""
    assert "not to be released" in verdict(state, entry, reserved_activation=AUTOMATIC)
    assert "not to be released" in verdict(supplied(), entry, reserved_activation=ON_KEY)


def test_a_grant_that_there_is_not_is_contradicted():
    for detail in (0, kinds.GRANTS + 1):
        assert verdict(supplied(), grant(supplied(), detail)) == "there is no grant {}".format(detail)


def test_a_meter_entry_of_another_kind_gives_no_money():
    for kind in (kinds.DAY, kinds.MODE, kinds.TARIFF, kinds.FACTOR, kinds.CONTROL, kinds.FAULT):
        assert "moves no balance" in verdict(supplied(), meter_entry(supplied(), 0, kind, delta=5))
