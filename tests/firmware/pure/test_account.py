"""The account of a meter: who pays what flows, the end of the day, allowance, warnings, emergency credit."""

from firmware.account import SPARING_ENTRIES
from shared import kinds
from shared.policy import ON_KEY
from tests.fakes.accounts import DAY_S, TODAY, account, midnight, of_kind, paid, until, warned
from tests.fakes.auditor import audit
from tests.fakes.house import START_S, House, signed_policy

NO_WARNINGS = {"low_credit_threshold": 0, "very_low_credit_threshold": 0, "days_left_warning": 0}


def quiet(units=25, **policy):
    """An account that gives no warning."""
    given = dict(NO_WARNINGS)
    given.update(policy)
    return account(units, **given)


def test_what_flows_over_the_end_of_credits_is_cut_there_in_one_group():
    house = quiet(1, emergency_limit=200000, emergency_activation=1, allowance_day=50000, allowance_max=50000)
    until(house, midnight())
    house.flow(100)
    house.step(2)
    before = len(paid(house))

    house.flow(300)

    cut = of_kind(house, kinds.CHARGE)
    assert [(entry.pot, entry.delta) for entry in cut[:before]] == [
        (kinds.RESERVED_CREDIT, -50000),
        (kinds.TOKEN_CREDIT, -50000),
    ]
    assert [(entry.pot, entry.delta, entry.group_left) for entry in cut[before:]][:2] == [
        (kinds.TOKEN_CREDIT, -50000, 1),
        (kinds.ACCUMULATED_DEBT, 250000, 0),
    ]
    audit(house)


def test_emergency_credit_pays_behind_the_tokens_and_what_is_left_is_owed():
    house = quiet(1, emergency_limit=200000, emergency_activation=1)
    house.flow(100)
    house.step(2)

    house.flow(250)

    assert paid(house) == [
        (kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, -100000),
        (kinds.EMERGENCY_CREDIT, kinds.RULE_EMERGENCY_CREDIT, -200000),
        (kinds.ACCUMULATED_DEBT, kinds.RULE_OUT_OF_CREDIT, 50000),
    ]
    assert house.meter().pots[1:] == [0, -200000, 0, 50000]
    audit(house)


def test_a_threshold_is_charged_at_once_and_what_lies_between_waits():
    house = quiet(1, low_credit_threshold=70000)
    house.flow(29)
    before = paid(house)

    house.flow(1)

    assert before == [] and paid(house) == [(kinds.TOKEN_CREDIT, kinds.RULE_CONSUMPTION, -30000)]


