"""The worked examples of tests/vectors/accounts.json hold: read them there, they are written for people."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.accounts.rules import Bought, instalments, plan_standing, worth

FILE = Path(__file__).parents[2] / "vectors/accounts.json"
EXAMPLES: dict[str, Any] = json.loads(FILE.read_text())
DAY_S = 86_400


def exact(written: str, places: int) -> int:
    scaled = Decimal(written).scaleb(places)
    assert scaled == int(scaled), f"{written} has more than {places} decimals"
    return int(scaled)


def ml(written: str) -> int:
    return exact(written, 6)


def minor(written: str) -> int:
    return exact(written, 2)


@pytest.mark.parametrize("example", EXAMPLES["left_over"], ids=lambda example: example["say"])
def test_credit_that_is_left_is_worth_what_was_paid_for_it(example: dict[str, Any]) -> None:
    took = [Bought(ml(volume), minor(price), (("vat", minor(tax)),)) for volume, price, tax in example["took"]]

    found = worth(ml(example["left"]), took)

    gives = example["gives"]
    said = (ml(gives["paid_for"]), minor(gives["value"]), minor(gives["tax"]))
    assert (found.volume_ml, found.value_minor, dict(found.taxes).get("vat", 0)) == said, example["working"]


@pytest.mark.parametrize("example", EXAMPLES["plans"], ids=lambda example: example["say"])
def test_a_plan_of_instalments_stands_where_the_paper_says(example: dict[str, Any]) -> None:
    plan = instalments(minor(example["owed"]), [day * DAY_S for day in example["due_days"]])

    found = plan_standing(plan, minor(example["paid"]), example["today"] * DAY_S)

    gives, next_day = example["gives"], example["gives"]["next_day"]
    assert [part.amount_minor for part in plan] == [minor(part) for part in example["parts"]]
    assert (found.due_minor, found.overdue_minor) == (minor(gives["due"]), minor(gives["overdue"])), example["working"]
    assert found.next_due_at == (None if next_day is None else next_day * DAY_S)
    assert found.next_minor == minor(gives["next"])


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_no_more_returns_than_was_paid_and_more_credit_is_never_worth_less(
    left: int, bought: list[tuple[int, int]], chance: random.Random
) -> None:
    took = [Bought(volume, price, (("vat", price // 7),)) for volume, price in bought]

    found, less = worth(left, took), worth(left - chance.randint(0, 10**6), took)

    assert less.value_minor <= found.value_minor <= sum(price for _, price in bought)
    assert found.volume_ml <= max(0, left)
    assert sum(tax for _, tax in found.taxes) <= found.value_minor


@given(st.integers(1, 10**9), st.integers(1, 120), st.integers(0, 10**9), st.integers(0, 130))
def test_the_parts_of_a_plan_are_the_debt(owed: int, count: int, paid: int, day: int) -> None:
    count, paid = min(count, owed), min(paid, owed)
    plan = instalments(owed, [number * DAY_S for number in range(1, count + 1)])

    found = plan_standing(plan, paid, day * DAY_S)

    assert sum(part.amount_minor for part in plan) == owed
    assert 0 <= found.overdue_minor <= owed - paid
    assert found.overdue_minor + found.next_minor <= owed - paid
