"""The table of texts: every language, every width, and a text for every reason."""

from firmware.panel import amounts
from firmware.panel.texts import _TEXTS, LANGUAGES, Texts
from shared import kinds
from tests.helpers import raises

# What may be longer than a label: it has a line to itself. Every other text also stands behind "M1 ".
LINES = ("rule_", "fault_", "offer_")
WIDE = ("locked", "section", "which", "query", "type_token", "recovery", "key_stuck", "ready", "friendly", "critical")
WIDE += ("low", "none", "clock", "any_key")
LONGEST = {"locked": 1280, "days": 999, "error": 99, "section": 4, "meter": 8, "short_meter": 8, "which": "1-8"}
LONGEST.update({"key_stuck": "#", "friendly": "23:59", "query": "123", "pin": "****"})


def longest(row, column):
    return row[column].format(LONGEST.get(row[0], "")) if "{" in row[column] else row[column]


def test_every_text_has_every_language_and_a_name_of_its_own():
    names = [row[0] for row in _TEXTS]

    assert len(names) == len(set(names))
    for row in _TEXTS:
        assert len(row) == 1 + len(LANGUAGES), row
        assert all(row), row


def test_every_text_takes_the_same_values_in_every_language():
    for row in _TEXTS:
        counts = {text.count("{") for text in row[1:]}
        assert len(counts) == 1 and counts.issubset({0, 1}), row
        assert "{" not in row[1] or row[0] in LONGEST, row


def test_texts_fit_the_smallest_display():
    for row in _TEXTS:
        for column in range(1, len(row)):
            assert len(longest(row, column)) <= 16, row[column]


def test_labels_fit_behind_the_short_name_of_a_meter():
    for row in _TEXTS:
        if row[0] not in WIDE and not row[0].startswith(LINES):
            for column in range(1, len(row)):
                assert len(longest(row, column)) <= 13, row[column]


def test_every_rule_that_closes_limits_or_keeps_open_has_a_text():
    names = [row[0] for row in _TEXTS]
    for rule in range(len(kinds.RULE_TEXTS)):
        word = kinds.RULE_TEXTS[rule].split(" ")[0].rstrip(":")
        if word in ("closed", "limited", "lifeline", "drip", "open"):
            assert "rule_{}".format(rule) in names, kinds.RULE_TEXTS[rule]


def test_every_fault_has_a_text():
    names = [row[0] for row in _TEXTS]
    for fault in range(len(kinds.FAULT_NAMES)):
        assert "fault_{}".format(fault) in names


def test_an_unknown_language_is_english_and_an_unknown_name_is_our_bug():
    assert (Texts("xx")("used"), Texts("fr")("locked", 10)) == ("USED", "BLOQUÉ 10 s")
    raises(KeyError, Texts("en"), "no such name")


def test_volumes_are_cut_to_whole_litres():
    assert [amounts.volume(ml, 1) for ml in (0, 999, 1000, 12345678, -500, -1500)] == [
        "0.000 m3",
        "0.000 m3",
        "0.001 m3",
        "12.345 m3",
        "0.000 m3",
        "-0.001 m3",
    ]


def test_money_is_cut_towards_zero_and_prices_keep_every_decimal():
    assert [amounts.money(value) for value in (0, 999, 1000, 123456789, -999, -1999)] == [
        "0.00",
        "0.00",
        "0.01",
        "1234.56",
        "0.00",
        "-0.01",
    ]
    assert [amounts.price(value, 0) for value in (100000, 12345, 50000)] == ["1.00 /kWh", "0.12345 /kWh", "0.50 /kWh"]


def test_short_amounts_leave_room_for_a_word():
    assert [amounts.short(25999, 1, False), amounts.short(25999, 0, False), amounts.short(25999, 1, True)] == [
        "25 L",
        "25 Wh",
        "0.25",
    ]
