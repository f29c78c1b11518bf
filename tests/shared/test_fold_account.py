"""What charges, days, tariffs, grants and controls do to the state of a meter."""

from shared import kinds
from shared.civil import day_of
from shared.entries import Entry
from shared.fold import amount_of_last
from shared.tariff import UNIT
from tests.shared.test_money_checks import TARIFF
from tests.shared.test_state import OPENED, opened, put

DAY = day_of(2026, 3, 30)


def meter_with(**values):
    state = opened()
    for name, value in values.items():
        setattr(state.meters[0], name, value)
    return state, state.meters[0]


def charge(state, volume_ml, **values):
    register = state.meters[0].register + volume_ml
    put(state, kinds.CHARGE, delta=-volume_ml, register=register, **values)


def test_a_charge_counts_where_its_volume_belongs():
    for intent, rule, name, expected in (
        (kinds.FULL, kinds.RULE_CLOCK_UNTRUSTED, "cap_drawn", 300),
        (kinds.FULL, kinds.RULE_CALENDAR_EXPIRED, "cap_drawn", 300),
        (kinds.FULL, kinds.RULE_CONSUMPTION, "cap_drawn", 0),
        (kinds.CLOSED, kinds.RULE_CONSUMPTION, "closed_flow", 300),
        (kinds.FULL, kinds.RULE_CONSUMPTION, "closed_flow", 0),
        (kinds.LIFELINE, kinds.RULE_LIFELINE, "lifeline_left", 700),
        (kinds.FULL, kinds.RULE_CONSUMPTION, "lifeline_left", 1000),
        (kinds.FULL, kinds.RULE_CONSUMPTION, "block_counter", 300),
    ):
        state, meter = meter_with(intent=intent, lifeline_left=1000)

        charge(state, 300, rule=rule)

        assert getattr(meter, name) == expected, (intent, rule, name)


def test_a_quota_is_never_below_nothing():
    state, meter = meter_with(intent=kinds.LIFELINE, lifeline_left=100)

    charge(state, 300)

    assert meter.lifeline_left == 0


def test_what_is_charged_in_a_month_counts_what_is_owed_and_fixed_too():
    state, meter = meter_with()
    charge(state, 300)
    put(state, kinds.CHARGE, pot=kinds.ACCUMULATED_DEBT, delta=200, register=500)
    put(state, kinds.FIXED, delta=-70, detail=1, reference_b=DAY)

    assert meter.month_charged == 570 and meter.fixed_day == DAY


def test_only_an_account_in_money_carries_a_remainder():
    for mode, remainder in ((0, 0), (kinds.MODE_CURRENCY, 0x54321)):
        state, meter = meter_with(mode=mode)

        charge(state, 300, reference_b=3 << 20 | 0x54321)

        assert meter.remainder == remainder


def test_signed_time_renews_the_cap_of_every_meter_and_other_time_does_not():
    state, meter = meter_with(cap_drawn=900)

    state.apply(Entry(state.sequence + 1, 30, kinds.TIME, detail=0))
    kept = meter.cap_drawn
    state.apply(Entry(state.sequence + 1, 30, kinds.TIME, detail=1))

    assert (kept, meter.cap_drawn) == (900, 0)


def test_a_day_moves_the_figures_of_the_day_and_a_seventh_of_the_average():
    state, meter = meter_with(day=DAY - 2, average_ml=7000, day_register=0)
    charge(state, 14000)
    meter.warned, meter.failed_motions = 0x3F, 3

    put(state, kinds.DAY, detail=DAY - 1)

    assert (meter.day, meter.day_register, meter.average_ml) == (DAY - 1, 14000, 8000)
    assert (meter.warned, meter.failed_motions, meter.month_charged) == (0x0F, 0, 14000)


