"""Prices: whole numbers in, whole numbers out."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.tariffs.rules import price_minor
from cloud.vending.rules import WATER_UNIT_ML, quote, settle


def test_a_cubic_metre_costs_its_price() -> None:
    assert price_minor(1_000_000, 12_345) == 12_345


def test_a_broken_minor_unit_is_not_charged() -> None:
    assert price_minor(100_000, 12_345) == 1_234


@given(
    st.integers(WATER_UNIT_ML, 10**13),
    st.integers(0, 10**9),
    st.integers(0, 10**15),
    st.integers(0, 10**15),
    st.booleans(),
)
def test_a_sale_never_takes_or_gives_more_than_it_says(
    volume_ml: int, price: int, extra: int, balance: int, keep_change: bool
) -> None:
    tender = price_minor(volume_ml, price) + extra

    found = quote(volume_ml, price)
    settled = settle(found, tender, balance, keep_change=keep_change)

    assert 0 < found.volume_ml <= volume_ml
    assert all(part.volume_ml == part.units * WATER_UNIT_ML for part in found.parts)
    assert found.amount_minor * 1_000_000 <= found.volume_ml * price < (found.amount_minor + 1) * 1_000_000
    paid = tender + settled.from_account_minor
    assert paid == found.amount_minor + settled.to_account_minor + settled.change_minor
    assert 0 <= settled.from_account_minor <= balance
    assert settled.change_minor >= 0 and settled.to_account_minor >= 0
    assert not (keep_change and settled.change_minor)
