"""Quantities and currency in exponent and mantissa: the edges, and whose favour rounding is in."""

from shared.sts.amounts import (
    UNITS_MAX,
    currency_to_field,
    field_to_currency,
    field_to_units,
    largest_currency_not_above,
    largest_not_above,
    units_to_field,
)
from shared.sts.errors import RangeError
from tests.helpers import raises

RANGE_ENDS = ((0, 0x0000), (16383, 0x3FFF), (16384, 0x4000), (180214, 0x7FFF), (180224, 0x8000), (1818524, 0xBFFF))


def test_the_ends_of_the_ranges_have_their_codes():
    for units, field in RANGE_ENDS + ((1818624, 0xC000), (UNITS_MAX, 0xFFFF)):
        assert units_to_field(units) == field
        assert field_to_units(field) == units


def test_a_quantity_in_a_gap_goes_up_to_the_next_range():
    for units in (180215, 180223):
        assert units_to_field(units) == 0x8000
    for units in (1818525, 1818623):
        assert units_to_field(units) == 0xC000


def test_every_code_has_its_own_value_and_values_rise_with_codes():
    previous = -1
    for field in list(range(0, 0xFFFF, 19)) + [0xFFFF]:
        units = field_to_units(field)

        assert units > previous
        assert units_to_field(units) == field
        assert largest_not_above(units) == units
        assert previous < 0 or units_to_field(previous + 1) <= field
        previous = units


def test_vending_rounds_down_to_what_a_token_carries():
    for units, carried in ((0, 0), (16383, 16383), (16393, 16384), (16394, 16394), (180223, 180214), (20000, 19994)):
        assert largest_not_above(units) == carried
        assert field_to_units(units_to_field(carried)) == carried
    assert largest_not_above(UNITS_MAX + 1) == UNITS_MAX
    assert largest_not_above(10**30) == UNITS_MAX


def test_what_no_token_carries_is_refused():
    for refused in (-1, UNITS_MAX + 1):
        raises(RangeError, units_to_field, refused)
    raises(RangeError, largest_not_above, -1)
    raises(RangeError, largest_currency_not_above, -1)


def test_currency_is_rounded_in_the_customers_favour_on_both_sides_of_zero():
    assert currency_to_field(100000) == (0, 0x60AA)
    assert currency_to_field(-100000) == (8, 0x60A9)
    for amount in (1, 16383, 16384, 99999, 10**9 + 1, 10**20 + 1):
        assert field_to_currency(*currency_to_field(amount)) >= amount
        assert -amount <= field_to_currency(*currency_to_field(-amount)) <= 0
        assert largest_currency_not_above(amount) <= amount


def test_the_largest_currency_amount_has_all_bits_set():
    largest = field_to_currency(7, 0xFFFF)

    assert currency_to_field(largest) == (7, 0xFFFF)
    assert currency_to_field(-largest) == (15, 0xFFFF)
    raises(RangeError, currency_to_field, largest + 1)
    raises(RangeError, currency_to_field, -largest - 1)
