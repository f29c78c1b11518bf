"""Keypad and display: entry, choice of the meter, queries, and what is shown for how long."""

from firmware.panel.digits import QUERY_EVENT, TOKEN_EVENT, Digits
from firmware.panel.screens import cubic_metres
from firmware.panel.texts import _TEXTS, LANGUAGES
from tests.fakes.house import House

TOKEN = "12345678901234567890"


def typed(keys, text, now_ms=0):
    """The last event of some keys."""
    event = None
    for key in text:
        event = keys.press(key, now_ms) or event
    return event


def press(house, text):
    for key in text:
        house.gateway.key(key, house.now_ms)


def lines(house):
    return house.gateway.lines(house.now_ms)


def test_twenty_digits_are_a_token():
    keys = Digits([0])

    assert typed(keys, TOKEN[:19]) is None
    assert keys.press("0", 0) == (TOKEN_EVENT, 0, TOKEN)
    assert keys.typed == ""


def test_the_star_takes_back_a_digit():
    keys = Digits([0])

    assert typed(keys, "99**" + TOKEN) == (TOKEN_EVENT, 0, TOKEN)


def test_a_hash_behind_too_few_digits_sends_them_as_they_are():
    assert typed(Digits([0]), "1234#") == (TOKEN_EVENT, 0, "1234")


def test_a_query_stands_between_two_hashes():
    assert typed(Digits([0]), "#14#") == (QUERY_EVENT, 0, "14")
    assert typed(Digits([0]), "#7*10#") == (QUERY_EVENT, 0, "10")
    assert typed(Digits([0]), "##") is None


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


def test_the_entry_is_shown_in_fours_with_its_count():
    house = House()
    press(house, TOKEN[:18])

    assert lines(house) == ("TOKEN      18/20", "9012 3456 78")
    house.gateway.attach_panel(20, 4)
    press(house, TOKEN[:18])
    assert lines(house)[:3] == ("TOKEN          18/20", "1234 5678 9012 3456", "78")


def test_the_question_names_the_meters():
    house = House(3)
    press(house, "0")
    asked = lines(house)
    press(house, "2")

    assert asked == ("METER 1-3?", "* = cancel") and lines(house)[0] == "METER 2     0/20"


def test_an_accepted_token_shows_word_amount_and_balance():
    house = House()
    house.now_ms = 5000
    press(house, house.token(25))
    shown = []
    for at_ms in (5000, 7999, 8000, 12999, 13000, 17999, 18000):
        house.now_ms = at_ms
        shown.append(lines(house)[:2])

    assert shown[0][0] == shown[1][0] == "ACCEPTED"
    assert shown[2] == shown[3] == ("Added", "2.500 m3")
    assert shown[4] == shown[5] == ("Balance", "2.500 m3")
    assert shown[6][0] in ("ON", "VALVE MOVES")


def test_refusals_have_their_words():
    house = House()
    token = house.token(25)
    press(house, token)
    house.now_ms += 20000
    press(house, token)
    words = [lines(house)[0]]
    for _ in range(4):
        press(house, "00000000000000000001")
        words.append(lines(house)[0])
    press(house, "123#")
    words.append(lines(house)[0])

    assert words == ["USED", "REJECTED", "REJECTED", "REJECTED", "LOCKED 10 s", "Err 06"]


def test_a_hash_behind_the_twentieth_digit_is_ignored():
    house = House()

    press(house, house.token(25) + "#")

    assert lines(house)[0] == "ACCEPTED"


def test_queries_are_answered():
    house = House(opening_register=5000000)
    press(house, house.token(25))
    house.flow(500)
    answers = []
    for number in (0, 1, 10, 13, 14, 99):
        house.now_ms += 20000
        press(house, "#{}#".format(number))
        answers.append(lines(house)[1])

    assert answers == ["01020304050", "2.000 m3", "5.500 m3", "0.500 m3", "2.500 m3", "#99#"]


def test_the_idle_pages_rotate_through_state_remaining_and_special():
    house = House(2)
    shown = [house.gateway.lines(at_ms) for at_ms in range(0, 60000, 10000)]

    assert shown[0] == shown[1] == ("METER 1 OFF", "Left    0.000 m3")
    assert shown[2] == ("METER 1 OFF", "NO CREDIT")
    assert shown[5] == ("METER 2 OFF", "NO CREDIT")


def test_no_line_is_longer_than_the_display():
    for columns, rows in ((16, 2), (20, 4)):
        for language in LANGUAGES:
            house = House(8, opening_balance=-999999999)
            house.gateway.attach_panel(columns, rows, language)
            for keys in ("", "1", "8", TOKEN[:19], "*" * 30, "88#14#", "#88" + TOKEN):
                press(house, keys)
                for at_ms in range(0, 240000, 5000):
                    shown = house.gateway.lines(house.now_ms + at_ms)
                    assert len(shown) <= rows and all(len(line) <= columns for line in shown)


def test_every_text_has_every_language_and_fits_a_small_display():
    for name in _TEXTS:
        assert len(_TEXTS[name]) == len(LANGUAGES)
        for text in _TEXTS[name]:
            assert 0 < len(text) <= 18, text


def test_volumes_are_cut_to_whole_litres():
    assert [cubic_metres(ml) for ml in (0, 999, 1000, 12345678, -500, -1500)] == [
        "0.000 m3",
        "0.000 m3",
        "0.001 m3",
        "12.345 m3",
        "0.000 m3",
        "-0.001 m3",
    ]
