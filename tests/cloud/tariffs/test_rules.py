"""Prices: whole numbers in, whole numbers out."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.tariffs.rules import price_minor
from cloud.vending.rules import WATER_UNIT_ML, quote
from shared.sts.amounts import UNITS_MAX


def test_a_cubic_metre_costs_its_price() -> None:
    assert price_minor(1_000_000, 12_345) == 12_345


def test_a_broken_minor_unit_is_not_charged() -> None:
    assert price_minor(100_000, 12_345) == 1_234


@given(st.integers(WATER_UNIT_ML, UNITS_MAX * WATER_UNIT_ML), st.integers(0, 10**9), st.integers(0, 10**15))
def test_a_sale_never_takes_or_gives_more_than_it_says(volume_ml: int, price: int, extra: int) -> None:
    tender = price_minor(volume_ml, price) + extra

    found = quote(volume_ml, price, tender)

    assert 0 < found.volume_ml <= volume_ml
    assert found.volume_ml == found.units * WATER_UNIT_ML
    assert found.amount_minor + found.change_minor == tender
    assert found.amount_minor * 1_000_000 <= found.volume_ml * price < (found.amount_minor + 1) * 1_000_000
