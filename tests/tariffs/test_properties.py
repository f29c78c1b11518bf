"""What holds for every tariff and every top-up: nothing is lost by cutting, and no line takes too much."""

import calendar
import random
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import WireError
from shared.tariff import CONTINUE, NEVER, UNIT, Tariff, decode_tariff, encode_tariff, fixed_charge, share_from
from shared.top_up import Shares, lines

U48 = (1 << 48) - 1
PRICES = st.one_of(st.just(0), st.integers(1, 3), st.integers(1, 10_000_000), st.integers(1, U48))
VOLUMES = st.one_of(st.integers(0, 50), st.integers(0, 100_000_000), st.integers(0, 1 << 46))
REMAINDERS = st.integers(0, UNIT - 1)
MONEY = st.one_of(st.integers(1, 1000), st.integers(1, 1 << 47))
RESTS = st.integers(28, 31).flatmap(lambda days: st.builds(share_from, st.integers(1, days), st.just(days)))
SHARES = st.one_of(st.just(0), RESTS)
DAYS = st.integers(date(1990, 1, 1).toordinal(), date(2090, 1, 1).toordinal()).map(
    lambda ordinal: ordinal - date(1970, 1, 1).toordinal()
)
MONTHLY = st.one_of(st.integers(0, 400), st.integers(0, 100_000_000), st.integers(0, U48))
PERCENT = st.integers(0, 100)
OWED = st.one_of(st.just(0), st.integers(0, 200), st.integers(0, 1 << 47))


def tariff_of(blocks: list[tuple[int, int]]) -> Tariff:
    return decode_tariff(encode_tariff(1, 0, 1, 0, CONTINUE, 0, 0, blocks))


@st.composite
def blocks(draw: st.DrawFn, limit_max: int = 1 << 46) -> list[tuple[int, int]]:
    limits = sorted(draw(st.sets(st.integers(1, limit_max), max_size=7)))
    return [(limit, draw(PRICES)) for limit in [*limits, 0]]


TARIFFS = st.one_of(blocks(60), blocks(50_000_000), blocks()).map(tariff_of)


@given(TARIFFS, VOLUMES, st.lists(VOLUMES, max_size=8), REMAINDERS, SHARES)
def test_wherever_a_consumption_is_cut_the_parts_cost_what_the_whole_costs(
    tariff: Tariff, before: int, parts: list[int], remainder: int, share: int
) -> None:
    whole = tariff.charge(before, sum(parts), remainder, share)

    charged, carried, position = 0, remainder, before
    for part in parts:
        money, carried = tariff.charge(position, part, carried, share)
        charged += money
        position += part

    assert (charged, carried) == whole


@given(blocks(60), st.integers(0, 40), st.integers(0, 40), SHARES)
def test_a_charge_is_the_sum_of_the_prices_of_each_millilitre(
    rows: list[tuple[int, int]], before: int, consumed: int, share: int
) -> None:
    left, days = (share >> 8, share & 0xFF) if share else (1, 1)

    def price_at(position: int) -> int:
        return next(price for limit, price in rows if limit == 0 or position < limit * left // days)

    cost = sum(price_at(position) for position in range(before, before + consumed))

    assert tariff_of(rows).charge(before, consumed, 0, share) == divmod(cost, UNIT)


@given(TARIFFS, VOLUMES, MONEY, REMAINDERS, SHARES)
def test_a_volume_is_the_smallest_that_uses_the_money_up(
    tariff: Tariff, before: int, money: int, remainder: int, share: int
) -> None:
    volume = tariff.volume_for(before, money, remainder, share)

    if volume != NEVER:
        assert tariff.charge(before, volume, remainder, share)[0] >= money
    assert 1 <= volume <= NEVER
    assert tariff.charge(before, volume - 1, remainder, share)[0] < money


@given(TARIFFS, VOLUMES, SHARES)
def test_a_block_costs_its_price_to_its_end_and_then_the_next(tariff: Tariff, position: int, share: int) -> None:
    index, left, price, next_price = tariff.block(position, share)

    assert price == tariff.prices[index]
    if left < 0:
        assert (left, next_price, index) == (-1, -1, len(tariff.prices) - 1)
        assert tariff.charge(position, U48, 0, share) == divmod(price * U48, UNIT)
    else:
        assert left > 0 and tariff.charge(position, left, 0, share) == divmod(price * left, UNIT)
        assert tariff.charge(position + left, 1, 0, share) == divmod(next_price, UNIT)


@given(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFF),
    st.integers(1, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 2),
    MONTHLY,
    st.integers(0, 255),
    blocks(),
)
def test_every_tariff_reads_back(
    utility: int,
    group: int,
    version: int,
    start: int,
    counters: int,
    fixed: int,
    days: int,
    rows: list[tuple[int, int]],
) -> None:
    tariff = decode_tariff(encode_tariff(utility, group, version, start, counters, fixed, days, rows))

    assert (tariff.meter_group, tariff.version, tariff.effective_from_s) == (group, version, start)
    assert (tariff.counters, tariff.fixed_month, tariff.fixed_days_max) == (counters, fixed, days)
    assert list(zip(tariff.limits, tariff.prices, strict=True)) == rows


