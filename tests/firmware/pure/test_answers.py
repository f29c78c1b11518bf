"""What a customer asks at the keypad, and what the display answers."""

from shared import kinds, return_code
from shared.civil import zone_data
from shared.tariff import decode_tariff, encode_tariff
from tests.fakes.front import NOON_S, Front


def row(time_s, result, tid, amount):
    return (
        time_s.to_bytes(4, "big") + bytes((result,)) + tid.to_bytes(4, "big") + (amount + (1 << 47)).to_bytes(6, "big")
    )


def blocks():
    """0.50 up to 6 m3 of the month, then 1.23456."""
    return decode_tariff(encode_tariff(7, 0, 1, 0, 0, 0, 0, [(6000000, 50000), (0, 123456)]))


def in_money(front, money, used_ml=0):
    meter = front.meter()
    meter.mode = kinds.MODE_CURRENCY
    meter.pots[kinds.TOKEN_CREDIT] = money
    meter.block_counter = used_ml
    front.tariff = blocks()
    return meter


def test_the_meter_number():
    assert Front().ask("#0#") == [("Meter number", "01020304050")]


def test_credit_counts_what_has_flowed():
    front = Front()
    front.registers[0].volume_ml = 1500

    assert front.ask("#1#") == [("Credit", "4.998 m3")]


def test_credit_names_what_was_borrowed_and_what_is_owed():
    front = Front()
    front.meter().pots[:] = [0, 0, -250000, 30000, 1500000]

    assert front.ask("#1#", 4) == [
        ("Credit", "0.000 m3"),
        ("Reserved", "0.030 m3"),
        ("Emerg. used", "0.250 m3"),
        ("Owed", "1.500 m3"),
    ]


def test_what_flowed_past_the_credit_is_told_where_its_charge_will_stand():
    front = Front()
    meter = front.meter()
    meter.pots[kinds.TOKEN_CREDIT] = 10000
    meter.emergency_invoked, meter.emergency_limit = 1, 50000
    shown = []
    for front.registers[0].volume_ml in (4000, 30000, 75000):
        shown.append(front.ask("#1#", 3))

    assert shown[0][0] == ("Credit", "0.006 m3")
    assert shown[1][:2] == [("Credit", "0.000 m3"), ("Emerg. used", "0.020 m3")]
    assert shown[2] == [("Credit", "0.000 m3"), ("Emerg. used", "0.050 m3"), ("Owed", "0.015 m3")]


def test_electricity_is_told_in_kwh_gas_in_m3_and_money_with_two_decimals():
    assert Front(commodity=0).ask("#1#") == [("Credit", "5.000 kWh")]
    assert Front(commodity=2).ask("#1#") == [("Credit", "5.000 m3")]
    front = Front()
    in_money(front, 1234999)
    assert front.ask("#1#") == [("Credit", "12.34")]
    front.meter().pots[kinds.TOKEN_CREDIT] = -999
    assert front.ask("#1#", 2) == [("Credit", "0.00"), ("ON", "Left        0.00")]


def test_price_block_and_the_price_to_come():
    front = Front()
    in_money(front, 100000, used_ml=2500000)

    assert front.ask("#2#", 3) == [("Price", "0.50 /m3"), ("Block", "1: 3.500 m3"), ("Next price", "1.23456 /m3")]


def test_the_last_block_has_no_price_to_come():
    front = Front()
    in_money(front, 100000, used_ml=6000000)

    assert front.ask("#2#", 2) == [("Price", "1.23456 /m3"), ("Block", "2")]


def test_where_volume_was_bought_the_meter_knows_no_price():
    assert Front().ask("#2#") == [("Price", "-")]


def test_the_reason_of_the_last_closure_and_its_local_time():
    front = Front(zone=zone_data(120))
    front.meter().closure_rule = kinds.RULE_CREDIT_EXHAUSTED
    front.meter().closure_s = NOON_S + 300

    assert front.ask("#3#", 2) == [("Last closed", "CREDIT USED UP"), ("Last closed", "2026-09-21 14:05")]


def test_a_supply_that_was_never_closed_says_so():
    assert Front().ask("#3#") == [("Last closed", "never")]


def test_days_left_follow_recent_use():
    front = Front()
    unknown = front.ask("#4#")
    front.meter().average_ml = 400000

    assert (unknown, front.ask("#4#")) == ([("Days left", "-")], [("Days left", "12")])


