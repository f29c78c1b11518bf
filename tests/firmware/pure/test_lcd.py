"""The display driver, read back by a decoder that follows the data sheet."""

from firmware.drivers.glyphs import fold
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


def test_a_new_page_is_written_a_row_at_a_time():
    bus = Bus(20, 4)
    display = lcd(bus)
    display.show(("old",) * 4)
    rows = []

    for _ in display.steps(("new page",) * 4):
        rows.append(tuple(line.rstrip() for line in bus.display.lines()).count("new page"))

    assert rows == [1, 2, 3, 4]
    assert list(display.steps(("new page",) * 4)) == []


def test_a_page_left_half_written_is_finished_by_the_next():
    bus = Bus(16, 2)
    display = lcd(bus)
    display.show(("first", "page"))
    next(display.steps(("other", "words")))

    display.show(("third", "page"))

    assert bus.display.lines() == ("third           ", "page            ")


def test_accents_lose_their_marks_and_the_unknown_becomes_a_question():
    bus = Bus(16, 2)

    lcd(bus).show(("Crédit épuisé", "Ça va … ☃"))

    assert bus.display.lines() == ("Credit epuise   ", "Ca va ? ?       ")


def test_every_text_of_the_panel_can_be_shown():
    with open("firmware/panel/texts.py") as file:
        marked = sorted({character for character in file.read() if ord(character) > 126})
    row = bytearray(len(marked))

    fold("".join(marked), row)

    assert b"?" not in row, "no letter for one of " + "".join(marked)


def test_backslash_and_tilde_are_other_glyphs_in_this_display():
    bus = Bus(16, 2)

    lcd(bus).show(("a\\b~c",))

    assert bus.display.lines()[0] == "a/b-c           "


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