@given(blocks(), st.integers(0, 1 << 32))
def test_a_damaged_document_is_a_named_error_or_another_whole_tariff(rows: list[tuple[int, int]], seed: int) -> None:
    document = bytearray(encode_tariff(1, 2, 3, 4, CONTINUE, 5, 6, rows))
    chance = random.Random(seed)
    document[chance.randrange(len(document))] ^= 1 << chance.randrange(8)
    del document[len(document) - chance.choice((0, 0, 1, 12)) :]

    try:
        read = decode_tariff(bytes(document))
    except WireError:
        return

    again = list(zip(read.limits, read.prices, strict=True))
    head = (read.meter_group, read.version, read.effective_from_s, read.counters, read.fixed_month, read.fixed_days_max)
    assert encode_tariff(int.from_bytes(document[8:12], "big"), *head, again) == bytes(document)


@given(MONTHLY, DAYS, st.lists(st.integers(0, 500), max_size=6))
def test_days_cost_the_same_however_they_are_gathered(monthly: int, first: int, parts: list[int]) -> None:
    whole = fixed_charge(monthly, first, sum(parts))

    posted, day = 0, first
    for part in parts:
        posted += fixed_charge(monthly, day, part)
        day += part

    assert posted == whole


@given(MONTHLY, st.integers(1971, 2105))
def test_every_year_costs_twelve_months_and_every_day_a_365th_of_them(monthly: int, year: int) -> None:
    first = (date(year, 1, 1) - date(1970, 1, 1)).days
    length = 366 if calendar.isleap(year) else 365

    days = [fixed_charge(monthly, first + day, 1) for day in range(length)]

    assert sum(days) == fixed_charge(monthly, first, length) == monthly * 12
    assert {money - monthly * 12 // 365 for money in days[:365]} <= {0, 1}
    assert days[365:] in ([], [0])
    assert days[364] == max(days)


@given(st.integers(28, 31), st.integers(0, U48))
def test_a_scaled_limit_grows_with_the_days_left_and_never_passes_the_whole(days: int, limit: int) -> None:
    tariff = tariff_of([(limit or 1, 1), (0, 2)])

    scaled = [tariff._upper(0, share_from(left, days)) for left in range(1, days + 1)]

    assert scaled[-1] == (limit or 1)
    assert all(less <= more for less, more in pairwise(scaled))


@given(MONEY, OWED, OWED, OWED, PERCENT, OWED, PERCENT, PERCENT, PERCENT)
def test_the_lines_of_a_top_up_are_its_amount_and_none_takes_more_than_its_due(
    amount: int,
    payment_debt: int,
    debt: int,
    emergency: int,
    percent: int,
    cap: int,
    second: int,
    third: int,
    kept: int,
) -> None:
    split = lines(amount, payment_debt, debt, emergency, Shares(percent, cap, second, third, kept))

    dues = (
        min(payment_debt, cap, amount * percent // 100),
        min(debt, amount * second // 100),
        min(emergency, amount * third // 100),
    )
    assert sum(split) == amount
    assert all(0 <= line <= due for line, due in zip(split[:3], dues, strict=True))
    assert split[3] * 100 >= amount * kept


@given(MONEY, OWED, OWED, OWED, PERCENT, OWED, PERCENT, PERCENT, PERCENT)
def test_a_line_goes_short_only_for_those_before_it_and_for_service(
    amount: int,
    payment_debt: int,
    debt: int,
    emergency: int,
    percent: int,
    cap: int,
    second: int,
    third: int,
    kept: int,
) -> None:
    split = lines(amount, payment_debt, debt, emergency, Shares(percent, cap, second, third, kept))

    dues = (
        min(payment_debt, cap, amount * percent // 100),
        min(debt, amount * second // 100),
        min(emergency, amount * third // 100),
    )
    for place in range(3):
        if split[place] < dues[place]:
            assert not any(split[place + 1 : 3])
            assert split[3] == -(-amount * kept // 100)


@pytest.mark.parametrize("part", ["payment_percent", "debt_percent", "emergency_percent", "min_service_percent"])
@given(value=st.one_of(st.integers(max_value=-1), st.integers(min_value=101)))
def test_no_percentage_outside_0_to_100_is_taken(part: str, value: int) -> None:
    percentages = dict.fromkeys(("payment_percent", "debt_percent", "emergency_percent", "min_service_percent"), 0)

    with pytest.raises(WireError, match=part):
        Shares(payment_cap_left=0, **(percentages | {part: value}))
