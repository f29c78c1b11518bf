"""The worked examples of tests/vectors/tariffs_vending.json hold: read them there, they are written for people."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import Refused
from cloud.tariffs.rules import Month
from cloud.tariffs.terms import PURCHASE, Block, Tax, Terms, check
from cloud.vending.purchase import Debt, Plan, Standing, Wanted, plan
from cloud.vending.rules import TOKEN_MAX_ML

FILE = Path(__file__).parents[2] / "vectors/tariffs_vending.json"
EXAMPLES: list[dict[str, Any]] = json.loads(FILE.read_text())["examples"]

FIELDS = {"say", "working", "tariff", "had", "account", "debt", "min_service", "buys", "gives", "refused"}
GIVES = ("volume", "price", "fixed", "debt", "from_account", "to_account", "change")


def exact(written: str, places: int) -> int:
    """Return a decimal as an integer with so many places; a test of the file's numbers, too."""
    scaled = Decimal(written).scaleb(places)
    assert scaled == int(scaled), f"{written} has more than {places} decimals"
    return int(scaled)


def ml(written: str) -> int:
    return exact(written, 6)


def minor(written: str) -> int:
    return exact(written, 2)


def terms(written: dict[str, Any]) -> Terms:
    blocks = [(None if upto == "rest" else ml(upto), exact(price, 5)) for upto, price in written["blocks"]]
    taxes = [(kind, exact(percent, 1), tuple(on.split())) for kind, percent, on in written.get("taxes", [])]
    return check(
        Terms(
            PURCHASE,
            tuple(Block(limit, price) for limit, price in blocks),
            fixed_month_minor=minor(written.get("fixed", "0")),
            taxes=tuple(Tax(*tax) for tax in taxes),
            free_month_ml=ml(written.get("free", "0")),
            minimum_minor=minor(written.get("minimum", "0")),
        )
    )


def standing(example: dict[str, Any]) -> Standing:
    had, debt = example.get("had", {}), example.get("debt")
    return Standing(
        terms=terms(example["tariff"]),
        month=Month(ml(had.get("volume", "0")), minor(had.get("fixed", "0"))),
        token_max_ml=TOKEN_MAX_ML,
        balance_minor=minor(example.get("account", "0")),
        debt=Debt(minor(debt["owed"]), int(debt["share"]), minor(debt["cap"])) if debt else Debt(),
        min_service_percent=int(example.get("min_service", "0")),
    )


def wanted(buys: dict[str, str]) -> Wanted:
    if "money" in buys:
        return Wanted(None, minor(buys["money"]), keep_change=False)
    return Wanted(ml(buys["volume"]), minor(buys["paid"]), keep_change=False)


def shown(made: Plan) -> dict[str, int]:
    settled = made.settled
    return {
        "volume": made.quote.volume_ml,
        "price": settled.volume_minor,
        "fixed": settled.fixed_minor,
        "debt": settled.debt_minor,
        "from_account": settled.from_account_minor,
        "to_account": settled.to_account_minor,
        "change": settled.change_minor,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["say"][:60] for example in EXAMPLES])
def test_the_worked_example_comes_out(example: dict[str, Any]) -> None:
    assert set(example) <= FIELDS
    if "refused" in example:
        with pytest.raises(Refused) as refusal:
            plan(wanted(example["buys"]), standing(example))
        assert refusal.value.code == example["refused"]
        return
    gives = dict(example["gives"])

    made = plan(wanted(example["buys"]), standing(example))

    expected = {name: ml(gives.get(name, "0")) if name == "volume" else minor(gives.get(name, "0")) for name in GIVES}
    assert shown(made) == expected
    check_details(made, gives)


def check_details(made: Plan, gives: dict[str, Any]) -> None:
    """The blocks used, the taxes and where the month stands, where the example names them."""
    if "blocks" in gives:
        used = [(line.number, line.volume_ml, line.amount_minor) for line in made.bill.blocks]
        assert used == [(int(number), ml(volume), minor(amount)) for number, volume, amount in gives["blocks"]]
    if "taxes" in gives:
        taxed = [(tax.kind, tax.on, tax.amount_minor) for tax in made.bill.taxes]
        assert taxed == [(kind, on, minor(amount)) for kind, on, amount in gives["taxes"]]
    if "next" in gives:
        position, said = made.bill.position, gives["next"]
        assert (position.block, position.price_milliminor) == (int(said["block"]), exact(said["price"], 5))
        assert position.left_ml == (ml(said["left"]) if "left" in said else None)
        assert position.next_price_milliminor == (exact(said["then"], 5) if "then" in said else None)
