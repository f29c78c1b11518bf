"""Amounts as a customer reads them, from integers. What is below the last digit shown is cut off towards zero."""

from shared.compat import const

LEAST = const(1000)  # 1 L, 1 Wh or 0.01: what is less shows as nothing

_ELECTRICITY = const(0)
_MONEY_SHOWN = const(1000)  # 1/100000 of the base currency in what the second decimal counts


def amount(value: int, commodity: int, currency: bool) -> str:
    """A balance or what was added to one: money where the account is in money (MODE_CURRENCY), else a volume."""
    return money(value) if currency else volume(value, commodity)


def volume(value: int, commodity: int) -> str:
    """ml as m3, or mWh as kWh for electricity; three decimals."""
    thousands = abs(value) // 1000
    sign = "-" if value < 0 and thousands else ""
    unit = "kWh" if commodity == _ELECTRICITY else "m3"
    return "{}{}.{:03d} {}".format(sign, thousands // 1000, thousands % 1000, unit)


def short(value: int, commodity: int, currency: bool) -> str:
    """The same for a line that is shared with a word: whole litres or Wh."""
    if currency:
        return money(value)
    return "{} {}".format(value // 1000, "Wh" if commodity == _ELECTRICITY else "L")


def price(value: int, commodity: int) -> str:
    """Money for 1 m3 or 1 kWh, to the last decimal that there is."""
    digits = "{:05d}".format(value % 100000)
    while len(digits) > 2 and digits[-1] == "0":
        digits = digits[:-1]
    return "{}.{} /{}".format(value // 100000, digits, "kWh" if commodity == _ELECTRICITY else "m3")


def money(value: int) -> str:
    """1/100000 of the base currency as units of it, with two decimals and no name: the device knows none."""
    hundredths = abs(value) // _MONEY_SHOWN
    sign = "-" if value < 0 and hundredths else ""
    return "{}{}.{:02d}".format(sign, hundredths // 100, hundredths % 100)
