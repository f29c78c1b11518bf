"""Supply: charges, warnings and valves, with the intent in the ledger before the motion."""

from shared import kinds
from tests.fakes.auditor import audit
from tests.fakes.house import House, signed_floor, signed_policy


def with_credit(units=25, trusted=True, **options):
    house = House(**options)
    if trusted:
        house.trust_time()
    house.type(house.token(units))
    house.step(10)
    return house


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
    house.flow(60)
    house.flow(50)
    house.flow(60)
    first = house.kinds().count("warning")
    house.type(house.token(10))
    house.flow(930)
    house.flow(20)

    assert (first, house.kinds().count("warning")) == (1, 2)


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


def test_without_a_trusted_clock_nothing_closes_until_the_cap_is_drawn():
    house = with_credit(1, trusted=False)

    house.flow(1099)
    house.step()
    within = house.valves[0].is_open()
    house.flow(1)
    house.step()

    assert within and house.valves[0].is_closed()


def test_a_restart_does_not_renew_the_cap():
    house = with_credit(1, trusted=False)
    house.flow(1099)
    house.step()
    house.reboot()

    house.flow(20)
    house.step()

    assert house.valves[0].is_closed()


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

    assert house.valves[0].is_open() and house.balance() == -500000
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

    assert house.kinds()[-1] == "valve intent" and house.valves[0].motions == 0
    house.step()
    assert house.valves[0].motions == 1


def test_a_start_drives_the_valve_to_the_folded_intent():
    house = House()
    house.type(house.token(25))
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


def test_consumption_after_closing_is_charged_all_the_same():
    house = with_credit(1)
    house.flow(100)
    house.step()

    house.flow(150)

    assert house.balance() == -150000


def test_a_counter_that_wraps_loses_no_pulse():
    house = with_credit()
    house.gateway.start_pulses(0, 0x3FFFFFFE)

    house.gateway.pulses(0, 1)

    assert house.balance() == 2500000 - 3000


def test_a_full_flash_goes_on_metering_and_closing():
    house = with_credit(1)
    core = house.gateway.core
    core.store._free_bytes = 20000

    house.flow(100)
    house.step()

    assert house.balance() == 0 and house.valves[0].is_closed()


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
    assert (charge.kind, charge.delta, outcome.kind) == (kinds.CHARGE, -2000, kinds.VALVE_OUTCOME)
    assert house.meter().pots[kinds.TOKEN_CREDIT] == -2000


def test_a_flash_that_is_full_to_the_last_byte_still_closes_and_opens():
    house = with_credit(1)
    store = house.gateway.core.store
    store._free_bytes = 0
    house.flow(100)
    house.step()
    closed = house.valves[0].is_closed()

    store._free_bytes = 100000
    house.step()
    house.type(house.token(5))
    house.step()

    assert closed and house.valves[0].is_open()
    assert house.kinds().count("valve intent") == 3
    audit(house)


def test_the_registers_are_made_durable_before_a_valve_moves():
    house = House(2)
    house.flow(9, 0)
    house.type(house.token(5, 1), 1)
    house.step()

    house.reboot()

    assert house.gateway.core.registers[0].volume_ml == 9000


def test_a_flash_that_refuses_every_write_still_meters_closes_and_answers():
    house = with_credit(1)
    house.flash.refuse_after = 0
    house.flow(100)
    house.gateway.lid(True, house.now_ms + 20000)
    house.step(7200, 10000)
    refused = house.type(house.token(5))
    closed = house.valves[0].is_closed()
    house.flow(5)
    shown = house.balance()

    house.flash.refuse_after = None
    taken = house.type(house.token(5))
    house.step()

    assert closed and (refused, taken, shown) == (16, 1, -5000)
    assert house.valves[0].is_open()
    audit(house)


def test_a_start_on_a_flash_that_refuses_every_write_still_meters():
    house = with_credit(1)
    house.flash = house.flash.after_reboot()
    house.flash.refuse_after = 0
    house.start()
    house.trust_time()

    house.flow(100)
    house.step()

    assert house.valves[0].is_closed() and house.gateway.recovery == ""


def test_starts_do_not_take_the_room_that_is_kept_for_tokens():
    house = House()
    before = house.state.sequence
    house.flash.capacity_bytes = 20000
    house.reboot()

    assert house.state.sequence == before
