"""Test tokens: they come in clear, act also while the keypad is locked, and give nobody water."""

from shared import kinds
from shared.sts.fields import ALL_TESTS_28, ALL_TESTS_36, ExtendedRead, MeterTest, SetMaximumPowerLimit
from shared.sts.token import encode
from tests.fakes.house import House
from tests.fakes.keypad import enter, press
from tests.fakes.keys import managed, tid_of

WRONG = "00000000000000000001"
ALL_TESTS = "56493153725450313471"


def digits_of(control, mfr_code=0, subclass=0):
    return encode(MeterTest(subclass, control, mfr_code), None)


def pages(house, digits, channel=0):
    return enter(house.gateway, channel, digits, house.now_ms).pages


def test_each_test_shows_its_page():
    house = House(opening_register=5000000)
    house.flow(500)

    shown = [pages(house, digits_of(1 << bit)) for bit in (2, 3, 4, 5, 6, 7, 8, 9)]

    assert shown == [
        [("register", "5.500 m3")],
        [("key", "KRN 1 KT 2")],
        [("tariff_index", "01")],
        [("keypad_test", "1")],
        [("flow_limit", "-")],
        [("tamper", "0")],
        [("flow", "0 L/h")],
        [("version", "0.1.0")],
    ]


def test_test_zero_runs_everything_in_both_forms():
    for digits in (ALL_TESTS, digits_of(ALL_TESTS_36), digits_of(ALL_TESTS_28, subclass=1)):
        assert [name for name, _value in pages(House(), digits)] == [
            "valve_test",
            "display_test",
            "register",
            "key",
            "tariff_index",
            "keypad_test",
            "flow_limit",
            "tamper",
            "flow",
            "version",
        ]


def test_several_bits_may_be_set_and_bits_without_a_test_are_passed_over():
    house = House()

    assert [name for name, _value in pages(house, digits_of(1 << 2 | 1 << 4 | 1 << 10))] == [
        "register",
        "tariff_index",
    ]
    assert house.type(digits_of(1 << 10)) == 8 and house.type(encode(ExtendedRead(3), None)) == 8


def test_tests_of_other_makers_are_refused_and_our_own_are_done():
    assert House(drn=b"01020304050").type(digits_of(4, 1)) == 1
    assert House(drn=b"01020304050").type(digits_of(4, 2)) == 14
    assert House(drn=b"0100000000008").type(digits_of(4, 100, 1)) == 1
    assert House(drn=b"0100000000008").type(digits_of(4, 101, 1)) == 14


def test_tests_are_done_while_locked_and_counted_nowhere():
    house = House()
    for _ in range(3):
        house.type(WRONG)
    sequence = house.state.sequence

    codes = [house.type(house.token(5)), house.type(digits_of(4)), house.type(ALL_TESTS[:19] + "2")]

    assert codes == [15, 1, 13] and house.meter().failures == 3 and house.state.sequence == sequence


def test_an_open_valve_is_driven_away_and_back():
    house = House()
    house.type(house.token(25))
    house.step()
    motions = house.valves[0].motions

    assert pages(house, digits_of(1)) == [("valve_test", "1")]
    house.step(1, 100)
    away = house.valves[0].is_open()
    house.step(10)

    assert not away and house.valves[0].is_open() and house.valves[0].motions == motions + 2
    last = house.entries()[-2:]
    assert [(entry.kind, entry.rule) for entry in last] == [
        (kinds.EVENT, kinds.RULE_VALVE_TEST),
        (kinds.VALVE_OUTCOME, kinds.RULE_VALVE_TEST),
    ]
    assert last[1].detail == kinds.VALVE_OPENED


def test_a_closed_valve_stays_closed_in_its_test():
    house = House()
    house.step()

    house.type(digits_of(1))
    for _ in range(100):
        house.step(1, 100)
        assert house.valves[0].is_closed()

    assert house.entries()[-1].detail == kinds.VALVE_CLOSED


def test_the_valve_is_tested_once_a_minute_at_most():
    house = House()
    house.step()
    first = pages(house, digits_of(1))
    house.step(30)
    early = pages(house, digits_of(1))
    house.step(31)

    assert (first, early, pages(house, digits_of(1))) == (
        [("valve_test", "1")],
        [("valve_test", "-")],
        [("valve_test", "1")],
    )


def test_power_lost_in_a_valve_test_ends_in_the_state_in_force():
    house = House()
    house.type(house.token(25))
    house.step()
    house.type(digits_of(1))
    house.step(1, 100)
    house.reboot()

    house.step()

    assert house.valves[0].is_open()


def test_credit_that_runs_out_during_a_test_closes_the_valve():
    house = House()
    house.trust_time()
    house.type(house.token(1))
    house.step()
    house.type(digits_of(1))
    house.step(1, 100)

    house.flow(100)
    house.step(15)

    assert house.valves[0].is_closed() and house.meter().outcome == kinds.VALVE_CLOSED


def test_the_pages_are_shown_one_after_another():
    house = House()
    house.gateway.lid(True, 10000)
    house.now_ms = 20000
    for symbol in digits_of(1 << 7 | 1 << 9):
        press(house.gateway, symbol, house.now_ms)

    shown = [house.gateway.lines(house.now_ms + at_ms) for at_ms in (0, 3000, 8000)]

    assert shown == [("ACCEPTED", ""), ("Tamper", "2"), ("Version", "0.1.0")]


def test_test_tokens_show_what_management_set():
    house = House()
    house.type(managed(SetMaximumPowerLimit(3, tid_of(50), 500)))

    assert pages(house, digits_of(1 << 6)) == [("flow_limit", "500 L/h")]


def test_no_test_is_done_by_command():
    house = House()

    house.receive(house.token_command(digits_of(1)))

    assert house.kinds()[-2:] == ["command", "refused"] and house.entries()[-2].detail == 0x108
