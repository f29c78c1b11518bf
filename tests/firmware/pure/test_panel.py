"""Keypad and display: entry, choice of the meter, aliases, PINs, and what is shown for how long."""

from firmware.panel.digits import PIN_EVENT, QUERY_EVENT, TOKEN_EVENT, Digits
from firmware.panel.pins import Pins
from shared import aliases, kinds
from shared.return_code import pin
from tests.fakes.front import Front
from tests.fakes.house import House
from tests.fakes.keypad import press

TOKEN = "12345678901234567890"


def typed(keys, text, now_ms=0):
    """The last event of some keys."""
    event = None
    for key in text:
        event = keys.press(key, now_ms) or event
    return event


def pin_of(front, channel):
    return pin(front.settings.meters[channel].return_key)


def test_twenty_digits_are_a_token():
    keys = Digits([0])

    assert typed(keys, TOKEN[:19]) is None
    assert keys.press("0", 0) == (TOKEN_EVENT, 0, TOKEN)
    assert keys.typed == ""


def test_the_star_takes_back_a_digit():
    assert typed(Digits([0]), "99**" + TOKEN) == (TOKEN_EVENT, 0, TOKEN)


def test_a_hash_behind_too_few_digits_sends_them_as_they_are():
    assert typed(Digits([0]), "1234#") == (TOKEN_EVENT, 0, "1234")


def test_a_query_stands_between_two_hashes():
    assert typed(Digits([0]), "#14#") == (QUERY_EVENT, 0, "14")
    assert typed(Digits([0]), "#7*10#") == (QUERY_EVENT, 0, "10")


def test_two_hashes_confirm_the_reconnection():
    assert typed(Digits([0]), "##") == (QUERY_EVENT, 0, "62")


def test_an_entry_that_is_left_for_20_seconds_is_forgotten():
    keys = Digits([0])
    typed(keys, "1234", 0)

    keys.press("5", 19999)
    kept = keys.typed
    keys.press("6", 39999)

    assert (kept, keys.typed) == ("12345", "6")


def test_with_several_meters_the_meter_is_chosen_first():
    keys = Digits([0, 2])

    assert typed(keys, "5" + "2" + "3" + TOKEN) == (TOKEN_EVENT, 2, TOKEN)
    assert typed(keys, "##*" + "51#1#") == (QUERY_EVENT, 0, "1")


def test_a_choice_can_be_left():
    keys = Digits([0, 1])

    typed(keys, "5*")
    typed(keys, "51*")

    assert keys.state == 0


def test_a_pin_ends_with_its_fourth_digit_and_can_be_left():
    keys = Digits([0, 1])
    keys.ask_pin(1, 0)

    assert typed(keys, "12*345") == (PIN_EVENT, 1, "1345")
    keys.ask_pin(1, 0)
    typed(keys, "#1**")
    assert keys.state == 0


def test_the_entry_is_shown_in_fours_with_its_count():
    front = Front()
    front.press(TOKEN[:18])

    assert front.lines() == ("TOKEN      18/20", "9012 3456 78")
    for columns in (20, 21, 16):
        front.desk.attach(columns, 4, "en")
        front.press(TOKEN[:18])
        assert "".join(front.lines()[1:3]).replace(" ", "") == TOKEN[:18]


def test_the_question_names_the_meters():
    front = Front(3)
    front.press("0")
    asked = front.lines()
    front.press("2")

    assert asked == ("METER 1-3?", "* = cancel") and front.lines()[0] == "METER 2     0/20"


def test_every_line_of_a_top_up_has_its_time():
    front = Front()
    front.pages = [("added", "2.500 m3"), ("to_debt", "0.500 m3"), ("balance", "2.000 m3"), ("return_code", "0001 2 3")]
    front.press(TOKEN)
    shown = [front.lines(after_ms) for after_ms in (0, 2999, 1, 4999, 1, 5000, 5000, 4999, 1)]

    assert shown[0][0] == shown[1][0] == "ACCEPTED"
    assert shown[2] == shown[3] == ("Added", "2.500 m3")
    assert shown[4:8] == [
        ("For debt", "0.500 m3"),
        ("Balance", "2.000 m3"),
        ("Return code", "0001 2 3"),
        ("Return code", "0001 2 3"),
    ]
    assert shown[8][0] == "ON"


