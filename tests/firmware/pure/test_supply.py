"""Supply: charges, warnings and valves, with the intent in the ledger before the motion."""

from shared import kinds
from shared.supply import SHUT
from tests.fakes.house import House, signed_floor, signed_policy


def with_credit(units=25, trusted=True, **options):
    house = House(**options)
    if trusted:
        house.trust_time()
    house.type(house.token(units))
    house.step(10)
    return house


def warned(house):
    """Of what the customer was warned."""
    return [entry.detail for entry in house.entries() if entry.kind == kinds.WARNING]


def charged(house):
    """(pot, rule, delta) of every charge."""
    return [(entry.pot, entry.rule, entry.delta) for entry in house.entries() if entry.kind == kinds.CHARGE]


def test_what_flows_lowers_the_shown_balance_at_once():
    house = with_credit()

    house.flow(7)

    assert house.balance() == 2500000 - 7000
    assert house.meter().pots[kinds.TOKEN_CREDIT] == 2500000


def test_consumption_is_charged_every_100_litres_and_every_hour():
    house = with_credit()
    house.flow(99)
    before = house.kinds().count("charge")
    house.flow(1)
    by_volume = house.kinds().count("charge") - before
    house.flow(1)
    house.step(3600, 60000)

    assert (before, by_volume, house.kinds().count("charge")) == (0, 1, 2)
    assert house.meter().register == 101000


def test_an_hour_without_consumption_writes_nothing():
    house = with_credit()
    sequence = house.state.sequence

    house.step(7200, 60000)

    assert house.state.sequence == sequence


def test_the_customer_is_warned_once_per_token():
    house = with_credit(6)
    for litres in (60, 50, 60):
        house.flow(litres)
        house.step(1)
    first = warned(house)
    house.type(house.token(10))
    for litres in (930, 20):
        house.flow(litres)
        house.step(1)

    assert (first, warned(house)) == ([kinds.WARN_LOW_CREDIT], [kinds.WARN_LOW_CREDIT] * 2)


def test_the_valve_closes_when_the_credit_is_used_up():
    house = with_credit(1)

    house.flow(100)
    house.step()

    assert house.valves[0].is_closed()
    last = house.entries()[-1]
    intents = [entry for entry in house.entries() if entry.kind == kinds.VALVE_INTENT]
    assert (last.kind, last.detail, last.reference_a) == (kinds.VALVE_OUTCOME, kinds.VALVE_CLOSED, 2000)
    assert (intents[-1].detail, intents[-1].rule) == (kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED)


def test_the_valve_stays_open_until_the_last_millilitre_is_used():
    house = with_credit(1)

    house.flow(99)
    house.step()

    assert house.valves[0].is_open() and house.balance() == 1000


def test_without_a_trusted_clock_nothing_is_limited_until_the_cap_is_drawn():
    house = with_credit(1, trusted=False)

    house.flow(1099)
    house.step()
    within = house.meter().intent
    house.flow(1)
    house.step()

    assert (within, house.meter().intent) == (kinds.FULL, kinds.LIFELINE) and house.valves[0].is_open()
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == house.meter().cap_drawn == 1000000


def test_behind_the_cap_the_lifeline_gives_its_quota_and_no_more():
    house = with_credit(1, trusted=False)
    house.flow(1100)
    house.step()

    house.flow(24)
    house.step()
    within = house.valves[0].is_open()
    house.flow(1)
    house.step()

    last = [entry for entry in house.entries() if entry.kind == kinds.VALVE_INTENT][-1]
    assert within and house.valves[0].is_closed()
    assert (last.detail, last.rule) == (kinds.LIFELINE | SHUT, kinds.RULE_LIFELINE_DRAWN)
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 1000000


def test_a_restart_does_not_renew_the_cap():
    house = with_credit(1, trusted=False)
    house.flow(1099)
    house.step()
    house.reboot()

    house.flow(20)
    house.step()
    limited = house.meter().intent
    house.flow(20)
    house.step()
    house.reboot()
    house.flow(15)  # of the 20 l before it less than 10 are lost with the power
    house.step()

    assert limited == kinds.LIFELINE and house.valves[0].is_closed()


def test_time_that_becomes_trusted_closes_what_has_no_credit():
    house = with_credit(1, trusted=False)
    house.flow(200)
    house.step()

    house.trust_time()
    house.step()

    assert house.valves[0].is_closed()


def test_the_floor_keeps_supply_open():
    house = House(floor=signed_floor(1, kinds.FULL))
    house.trust_time()

    house.step()
    house.flow(500)
    house.step()

    assert house.valves[0].is_open() and house.balance() == 0
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 500000
    assert [e.rule for e in house.entries() if e.kind == kinds.VALVE_INTENT] == [kinds.RULE_FLOOR]