def test_the_use_of_several_days_counts_as_their_average():
    state, meter = meter_with(day=DAY - 8, average_ml=7000)
    charge(state, 98000)

    put(state, kinds.DAY, detail=DAY - 1)

    assert meter.average_ml == (7000 * 6 + 98000 // 7) // 7


def test_the_first_day_of_a_month_begins_its_figures_anew():
    state, meter = meter_with(day=DAY - 1, block_share=9, block_counter=5)
    charge(state, 400)
    put(state, kinds.DAY, detail=DAY)
    within = meter.block_counter, meter.block_share, meter.month_charged, meter.month_register

    put(state, kinds.DAY, detail=DAY + 1)

    assert within == (405, 9, 400, 0)
    assert (meter.block_counter, meter.block_share, meter.month_charged, meter.month_register) == (0, 0, 0, 400)


def test_a_tariff_keeps_the_counter_or_begins_it_anew_with_its_share():
    for detail, counter, share in (
        (kinds.COUNTER_CONTINUE, 500, 7),
        (kinds.COUNTER_RESET, 0, 0),
        (kinds.COUNTER_PRORATE | 10 << 6 | 30 << 11, 0, 10 << 8 | 30),
    ):
        state, meter = meter_with(block_counter=500, block_share=7)

        put(state, kinds.TARIFF, detail=detail, reference_a=5, reference_b=55)

        assert (meter.block_counter, meter.block_share) == (counter, share)
        assert (meter.tariff_version, meter.tariff_check) == (5, 55)


def test_another_group_has_other_tariffs():
    state, meter = meter_with(tariff_version=5, tariff_check=55)
    put(state, kinds.MODE, detail=kinds.MODE_CURRENCY, reference_a=0)
    same = meter.tariff_version, meter.mode

    put(state, kinds.MODE, detail=0, reference_a=2)

    assert same == (5, kinds.MODE_CURRENCY) and (meter.group, meter.tariff_version, meter.tariff_check) == (2, 0, 0)


def test_a_repayment_moves_credit_to_what_is_owed():
    state, meter = meter_with(emergency_invoked=1)
    meter.pots[kinds.ACCUMULATED_DEBT], meter.pots[kinds.EMERGENCY_CREDIT] = 400, -300

    put(state, kinds.REPAY, delta=-400, detail=kinds.ACCUMULATED_DEBT)
    put(state, kinds.REPAY, delta=-299, detail=kinds.EMERGENCY_CREDIT)
    still = meter.emergency_invoked
    put(state, kinds.REPAY, delta=-1, detail=kinds.EMERGENCY_CREDIT)

    assert meter.pots[1:] == [OPENED - 700, 0, 0, 0] and meter.repaid == 700
    assert (still, meter.emergency_invoked) == (1, 0)


def test_a_token_forgets_warnings_and_offers_unused_emergency_credit_anew():
    for used, invoked in ((0, 0), (-5, 1)):
        state, meter = meter_with(warned=0x3F, emergency_invoked=1, repaid=9)
        meter.pots[kinds.EMERGENCY_CREDIT] = used

        put(state, kinds.TOKEN, delta=700, reference_a=200, detail=0x0201)

        assert (meter.warned, meter.emergency_invoked, meter.repaid) == (0, invoked, 0)
        assert (meter.token_counter, meter.last_tid, meter.last_result, amount_of_last(meter)) == (1, 200, 1, 700)


def test_each_warning_is_a_bit():
    state, meter = meter_with()

    for warning in (1, 3, 6):
        put(state, kinds.WARNING, detail=warning)

    assert meter.warned == 0b100101


def test_grants_set_what_they_give():
    state, meter = meter_with()
    put(state, kinds.GRANT, detail=kinds.GRANT_EMERGENCY, reference_a=1, reference_b=2)
    put(state, kinds.GRANT, detail=kinds.GRANT_LIFELINE, reference_a=20500, reference_b=9000)
    put(state, kinds.GRANT, detail=kinds.GRANT_ALLOWANCE, pot=kinds.RESERVED_CREDIT, delta=50, reference_a=DAY)
    put(state, kinds.GRANT, detail=kinds.GRANT_RESERVED)

    assert (meter.emergency_invoked, meter.emergency_limit) == (1, (1 << 32) + 2)
    assert (meter.lifeline_slot, meter.lifeline_left) == (20500, 9000)
    assert (meter.allowance_day, meter.pots[kinds.RESERVED_CREDIT], meter.reserved_invoked) == (DAY, 50, 1)


def test_controls_set_what_they_say():
    state, meter = meter_with(day=DAY)

    def did(action, until_s=0):
        put(state, kinds.CONTROL, detail=action, reference_a=until_s)
        return meter.hold, meter.armed, meter.confirmed

    assert did(kinds.CONTROL_DISCONNECT) == (1, 0, 0)
    assert did(kinds.CONTROL_ARM) == (0, 1, 0)
    assert did(kinds.CONTROL_CONFIRM) == (0, 0, 1)
    assert did(kinds.CONTROL_DISCONNECT) == (1, 0, 0)
    assert did(kinds.CONTROL_CONNECT) == (0, 0, 1)
    did(kinds.CONTROL_LOCK)
    locked = meter.locked
    did(kinds.CONTROL_UNLOCK)
    assert (locked, meter.locked) == (1, 0)
    did(kinds.CONTROL_SAFETY, 500)
    did(kinds.CONTROL_EMERGENCY_OPEN, 600)
    did(kinds.CONTROL_OPEN_ALL, 700)
    assert (meter.safety_until_s, meter.open_until_s, meter.open_day, meter.open_all_until_s) == (500, 600, DAY, 700)


def test_a_closing_keeps_its_reason_and_forgets_a_confirmation():
    state, meter = meter_with(intent=kinds.FULL, confirmed=1, closed_flow=5)
    put(state, kinds.VALVE_INTENT, detail=0x100 | kinds.LIFELINE, rule=kinds.RULE_LIFELINE_DRAWN)

    assert (meter.intent, meter.shut, meter.is_open()) == (kinds.LIFELINE, 1, False)
    assert (meter.closure_rule, meter.closure_s, meter.closed_flow, meter.confirmed) == (23, 20, 0, 0)
    put(state, kinds.VALVE_INTENT, detail=kinds.LIFELINE, rule=kinds.RULE_LIFELINE)
    assert meter.is_open() and meter.closure_rule == kinds.RULE_LIFELINE_DRAWN


def test_motions_are_counted_by_the_day_and_failures_in_a_row():
    state, meter = meter_with(day=DAY, motion_day=DAY - 1, motions_today=9)
    for outcome in (kinds.VALVE_OPENED, kinds.VALVE_FAILED, kinds.VALVE_FAILED):
        put(state, kinds.VALVE_OUTCOME, detail=outcome, reference_a=1500)
    failed = meter.failed_motions, meter.motions_today
    put(state, kinds.VALVE_OUTCOME, detail=kinds.VALVE_OPENED, rule=kinds.RULE_VALVE_FAILED)
    left_open = meter.failed_motions
    put(state, kinds.VALVE_OUTCOME, detail=kinds.VALVE_CLOSED)

    assert failed == (2, 3) and (left_open, meter.failed_motions, meter.motions) == (2, 0, 3)


def test_an_exercise_notes_its_day_and_a_fault_its_bit():
    state, meter = meter_with(day=DAY)
    put(state, kinds.EVENT, detail=kinds.EVENT_EXERCISE)
    put(state, kinds.FAULT, detail=kinds.FAULT_VALVE << 8 | 1)
    put(state, kinds.FAULT, detail=kinds.FAULT_LEAK << 8 | 1)
    put(state, kinds.FAULT, detail=kinds.FAULT_VALVE << 8)

    assert (meter.exercised_day, meter.faults) == (DAY, 1 << kinds.FAULT_LEAK)


def test_a_share_or_a_remainder_that_cannot_be_leaves_a_state_that_can_be_judged():
    for left, days in ((5, 0), (31, 30), (0, 30), (5, 27)):
        state, meter = meter_with(mode=kinds.MODE_CURRENCY)

        put(state, kinds.TARIFF, detail=kinds.COUNTER_PRORATE | left << 6 | days << 11, reference_a=5)
        charge(state, 300, reference_b=0xFFFFF)

        assert meter.block_share == 0 and meter.remainder == UNIT - 1
        TARIFF.charge(meter.block_counter, 300, meter.remainder, meter.block_share)


def test_reserved_credit_that_comes_when_the_last_is_used_up_waits_for_its_key_again():
    state, meter = meter_with(reserved_invoked=1)
    more = {"pot": kinds.RESERVED_CREDIT, "delta": 50, "detail": kinds.GRANT_ALLOWANCE, "reference_a": DAY}

    put(state, kinds.GRANT, **more)
    assert meter.reserved_invoked == 0

    meter.reserved_invoked = 1
    put(state, kinds.GRANT, **more)
    assert meter.reserved_invoked == 1 and meter.pots[kinds.RESERVED_CREDIT] == 100


def test_emergency_credit_in_one_unit_is_none_in_the_other():
    state, meter = meter_with(emergency_invoked=1, emergency_limit=500, month_charged=7)

    put(state, kinds.MODE, detail=kinds.MODE_CRITICAL)
    assert (meter.emergency_invoked, meter.month_charged) == (1, 7)

    put(state, kinds.MODE, detail=kinds.MODE_CURRENCY)
    assert (meter.emergency_invoked, meter.month_charged) == (0, 0)


def test_a_forged_repayment_leaves_pots_that_can_be_written():
    for delta in ((1 << 47) - 1, -(1 << 47)):
        for pot in (kinds.ACCUMULATED_DEBT, kinds.EMERGENCY_CREDIT):
            state, meter = meter_with()
            for _ in range(3):
                meter.pots[kinds.TOKEN_CREDIT] = 0
                put(state, kinds.REPAY, detail=pot, delta=delta)
                state.to_bytes()


def test_a_fixed_charge_is_due_for_the_days_that_the_last_day_entry_closed():
    state, meter = meter_with(day=DAY, fixed_day=DAY - 90)

    put(state, kinds.DAY, detail=DAY + 3)

    assert (meter.day, meter.fixed_day) == (DAY + 3, DAY)
