"""Prices: whole numbers in, whole numbers out, and money that buys as much as it pays for and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.errors import Refused
from cloud.tariffs.rules import Month, bill, most_units, volume_minor
from cloud.tariffs.terms import CONSUMPTION, FIXED, PURCHASE, VOLUME, Block, Tax, Terms, check, flat
from cloud.vending.purchase import Debt, Plan, Standing, Wanted, plan
from cloud.vending.rules import TOKEN_MAX_ML, TOKEN_UNIT_ML, quote, sale_max_ml

PRICES = st.integers(0, 10**8)
MONEY = st.integers(0, 10**9)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    limits = sorted(draw(st.sets(st.integers(1, 10**9), max_size=4)))
    blocks = [Block(limit, draw(PRICES)) for limit in limits] + [Block(None, draw(st.integers(1000, 10**8)))]
    on = st.sampled_from([(VOLUME,), (FIXED,), (VOLUME, FIXED)])
    taxes = [Tax(f"tax {number}", draw(st.integers(0, 500)), draw(on)) for number in range(draw(st.integers(0, 2)))]
    return check(
        Terms(
            PURCHASE,
            tuple(blocks),
            fixed_month_minor=draw(st.integers(0, 10_000)),
            taxes=tuple(taxes),
            free_month_ml=draw(st.sampled_from([0, 0, 1, 6_000_000, 10**8])),
            minimum_minor=draw(st.sampled_from([0, 0, 500])),
        )
    )


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    found = draw(terms())
    owed = draw(st.sampled_from([0, 1, 12_345, 10**9]))
    return Standing(
        terms=found,
        month=Month(draw(st.integers(0, 10**9)), draw(st.integers(0, 10_000))),
        token_max_ml=draw(st.sampled_from([10**8, 10**9, TOKEN_MAX_ML])),
        balance_minor=draw(st.one_of(st.none(), st.integers(0, 10**6))) if not owed else draw(st.integers(0, 10**6)),
        debt=Debt(owed, draw(st.integers(1, 100)), draw(st.sampled_from([0, 500, 10**9]))),
        min_service_percent=draw(st.integers(0, 100)),
    )


def planned(wanted: Wanted, standing: Standing) -> Plan | str:
    """The plan of a purchase, or the code of its refusal."""
    try:
        return plan(wanted, standing)
    except Refused as refusal:
        return refusal.code


def test_a_cubic_metre_costs_its_price() -> None:
    assert volume_minor(flat(12_345), 0, 1_000_000) == 12_345


def test_a_broken_minor_unit_is_not_charged() -> None:
    assert volume_minor(flat(12_345), 0, 100_000) == 1_234


def test_what_is_rounded_off_is_charged_when_the_month_makes_it_whole() -> None:
    assert [volume_minor(flat(12_345), before, 100_000) for before in (0, 100_000)] == [1_234, 1_235]


@given(terms(), st.integers(0, 10**9), st.lists(st.integers(0, 10**9), max_size=6))
def test_a_month_costs_the_same_in_however_many_purchases_it_is_bought(
    found: Terms, before: int, volumes: list[int]
) -> None:
    parts = 0
    position = before
    for volume in volumes:
        parts += volume_minor(found, position, volume)
        position += volume

    assert parts == volume_minor(found, before, sum(volumes))


@given(terms(), st.integers(0, 10**9), st.integers(0, 10**10), st.integers(0, 10_000))
def test_the_lines_of_a_bill_add_up_to_what_the_quantity_costs(
    found: Terms, before: int, volume: int, fixed: int
) -> None:
    made = bill(found, Month(before, fixed), volume)

    assert made.volume_minor == volume_minor(found, before, volume)
    assert sum(line.volume_ml for line in made.blocks) == volume
    assert made.total_minor == sum(line.amount_minor for line in made.blocks) + made.fixed_minor + sum(
        line.amount_minor for line in made.taxes
    )
    assert all(line.amount_minor >= 0 for line in (*made.blocks, *made.taxes))
    assert made.position.month_ml == before + volume


@given(terms(), st.integers(0, 10**9), MONEY)
def test_the_most_that_money_buys_is_paid_for_and_one_unit_more_is_not(found: Terms, before: int, money: int) -> None:
    most = sale_max_ml(10**8) // TOKEN_UNIT_ML

    units = most_units(found, before, money, TOKEN_UNIT_ML, most)

    assert volume_minor(found, before, units * TOKEN_UNIT_ML) <= money
    assert units == most or volume_minor(found, before, (units + 1) * TOKEN_UNIT_ML) > money


@given(standings(), MONEY)
def test_money_buys_the_largest_volume_that_tokens_carry(standing: Standing, money: int) -> None:
    made = planned(Wanted(None, money, True), standing)
    if isinstance(made, str):
        assert made in ("purchase_too_small", "volume_too_large")
        return

    settled = made.settled
    left = money - settled.debt_minor + (standing.balance_minor or 0) - settled.fixed_minor
    assert made.quote.amount_minor <= left
    more = next_carried(made.quote.volume_ml, standing)
    assert volume_minor(standing.terms, standing.month.before_ml, more) > left


def next_carried(volume_ml: int, standing: Standing) -> int:
    """The smallest volume above this one that tokens carry without a rest, or that is more than a sale carries."""
    low, high = volume_ml // TOKEN_UNIT_ML + 1, sale_max_ml(standing.token_max_ml) // TOKEN_UNIT_ML + 1
    while low < high:
        middle = (low + high) // 2
        carried = quote(middle * TOKEN_UNIT_ML, lambda _ml: 0, standing.token_max_ml).volume_ml
        low, high = (low, middle) if carried > volume_ml else (middle + 1, high)
    return low * TOKEN_UNIT_ML


@given(standings(), st.one_of(st.none(), st.integers(TOKEN_UNIT_ML, 10**9)), MONEY, st.booleans())
def test_a_sale_never_takes_or_gives_more_than_it_says(
    standing: Standing, volume_ml: int | None, tender: int, keep_change: bool
) -> None:
    made = planned(Wanted(volume_ml, tender, keep_change), standing)
    if isinstance(made, str):
        assert made in ("purchase_too_small", "volume_too_large", "tender_short")
        return

    found = made.settled
    paid = tender + found.from_account_minor
    assert paid == found.volume_minor + found.fixed_minor + found.debt_minor + (
        found.to_account_minor + found.change_minor
    )
    assert found.volume_minor == sum(part.amount_minor for part in made.quote.parts)
    assert 0 <= found.from_account_minor <= (standing.balance_minor or 0)
    assert 0 <= found.debt_minor <= min(standing.debt.owed_minor, standing.debt.cap_left_minor)
    assert found.change_minor >= 0 and found.to_account_minor >= 0
    assert not (keep_change and standing.balance_minor is not None and found.change_minor)
    assert standing.balance_minor is not None or not found.to_account_minor
    assert volume_ml is None or made.quote.volume_ml <= volume_ml


@given(standings(), st.integers(TOKEN_UNIT_ML, 10**9))
def test_what_a_trial_says_a_volume_needs_is_enough_and_a_minor_unit_less_is_not(
    standing: Standing, volume_ml: int
) -> None:
    asked = planned(Wanted(volume_ml, None, False), standing)
    if isinstance(asked, str):
        assert asked in ("purchase_too_small", "volume_too_large")
        return

    needed = asked.tender_minor

    assert plan(Wanted(volume_ml, needed, False), standing).quote == asked.quote
    assert not needed or planned(Wanted(volume_ml, needed - 1, False), standing) == "tender_short"


def test_terms_that_are_none_are_refused_with_the_part_that_is_wrong() -> None:
    wrong = {
        "block_basis": Terms("daily", (Block(None, 1),)),
        "expected 1 to 8": Terms(PURCHASE, ()),
        "last one must have no limit": Terms(PURCHASE, (Block(5, 1),)),
        "limit of block 2 must be above 5": Terms(CONSUMPTION, (Block(5, 1), Block(5, 1), Block(None, 1))),
        "VAT is there twice": Terms(
            PURCHASE, (Block(None, 1),), taxes=(Tax("VAT", 1, (VOLUME,)), Tax("VAT", 1, (FIXED,)))
        ),
        "raised on volume, fixed or both": Terms(PURCHASE, (Block(None, 1),), taxes=(Tax("VAT", 1, ()),)),
    }

    for part, found in wrong.items():
        with pytest.raises(Refused, match=part):
            check(found)
