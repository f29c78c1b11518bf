"""What tokens of money carry and cost: no minor unit is lost or made, in whatever purchases it is paid."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cloud.errors import Refused
from cloud.vending.money import parts, per_minor
from shared.sts.amounts import currency_to_field, field_to_currency, largest_currency_not_above

EACH = st.sampled_from([100_000, 1_000, 100])


@pytest.mark.parametrize(("currency", "each"), [("KES", 1_000), ("UGX", 100_000), ("KWD", 100)])
def test_a_minor_unit_is_worth_what_the_currencys_decimals_say(currency: str, each: int) -> None:
    assert per_minor(currency) == each


def test_five_hundred_shillings_are_one_token_and_seven_cents_that_stay() -> None:
    (part,) = parts(50_000, 0, 1_000, 1_000_000_000)

    assert part.money == largest_currency_not_above(50_000_000) == 49_992_624
    assert part.amount_minor == 49_993  # 376/1000 of a cent were paid and are on no token: the rest


def test_what_was_paid_above_a_token_is_given_out_with_the_next() -> None:
    (first,) = parts(50_000, 0, 1_000, 1_000_000_000)
    rest = first.amount_minor * 1_000 - first.money

    (second,) = parts(1, rest, 1_000, 1_000_000_000)

    assert (rest, second.money, second.amount_minor) == (376, 1_376, 1)


@given(left=st.integers(1, 10**8), rest=st.integers(0, 99), each=EACH, most=st.integers(10**6, 10**12))
def test_tokens_carry_what_the_codec_carries_and_cost_what_they_carry(
    left: int, rest: int, each: int, most: int
) -> None:
    assume(left * each + rest <= 19 * largest_currency_not_above(most))
    made = parts(left, rest, each, most)

    total, price = sum(part.money for part in made), sum(part.amount_minor for part in made)
    assert all(field_to_currency(*currency_to_field(part.money)) == part.money <= most for part in made)
    assert all(part.amount_minor >= 0 and part.money > 0 for part in made)
    assert 0 < price <= left
    assert 0 <= price * each + rest - total < each
    assert (left - price) * each < max(1, total // 1_000)  # no token carries more of what there is


@given(paid=st.lists(st.integers(1, 10**7), min_size=1, max_size=30), each=EACH)
def test_many_purchases_lose_and_make_nothing(paid: list[int], each: int) -> None:
    account = rest = given_out = 0
    for money in paid:
        account += money
        made = parts(account, rest, each, 10**13)
        price, credit = sum(part.amount_minor for part in made), sum(part.money for part in made)
        account -= price
        rest += price * each - credit
        given_out += credit

    assert given_out + rest + account * each == sum(paid) * each
    assert 0 <= rest < each


def test_nothing_is_sold_for_nothing() -> None:
    with pytest.raises(Refused, match="a token needs at least 1"):
        parts(0, 999, 1_000, 10**9)


def test_more_than_twenty_tokens_are_refused() -> None:
    with pytest.raises(Refused, match="at most 20 tokens of 1000 each"):
        parts(21, 0, 1_000, 1_000)