def test_the_reconnect_threshold_holds_a_closed_valve_closed():
    house = House(policy=signed_policy(reconnect_threshold=1000000))

    house.type(house.token(10))
    house.step()
    below = house.valves[0].is_closed()
    house.type(house.token(1))
    house.step()

    assert below and house.valves[0].is_open()


def test_the_intent_is_durable_before_the_valve_moves():
    house = House()
    house.type(house.token(25))

    seen = []
    for _step in house.gateway.tick_steps(house.now_ms):
        marked = house.gateway.core.store.marked()
        seen.append((house.kinds()[-1], marked[0] == house.state.sequence, house.valves[0].motions))

    assert ("token", False, 0) in seen and ("valve intent", True, 0) in seen
    assert seen[-1][2] == 1
    assert all(told == ("valve intent", True, 1) for told in seen if told[2])


def test_a_start_drives_the_valve_to_the_folded_intent():
    house = House()
    house.type(house.token(25))
    for _step in house.gateway.tick_steps(house.now_ms):
        if house.kinds()[-1] == "valve intent":
            break
    house.reboot()

    house.step()

    assert house.valves[0].is_open()
    last = house.entries()[-1]
    assert (last.kind, last.detail, last.rule) == (kinds.VALVE_OUTCOME, kinds.VALVE_OPENED, kinds.RULE_BOOT_RESTORE)


def test_a_valve_that_was_turned_by_hand_is_turned_back_at_the_next_start():
    house = House()
    house.valves[0].position = True
    house.reboot()

    house.step()

    assert house.valves[0].is_closed()


def test_a_start_moves_no_valve_that_stands_right():
    house = with_credit()
    motions = house.valves[0].motions

    house.reboot()
    house.step()

    assert house.valves[0].motions == motions


def test_a_jammed_valve_is_noted_and_tried_again_after_an_hour():
    house = with_credit(1)
    house.valves[0].jammed = True
    house.flow(100)
    house.step()
    failed = house.meter().outcome
    shown = house.gateway.lines(0)
    house.valves[0].jammed = False
    house.step(3700, 10000)

    assert failed == kinds.VALVE_FAILED and "VALVE FAULT" in shown[0]
    assert house.valves[0].is_closed() and house.entries()[-1].rule == kinds.RULE_RETRY


def test_only_one_motor_runs_at_a_time():
    house = House(meters=3)
    for channel in range(3):
        house.type(house.token(25, channel), channel)

    house.step(1)
    first = [valve.motions for valve in house.valves]
    house.step(15)

    assert first == [1, 0, 0] and all(valve.is_open() for valve in house.valves)


def test_the_register_goes_on_where_the_journal_left_it():
    house = with_credit()
    house.flow(59)
    house.reboot()

    lost = 59000 - (2500000 - house.balance())

    assert 0 <= lost < 10000 and house.gateway.core.registers[0].volume_ml == 59000 - lost


def test_consumption_after_closing_is_owed_up_to_a_cap_and_metered_beyond_it():
    house = with_credit(1)
    house.flow(100)
    house.step()

    house.flow(150)

    assert house.meter().register == 250000
    assert charged(house)[-2:] == [
        (kinds.ACCUMULATED_DEBT, kinds.RULE_OUT_OF_CREDIT, 10000),
        (kinds.NO_POT, kinds.RULE_FLOW_WHILE_CLOSED, 0),
    ]


def test_a_counter_that_wraps_loses_no_pulse():
    house = with_credit()
    house.gateway.pulses(0, 0x3FFFFFFE)
    before_ml = house.gateway.core.registers[0].volume_ml

    house.gateway.pulses(0, 1)

    assert house.gateway.core.registers[0].volume_ml == before_ml + 3000


def test_an_opened_lid_is_an_entry_but_not_a_flood_of_them():
    house = House()
    for at_s in range(60):
        house.gateway.lid(at_s % 2 == 1, 1000 * at_s)

    tampers = [entry.detail for entry in house.entries() if entry.kind == kinds.TAMPER]

    assert 2 <= len(tampers) <= 6 and tampers[:2] == [1, 0]


def test_a_board_that_starts_over_and_over_does_not_fill_its_ledger():
    house = House()
    for _ in range(5):
        house.reboot()

    assert house.kinds().count("boot") == 3


def test_what_flows_while_the_valve_closes_is_charged_with_its_outcome():
    house = with_credit(1)
    house.flow(100)

    house.step(1)
    house.flow(2)
    house.step(5)

    charge, outcome = house.entries()[-2:]
    assert (charge.kind, charge.delta, outcome.kind) == (kinds.CHARGE, 2000, kinds.VALVE_OUTCOME)
    assert house.meter().pots[kinds.ACCUMULATED_DEBT] == 2000 and house.meter().pots[kinds.TOKEN_CREDIT] == 0


def test_the_registers_are_made_durable_before_a_valve_moves():
    house = House(2)
    house.flow(9, 0)
    house.type(house.token(5, 1), 1)
    house.step()

    house.reboot()

    assert house.gateway.core.registers[0].volume_ml == 9000
