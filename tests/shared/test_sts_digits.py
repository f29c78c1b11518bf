"""Twenty digits and the 66 bits behind them."""

from shared.sts.digits import grouped, join, split, ungrouped
from shared.sts.errors import FormatError
from tests.helpers import raises


def test_digits_that_are_no_token_are_a_format_error():
    for digits in (
        "",
        "1",
        "1" * 19,
        "1" * 21,
        "1234 5678 9012 3456 7",
        "+1234567890123456789",
        "-1234567890123456789",
        "1_345678901234567890",
        " 1234567890123456789",
        "1234567890123456789a",
        "\u0661" * 20,
        "\u00b2" * 20,
    ):
        error = raises(FormatError, split, digits)

        assert error.code == 6 and error.result == "FormatError"


def test_the_largest_token_is_two_to_the_66_less_one():
    assert split("73786976294838206463") == (3, b"\xff" * 8)
    raises(FormatError, split, "73786976294838206464")
    raises(FormatError, split, "99999999999999999999")


def test_the_class_takes_the_place_of_two_bits_and_gives_them_back():
    for token_class in range(4):
        for block in (bytes(8), b"\xff" * 8, b"\x00\x00\x00\x00\x18\x00\x00\x00", b"\x01\x23\x45\x67\x89\xab\xcd\xef"):
            assert split(join(token_class, block)) == (token_class, block)


def test_digits_are_shown_in_fours_and_read_as_people_write_them():
    assert grouped("70630503470028726114") == "7063 0503 4700 2872 6114"
    assert ungrouped(" 7063-0503 4700 2872-6114 ") == "70630503470028726114"
