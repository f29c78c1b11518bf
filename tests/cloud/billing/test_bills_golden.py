"""The worked examples of bills, against the code that bills."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud.billing.fields import day_number
from cloud.billing.rules import Charged, Days, SoFar, charge
from cloud.tariffs.terms import CONSUMPTION
from tests.cloud.tariffs.test_golden import minor, ml, terms

FILE = Path(__file__).parents[2] / "vectors/bills.json"
EXAMPLES: list[dict[str, Any]] = json.loads(FILE.read_text())["examples"]
FIELDS = {"say", "working", "tariff", "days", "volume", "had", "last", "gives"}


def charged(example: dict[str, Any]) -> Charged:
    had = example.get("had", {})
    before = SoFar(
        volume_ml=ml(had.get("volume", "0")),
        volume_minor=minor(had.get("price", "0")),
        fixed_minor=minor(had.get("fixed", "0")),
        days=int(had.get("days", "0")),
        bought_fixed_minor=minor(had.get("bought", "0")),
    )
    days = Days(*(day_number(day) for day in example["days"]))
    priced = replace(terms(example["tariff"]), basis=CONSUMPTION)
    return charge(priced, days, ml(example["volume"]), before, closes=example.get("last", False))


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["say"][:60] for example in EXAMPLES])
def test_the_worked_bill_comes_out(example: dict[str, Any]) -> None:
    assert set(example) <= FIELDS
    gives = example["gives"]

    made = charged(example)

    assert sum(line.amount_minor for line in made.bill.blocks) == minor(gives.get("price", "0"))
    assert made.bill.fixed_minor == minor(gives.get("fixed", "0"))
    assert made.minimum_minor == minor(gives.get("minimum", "0"))
    raised = [(tax.kind, tax.on, tax.amount_minor) for tax in made.taxes if tax.amount_minor]
    assert raised == [(kind, on, minor(amount)) for kind, on, amount in gives.get("taxes", [])]
    assert made.total_minor == minor(gives.get("total", "0"))
    if "blocks" in gives:
        used = [(line.number, line.volume_ml, line.amount_minor) for line in made.bill.blocks]
        assert used == [(int(number), ml(volume), minor(amount)) for number, volume, amount in gives["blocks"]]
