"""The display driver, read back by a decoder that follows the data sheet."""

from firmware.drivers.lcd import Lcd
from tests.fakes import ticks  # noqa: F401  sleep_ms for CPython
from tests.fakes.bus import Bus

BYTES_PER_CHARACTER = 5


def lcd(bus):
    return Lcd(bus, 0x27, bus.display.columns, bus.display.rows)


def test_what_is_shown_can_be_read_on_both_sizes_of_glass():
    for columns, rows in ((16, 2), (20, 4)):
        bus = Bus(columns, rows)
        text = tuple("line {} of {}".format(row, rows) for row in range(rows))

        assert lcd(bus).show(text)

        assert tuple(line.rstrip() for line in bus.display.lines()) == text
        assert bus.display.backlight


def test_only_the_characters_that_changed_are_written():
    bus = Bus(20, 4)
    display = lcd(bus)
    display.show(("balance 1000 l", "meter 1"))
    before = bus.bytes_written

    display.show(("balance 1001 l", "meter 2"))

    assert bus.bytes_written - before == 4 * BYTES_PER_CHARACTER  # two places and two characters
    assert bus.display.lines()[0] == "balance 1001 l      "
    assert bus.display.lines()[1] == "meter 2             "


def test_the_same_text_again_writes_nothing():
    bus = Bus(16, 2)
    display = lcd(bus)
    display.show(("same",))
    before = bus.bytes_written

    display.show(("same",))

    assert bus.bytes_written == before


def test_a_shorter_text_wipes_the_longer_one_and_a_long_one_is_cut():
    bus = Bus(16, 2)
    display = lcd(bus)
    display.show(("0123456789abcdefXYZ", "second"))
    assert bus.display.lines() == ("0123456789abcdef", "second          ")

    display.show(("new",))

    assert bus.display.lines() == ("new             ", " " * 16)


def test_accents_lose_their_marks_and_the_unknown_becomes_a_question():
    bus = Bus(16, 2)

    lcd(bus).show(("Crédit épuisé", "Ça va … ☃"))

    assert bus.display.lines() == ("Credit epuise   ", "Ca va ? ?       ")


def test_a_display_that_is_missing_is_no_error_and_comes_up_when_plugged_in():
    bus = Bus(16, 2)
    bus.plugged = False
    display = lcd(bus)
    assert not display.show(("hello",))

    bus.plugged = True

    assert display.show(("hello",))
    assert bus.display.lines()[0] == "hello           "


def test_a_plug_pulled_after_any_byte_heals_itself():
    bus = Bus(16, 2)
    lcd(bus).show(("first", "text"))
    for cut_after in range(0, bus.bytes_written, 7):  # every phase of the five bytes of a character
        bus = Bus(16, 2)
        bus.unplug_after = cut_after
        display = lcd(bus)
        assert not display.show(("first", "text"))

        bus.plugged = True

        assert display.show(("first", "text"))
        assert bus.display.lines() == ("first           ", "text            ")


def test_a_gateway_that_restarts_takes_over_a_display_in_any_state():
    bus = Bus(16, 2)
    lcd(bus).show(("before",))
    bus.display.write(b"\x4c\x48")  # half a character: the other nibble never comes

    lcd(bus).show(("after",))

    assert bus.display.lines() == ("after           ", " " * 16)
