"""A slow model of money: what a volume and a day cost, in exact fractions and by the standard library's calendar."""

from datetime import date, timedelta
from fractions import Fraction

from shared.tariff import Tariff

EPOCH = date(1970, 1, 1)
UNIT_ML = 1_000_000


def date_of(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=day)


def cost(tariff: Tariff, before_ml: int, volume_ml: int, part: Fraction) -> Fraction:
    """What `volume_ml` after `before_ml` of the month costs; the limits of the blocks are scaled to `part` of it."""
    total = Fraction(0)
    lower = 0
    for limit, price in zip(tariff.limits, tariff.prices, strict=True):
        upper = int(limit * part) if limit else before_ml + volume_ml
        in_block = max(0, min(before_ml + volume_ml, upper) - max(before_ml, lower))
        total += Fraction(in_block * price, UNIT_ML)
        lower = max(lower, upper)
    return total


def fixed(tariff: Tariff, first_day: int, days: int) -> int:
    """Twelve months' charges a year, by the day: what the year has cost so far, rounded down, and its differences."""
    return sum(_until(tariff, day + 1) - _until(tariff, day) for day in range(first_day, first_day + days))


def _until(tariff: Tariff, day: int) -> int:
    """What had been charged in its year before a day begins, on top of all the years before it."""
    on = date_of(day)
    passed = min((on - date(on.year, 1, 1)).days, 365)
    return tariff.fixed_month * 12 * on.year + tariff.fixed_month * 12 * passed // 365