def test_a_real_token_shows_amount_balance_and_return_code():
    house = House()
    code = house.token(25)
    for key in code + "#":
        press(house.gateway, key, house.now_ms)
    names = [house.gateway.lines(house.now_ms + at_ms)[0] for at_ms in (0, 3000, 8000, 13000)]

    assert names == ["ACCEPTED", "Added", "Balance", "Return code"]


def test_refusals_have_their_words():
    front = Front()
    words = []
    for front.code in (10, 13, 9, 4, 11, 6):
        front.press(TOKEN)
        words.append(front.lines()[0])

    assert words == ["USED", "REJECTED", "OLD", "FULL", "EXPIRED", "Err 06"]


def test_a_hash_behind_the_twentieth_digit_is_ignored():
    front = Front()

    front.press(TOKEN + "#")

    assert front.lines()[0] == "ACCEPTED"


def test_a_towns_habit_is_a_query():
    table = aliases.encode([(1, "007"), (0, "65#"), (10, "#99#")])
    front = Front(aliases=table)

    assert front.ask("007#") == [("Credit", "5.000 m3")]
    assert front.ask("65#") == [("Meter number", "01020304050")]
    assert front.ask("#99#") == [("Register", "0.000 m3")]
    assert front.typed == []


def test_a_token_that_begins_like_an_alias_is_a_token():
    front = Front(aliases=aliases.encode([(1, "12345678901234567890"[:19]), (0, "123")]))

    front.press(TOKEN)
    front.press("1234#")

    assert front.typed == [(0, TOKEN), (0, "1234")]


def test_actions_go_to_the_controls_and_come_back_as_a_word():
    front = Front()

    shown = [front.ask(keys)[0][0] for keys in ("#51#", "#60#", "#61#", "#62#", "##", "#91#")]

    assert shown == ["VALVE LOCKED"] * 6
    assert front.asked == [(0, 51), (0, 60), (0, 61), (0, 62), (0, 62), (0, 91)]


def test_a_neighbour_needs_the_pin_for_history_and_lock():
    front = Front(2)
    front.press("02#51#")
    asked = front.lines()
    front.press("00")
    half = front.lines()
    front.press("00")
    wrong = front.lines()

    assert (asked, half) == (("METER 2", "PIN "), ("METER 2", "PIN **"))
    assert wrong == ("M2 WRONG PIN", "")
    assert front.asked == []
    assert front.ask("02#1#") == [("METER 2 Credit", "5.000 m3")]


def test_the_right_pin_opens_one_meter_for_a_minute():
    front = Front(2)

    front.press("02#51#" + pin_of(front, 1))
    front.press("02#51#")
    front.press("01#51#*")
    front.now_ms += 60000
    front.press("*" * 9 + "02#51#")

    assert front.asked == [(1, 51), (1, 51)]
    assert front.lines() == ("METER 2", "PIN ")


def test_three_wrong_pins_wait_ten_minutes_for_that_meter_only():
    front = Front(2)
    right = pin_of(front, 1)
    wrong = "{:04d}".format((int(right) + 1) % 10000)
    for _ in range(3):
        front.press("02#30#" + wrong)
    front.press("02#30#")
    waits = front.lines()
    front.press("01#30#" + pin_of(front, 0))
    other = front.lines()
    front.now_ms += 600000
    front.press("02#30#" + right)

    assert waits == ("M2 PIN LOCKED", "600 s")
    assert (other[0], front.lines()[0]) == ("METER 1 No token", "METER 2 No token")


