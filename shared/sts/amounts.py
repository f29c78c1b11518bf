"""Quantities and currency amounts as exponent and mantissa, rounded in the customer's favour (IEC 62055-41).

A code is exponent << 14 | mantissa, and stands for 10**exponent * mantissa plus all that the smaller exponents
reach; so every code has a value of its own and a larger code a larger value. Integers only.
"""

from shared.compat import const
from shared.sts.errors import RangeError

_MANTISSA_BITS = const(14)
_MANTISSA_MASK = const(0x3FFF)
_UNIT_EXPONENT_MAX = const(3)
_CURRENCY_EXPONENT_MAX = const(31)
_NEGATIVE = const(8)

UNITS_MAX = 18201624
"""The largest quantity of a token, in base units (0.1 kWh, 0.1 m3, 0.1 minute; watts for limits)."""
CURRENCY_PER_UNIT = 100000
"""Currency credit counts in 1/100000 of the base currency."""


def _step(exponent: int) -> int:
    return int(10**exponent)


def _offset(exponent: int) -> int:
    return (_step(exponent) - 1) // 9 << _MANTISSA_BITS


def _value(code: int) -> int:
    exponent = code >> _MANTISSA_BITS
    return _step(exponent) * (code & _MANTISSA_MASK) + _offset(exponent)


def _smallest_code_not_below(value: int, exponent_max: int) -> int:
    for exponent in range(exponent_max + 1):
        above = value - _offset(exponent)
        step = _step(exponent)
        if above <= step * _MANTISSA_MASK:
            return exponent << _MANTISSA_BITS | max(0, (above + step - 1) // step)
    raise RangeError("the amount is more than one token can carry; split it")


def _largest_code_not_above(value: int, exponent_max: int) -> int:
    for exponent in range(exponent_max, -1, -1):
        above = value - _offset(exponent)
        if above >= 0:
            return exponent << _MANTISSA_BITS | min(above // _step(exponent), _MANTISSA_MASK)
    raise RangeError("an amount of units cannot be negative")


def units_to_field(base_units: int) -> int:
    """Return the 16-bit field of the smallest quantity not below base_units. RangeError outside 0..UNITS_MAX."""
    if base_units < 0:
        raise RangeError("an amount of units cannot be negative")
    return _smallest_code_not_below(base_units, _UNIT_EXPONENT_MAX)


def field_to_units(field: int) -> int:
    """Return the base units that a 16-bit amount field stands for."""
    return _value(field)


def largest_not_above(base_units: int) -> int:
    """Return the largest quantity not above base_units that one token carries exactly. RangeError below zero."""
    return _value(_largest_code_not_above(base_units, _UNIT_EXPONENT_MAX))


def currency_to_field(amount: int) -> tuple[int, int]:
    """Return (sign-and-exponent nibble, 16-bit field) of an amount in 1/100000 of the currency.

    A positive amount is rounded up and a negative one towards zero. RangeError beyond what 31 exponents reach.
    """
    if amount >= 0:
        code = _smallest_code_not_below(amount, _CURRENCY_EXPONENT_MAX)
        return code >> 16, code & 0xFFFF
    _smallest_code_not_below(-amount, _CURRENCY_EXPONENT_MAX)  # refuses what no token reaches
    code = _largest_code_not_above(-amount, _CURRENCY_EXPONENT_MAX)
    return code >> 16 | _NEGATIVE, code & 0xFFFF


def field_to_currency(nibble: int, field: int) -> int:
    """Return the amount in 1/100000 of the currency that the nibble and the 16-bit field stand for."""
    magnitude = _value((nibble & 7) << 16 | field)
    return -magnitude if nibble & _NEGATIVE else magnitude


def largest_currency_not_above(amount: int) -> int:
    """Return the largest amount not above amount (0 or more, in 1/100000) that one token carries exactly."""
    return _value(_largest_code_not_above(amount, _CURRENCY_EXPONENT_MAX))