def test_days_left_of_money_are_reckoned_through_the_blocks():
    front = Front()
    meter = in_money(front, 50000 + 123456 * 4, used_ml=5000000)
    meter.average_ml = 1000000

    assert front.ask("#4#") == [("Days left", "5")]


def test_emergency_credit_says_its_state_and_limit():
    front = Front()
    off = front.ask("#5#")
    front = Front(emergency_limit=500000, emergency_activation=2, emergency_threshold=100000)
    enabled = front.ask("#5#", 2)
    front.meter().pots[kinds.TOKEN_CREDIT] = 50000
    selectable = front.ask("#5#")
    front.meter().emergency_invoked, front.meter().emergency_limit = 1, 500000
    front.meter().pots[kinds.TOKEN_CREDIT], front.meter().pots[kinds.EMERGENCY_CREDIT] = 0, -200000
    used = front.ask("#5#", 3)

    assert off == [("Emergency", "not offered")]
    assert enabled == [("Emergency", "not yet"), ("Limit", "0.500 m3")]
    assert selectable == [("Emergency", "type #60#")]
    assert used == [("Emergency", "in use"), ("Limit", "0.500 m3"), ("Left", "0.300 m3")]


def test_the_lifeline_left_today():
    front = Front()
    none = front.ask("#6#")
    front = Front(lifeline_quota_ml=25000)
    fresh = front.ask("#6#")
    meter = front.meter()
    meter.intent, meter.lifeline_slot, meter.lifeline_left = kinds.LIFELINE, 0xFFFFFFFF, 20000
    front.registers[0].volume_ml = 3000

    assert none == [("Lifeline left", "not offered")]
    assert (fresh, front.ask("#6#")) == ([("Lifeline left", "0.025 m3")], [("Lifeline left", "0.017 m3")])


def test_use_by_day_and_month_and_the_sums():
    front = Front()
    meter = front.meter()
    front.registers[0].volume_ml = meter.register = 9000000
    meter.day_register, meter.month_register, meter.average_ml = 8900000, 7000000, 123000
    meter.credited, meter.month_charged = 20000000, 1900000
    front.settings.meters[0].opening_register = 1000000

    assert [front.ask("#{}#".format(code))[0] for code in (7, 8, 9, 10, 13, 14, 15)] == [
        ("Used today", "0.100 m3"),
        ("This month", "2.000 m3"),
        ("Average a day", "0.123 m3"),
        ("Register", "9.000 m3"),
        ("Total used", "8.000 m3"),
        ("Total loaded", "20.000 m3"),
        ("Spent (month)", "1.900 m3"),
    ]


def test_the_last_ten_tokens_newest_first():
    front = Front()
    front.meter().recent = row(NOON_S - 86400, 1, 5, 2500000) + row(NOON_S, 1, 6, 0)

    assert front.ask("#30#", 2) == [("Token of", "2026-09-21 12:00"), ("Result", "ACCEPTED")]
    assert front.ask("#31#", 3) == [("Token of", "2026-09-20 12:00"), ("Added", "2.500 m3"), ("Result", "ACCEPTED")]
    assert front.ask("#32#") == front.ask("#39#") == [("No token", "")]


def test_the_return_code_proves_counter_token_result_and_balance():
    front = Front()
    meter = front.meter()
    meter.token_counter, meter.last_tid, meter.last_result = 10042, 777, 1
    shown = front.ask("#40#")[0]

    code = shown[1].replace(" ", "")
    candidate = (10042, 777, 1, return_code.band(5000000))
    assert shown[0] == "Return code" and shown[1][:5] == "0042 "
    assert return_code.check(front.settings.meters[0].return_key, code, 3, [candidate]) == candidate


def test_an_unknown_query_says_so():
    assert Front().ask("#99#") == [("No such query", "#99#")]
    assert Front().ask("#1234567890#") == [("No such query", "#1234567890#")]


def test_answers_speak_the_language_of_the_panel():
    front = Front(language="fr")
    front.meter().closure_rule, front.meter().closure_s = kinds.RULE_CUSTOMER_LOCK, NOON_S

    assert front.ask("#3#") == [("Dern. coupure", "FERMÉ PAR VOUS")]
