"""The OLED driver, read back by a decoder that follows the data sheet."""

from firmware.drivers.font import FONT
from firmware.drivers.oled import Oled
from tests.fakes.oled import Oled as Glass

SIZES = (16, 20, 21)


def shown(glass, *lines):
    assert Oled(glass, 0x3C, glass.columns).show(lines)
    return tuple([line.rstrip() for line in glass.lines()])


def test_each_printable_character_has_a_glyph_of_its_own():
    glyphs = [FONT[at : at + 5] for at in range(0, len(FONT), 5)]

    assert len(glyphs) == len(set(glyphs)) == 95
    assert not any(column & 0x80 for column in FONT)


def test_four_rows_of_text_can_be_read_in_each_width():
    for columns in SIZES:
        text = ("METER 3 ON", "Left    12.345 m3", "{|}~ !\"#$%&'()*+"[:columns], "xyz" * 5)

        assert shown(Glass(columns), *text) == tuple(line[:columns] for line in text)


def test_a_letter_is_drawn_upright_at_twice_its_height():
    glass = Glass(21)

    shown(glass, "", "F")

    assert glass.dots(1, 6)[::2] == ["#####.", "#.....", "#.....", "####..", "#.....", "#.....", "#.....", "......"]
    assert glass.dots(1, 6)[1::2] == glass.dots(1, 6)[::2]


def test_nothing_is_left_of_the_rubbish_at_power_up():
    glass = Glass(21)

    shown(glass)

    assert not any(glass.memory)


def test_only_the_characters_that_changed_are_written():
    glass = Glass(21)
    display = Oled(glass, 0x3C, 21)
    display.show(("balance 1000 l", "meter 1"))
    before = glass.bytes_written

    display.show(("balance 1001 l", "meter 2"))

    assert glass.bytes_written - before == 2 * (7 + 1 + 2 * 6)  # a window and a character, two pages high
    assert glass.lines()[0].rstrip() == "balance 1001 l"
    assert glass.lines()[1].rstrip() == "meter 2"
    before = glass.bytes_written
    display.show(("balance 1001 l", "meter 2"))
    assert glass.bytes_written == before


def test_a_shorter_text_wipes_the_longer_one_and_a_long_one_is_cut():
    glass = Glass(16)
    display = Oled(glass, 0x3C, 16)
    display.show(("0123456789abcdefXYZ", "second"))
    assert glass.lines()[:2] == ("0123456789abcdef", "second          ")

    display.show(("new",))

    assert glass.lines() == ("new             ",) + (" " * 16,) * 3


def test_accents_lose_their_marks_and_the_unknown_becomes_a_question():
    assert shown(Glass(21), "Crédit épuisé", "Ça va … ☃ m³")[:2] == ("Credit epuise", "Ca va ? ? m3")


def test_a_plug_pulled_after_any_byte_heals_itself():
    glass = Glass(21)
    shown(glass, "first", "text")
    for cut_after in range(0, glass.bytes_written, 41):
        glass = Glass(21)
        glass.unplug_after = cut_after
        display = Oled(glass, 0x3C, 21)
        assert not display.show(("first", "text"))

        glass.plugged = True

        assert display.show(("first", "text"))
        assert [line.rstrip() for line in glass.lines()] == ["first", "text", "", ""]


def test_a_display_that_forgot_everything_is_drawn_anew_when_told():
    glass = Glass(21)
    display = Oled(glass, 0x3C, 21)
    display.show(("text",))
    glass.power_up()

    display.forget()
    display.show(("text",))

    assert glass.lines()[0].rstrip() == "text"