def test_a_right_pin_forgives_wrong_ones():
    pins = Pins({0: bytes(32)})
    right = pin(bytes(32))
    wrong = "{:04d}".format((int(right) + 1) % 10000)

    answers = [pins.enter(0, digits, 0) for digits in (wrong, wrong, right, wrong, wrong, right, wrong, wrong, wrong)]

    assert answers == [False, False, True, False, False, True, False, False, False]
    assert (pins.wait_s(0, 0), pins.enter(0, right, 599999), pins.enter(0, right, 600000)) == (600, False, True)


def test_a_single_meter_asks_for_no_pin():
    front = Front()

    assert front.ask("#30#") == [("No token", "")]
    front.press("#51#")
    assert front.asked == [(0, 51)]


def test_the_idle_pages_rotate_through_state_remaining_and_special():
    front = Front(2, low_credit_threshold=6000000)
    front.meter(1).average_ml = 1000000
    shown = [front.lines(10000 if at else 0) for at in range(6)]

    assert shown[0] == shown[1] == ("METER 1 ON", "Left    5.000 m3")
    assert shown[2] == ("METER 1 ON", "LOW CREDIT")
    assert shown[3:] == [
        ("METER 2 ON", "Left    5.000 m3"),
        ("M2 5 days left", "Left    5.000 m3"),
        ("METER 2 ON", "LOW CREDIT"),
    ]


def test_a_tall_display_shows_all_at_once_and_says_what_to_do():
    front = Front(columns=20, rows=4, low_credit_threshold=6000000)
    front.meter().average_ml = 1000000

    assert front.lines() == ("ON", "Left        5.000 m3", "LOW CREDIT", "5 days left")
    assert front.lines(10000) == ("ON", "Left        5.000 m3", "LOW CREDIT", "Type your token")


def test_the_state_follows_supply_and_valve():
    front = Front()
    shown = []
    for intent in (kinds.FULL, kinds.LIFELINE, kinds.DRIP, kinds.CLOSED):
        front.meter().intent = intent
        shown.append(front.lines(30000)[0])
    front.in_motion = True
    shown.append(front.lines(30000)[0])
    front.faulty = True
    shown.append(front.lines(30000)[0])

    assert shown == ["ON", "LIFELINE", "DRIP", "OFF", "VALVE MOVES", "VALVE FAULT"]


def test_idle_lines_follow_within_a_second():
    front = Front()
    front.lines()
    front.meter().intent = kinds.CLOSED

    assert front.lines(999)[0] == "ON" and front.lines(1)[0] == "OFF"


def test_a_gateway_that_nobody_looks_at_or_types_on_is_no_error():
    front = Front(8)

    assert [front.desk.sound(now_ms) for now_ms in range(0, 5000, 1000)] == [None] * 5


def test_no_line_is_longer_than_the_display():
    for columns, rows in ((16, 2), (20, 4), (16, 4), (21, 4)):
        for language in ("en", "fr"):
            front = Front(8, columns=columns, rows=rows, language=language)
            for keys in ("", "1", "8", TOKEN[:19], "*" * 30, "88#14#", "*18#1234567890123456789", "*18#30#", "99*"):
                front.press(keys)
                for _ in range(60):
                    shown = front.lines(5000)
                    assert len(shown) <= rows and all(len(line) <= columns for line in shown)


def test_whatever_is_typed_the_panel_goes_on():
    seed = 20261122
    number = seed
    front = Front(3, aliases=aliases.encode([(30, "007"), (51, "5#")]))
    for _ in range(4000):
        number = (number * 1103515245 + 12345) & 0x3FFFFFFF
        front.press("0123456789*#"[(number >> 12) % 12])
        front.now_ms += (number >> 8) % 3000
        assert len(front.lines()) == 2, "seed {}".format(seed)
    front.now_ms += 60000

    front.press("02" + TOKEN)

    assert front.typed[-1] == (1, TOKEN)
    assert all(len(digits) <= 20 for _channel, digits in front.typed), "seed {}".format(seed)