def test_a_day_is_closed_at_local_midnight_with_all_that_flowed_and_the_pulses_of_the_record():
    house = quiet()
    house.flow(30)
    house.step(5)
    until(house, midnight() - 10)
    before = of_kind(house, kinds.DAY)

    until(house, midnight())

    day = of_kind(house, kinds.DAY)[-1]
    assert before == [] and (day.detail, day.register, day.reference_b) == (TODAY, 30000, 30)
    assert (house.meter().day, house.meter().day_register, house.meter().average_ml) == (TODAY, 30000, 30000 // 7)
    audit(house)


def test_days_without_power_are_closed_by_one_entry():
    house = quiet()
    house.flow(70)

    until(house, midnight(7))

    days = of_kind(house, kinds.DAY)
    assert [day.detail for day in days] == [TODAY + 6]
    assert house.meter().average_ml == 70000 // 7 // 7
    audit(house)


def test_a_day_is_closed_once_also_over_a_restart():
    house = quiet()
    until(house, midnight())

    house.reboot()
    house.step(5)

    assert len(of_kind(house, kinds.DAY)) == 1


def test_the_days_of_several_meters_are_closed_one_a_tick():
    house = House(3, policy=signed_policy(**NO_WARNINGS))
    until(house, midnight(), 1)
    first = [len(of_kind(house, kinds.DAY, channel)) for channel in range(3)]
    house.step(4)

    assert sum(first) == 1 and [len(of_kind(house, kinds.DAY, channel)) for channel in range(3)] == [1, 1, 1]


def test_the_free_allowance_comes_with_the_day_up_to_its_bound():
    house = quiet(0, allowance_day=6000, allowance_max=15000)
    until(house, midnight())
    first = house.meter().pots[kinds.RESERVED_CREDIT], house.valves[0].is_open()
    house.step(5)
    opened = house.valves[0].is_open()
    until(house, midnight(9))

    group = of_kind(house, kinds.GRANT)
    assert first[0] == 6000 and opened
    assert [(entry.delta, entry.reference_a) for entry in group] == [(6000, TODAY), (9000, TODAY + 8)]
    assert house.meter().pots[kinds.RESERVED_CREDIT] == 15000
    assert [entry.group_left for entry in of_kind(house, kinds.DAY)] == [1, 1]
    audit(house)


def test_a_bulk_meter_gets_no_allowance_and_no_warning():
    house = account(0, mode=kinds.MODE_BULK, allowance_day=6000, allowance_max=15000)
    house.flow(500)

    until(house, midnight())

    assert of_kind(house, kinds.GRANT) == [] and warned(house) == [] and house.valves[0].is_open()
    assert paid(house) == [(kinds.NO_POT, kinds.RULE_BULK, 0)]


def test_credit_mode_meters_and_moves_no_balance():
    house = account(0, mode=kinds.MODE_CREDIT)
    house.flow(500)
    house.step(5)

    assert house.valves[0].is_open() and house.meter().register == 500000 and warned(house) == []
    assert paid(house) == [(kinds.NO_POT, kinds.RULE_CREDIT_MODE, 0)]
    assert house.meter().pots[1:] == [0, 0, 0, 0]


def test_each_warning_comes_once_per_top_up():
    house = account(6, days_left_warning=0)
    for _ in range(3):
        house.flow(60)
        house.step(3)
    low = warned(house)
    for _ in range(3):
        house.flow(120)
        house.step(3)
    very_low = warned(house)
    until(house, midnight())

    assert low == [kinds.WARN_LOW_CREDIT]
    assert very_low == warned(house) == [kinds.WARN_LOW_CREDIT, kinds.WARN_VERY_LOW]
    house.type(house.token(1))
    house.step(3)
    assert warned(house)[2:] == [kinds.WARN_LOW_CREDIT]


def test_few_days_left_are_warned_of_once_per_top_up():
    house = account(25, days_left_warning=3, low_credit_threshold=0, very_low_credit_threshold=0)
    house.flow(1000)
    until(house, midnight())
    house.step(20)

    first = warned(house)
    house.flow(1200)
    house.step(5)
    second = warned(house)
    until(house, midnight(2))

    assert first == [] and second == [kinds.WARN_DAYS_LEFT]
    assert warned(house) == [kinds.WARN_DAYS_LEFT]
    house.type(house.token(1))
    house.step(5)
    assert warned(house) == [kinds.WARN_DAYS_LEFT] * 2


def test_an_offer_of_emergency_credit_is_a_warning():
    house = account(1, emergency_limit=5, emergency_threshold=40000, emergency_activation=ON_KEY, **NO_WARNINGS)
    house.flow(59)
    house.step(3)
    before = warned(house)

    house.flow(1)
    house.step(3)

    assert before == [] and warned(house) == [kinds.WARN_EMERGENCY_OFFERED]


def test_the_end_of_friendly_hours_is_warned_of_while_they_alone_keep_supply():
    first_min = START_S % DAY_S // 60 - 60
    window = bytes((0xFF,)) + first_min.to_bytes(2, "big") + (first_min + 200).to_bytes(2, "big")
    house = quiet(1, friendly_windows=window, window_warning_min=60)
    house.flow(100)
    house.step(5)
    early = warned(house), house.valves[0].is_open()

    until(house, START_S + 60 * 100)
    late = warned(house), house.valves[0].is_open()
    until(house, START_S + 60 * 145)
    house.step(10)

    assert early == ([kinds.WARN_LOW_CREDIT, kinds.WARN_VERY_LOW], True)
    assert late == (early[0] + [kinds.WARN_WINDOW_ENDS], True)
    assert house.valves[0].is_closed()


def night_credit(**values):
    """Emergency credit that comes by itself between 20:00 and 7:00."""
    given = {"emergency_limit": 60000, "emergency_activation": ON_KEY}
    given.update({"emergency_auto_from_min": 1200, "emergency_auto_to_min": 420})
    given.update(values)
    return quiet(1, **given)


def test_emergency_credit_comes_by_itself_only_at_night():
    house = night_credit()
    house.flow(100)
    house.step(5)
    by_day = house.meter().emergency_invoked, house.valves[0].is_open()

    until(house, midnight() - 4 * 3600)
    house.step(5)

    grant = of_kind(house, kinds.GRANT)[-1]
    assert by_day == (0, False) and house.valves[0].is_open()
    assert (grant.rule, grant.reference_a, grant.reference_b) == (kinds.RULE_AUTOMATIC, 0, 60000)
    audit(house)


def test_emergency_credit_is_given_once_until_it_is_repaid():
    house = night_credit()
    until(house, midnight() - 3600)
    house.flow(100)
    house.flow(70)
    house.step(5)
    used_up = house.valves[0].is_closed()
    until(house, midnight(2) - 3600)
    house.step(5)

    assert used_up and len(of_kind(house, kinds.GRANT)) == 1 and house.valves[0].is_closed()
    assert house.meter().pots[1:] == [0, -60000, 0, 10000]
    house.type(house.token(2))
    assert house.meter().pots[1:] == [200000 - 70000, 0, 0, 0] and not house.meter().emergency_invoked
    house.step(5)
    house.flow(130)
    house.step(5)
    assert len(of_kind(house, kinds.GRANT)) == 2
    audit(house)


def test_a_valve_does_not_move_when_emergency_credit_comes_by_itself():
    house = night_credit()
    until(house, midnight() - 3600)
    motions = house.valves[0].motions

    house.flow(100)
    house.flow(20)
    house.step(5)

    assert house.valves[0].motions == motions and house.meter().emergency_invoked


def test_nothing_is_invoked_while_there_is_credit():
    house = night_credit()

    until(house, midnight() - 3600)
    house.step(5)

    assert of_kind(house, kinds.GRANT) == []


def test_with_much_to_send_charges_are_written_by_the_day():
    house = quiet(25)
    for _ in range(SPARING_ENTRIES):
        house.gateway.lid(not house.state.lid_open, house.now_ms)
        house.now_ms += 10000
    before = len(paid(house))
    for _ in range(5):
        house.flow(150)
        house.step(3700, 10000)
    sparing = len(paid(house)) - before

    until(house, midnight())

    assert sparing == 0 and [delta for _pot, _rule, delta in paid(house)[before:]] == [-750000]
    assert house.balance() == 2500000 - 750000


def test_with_much_to_send_the_end_of_credit_counts_at_once():
    house = quiet(2)
    for _ in range(SPARING_ENTRIES):
        house.gateway.lid(not house.state.lid_open, house.now_ms)
        house.now_ms += 10000

    house.flow(200)
    house.step(5)

    assert house.valves[0].is_closed() and paid(house)[-1][2] == -200000


def test_an_expired_calendar_is_a_fault_once():
    house = quiet(calendar_expires_s=START_S + 1000)
    until(house, START_S + 900)
    before = of_kind(house, kinds.FAULT)

    until(house, START_S + 1000)
    house.step(30)

    faults = [entry.detail for entry in of_kind(house, kinds.FAULT)]
    assert before == [] and faults == [kinds.FAULT_CALENDAR << 8 | 1]


def test_signed_time_renews_what_may_be_drawn_without_a_clock():
    house = quiet(1, trusted=False)
    house.flow(900)
    house.step(3)
    drawn = house.meter().cap_drawn
    house.gateway.core.append(house.gateway.core.entry(kinds.TIME, detail=1, reference_a=START_S))

    assert drawn == 800000 and house.meter().cap_drawn == 0
