"""The worked examples of tests/vectors/money_vending.json hold: read them there, they are written for people."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import Refused
from cloud.meters.models import Meter
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.vending.money_plan import MoneyBuyer, plan
from cloud.vending.purchase import Debt, Wanted
from shared.policy import POLICY, POLICY_FIELDS, decode_policy, encode_fields
from tests.cloud.tariffs.test_golden import exact, minor

FILE = Path(__file__).parents[2] / "vectors/money_vending.json"
EXAMPLES: list[dict[str, Any]] = json.loads(FILE.read_text())["examples"]
NAMES = {"tokens", "price", "debt", "from_account", "to_account", "rest"}


def credit(written: str) -> int:
    return exact(written, 5)


def stands(example: dict[str, Any]) -> MoneyBuyer:
    debt = example.get("debt")
    fields = encode_fields(POLICY_FIELDS, {"max_meter_balance": credit(example.get("most", "10000"))})
    document = POLICY.encode(utility=1, meter_group=0, version=1, valid_from_s=0, fields=fields)
    return MoneyBuyer(
        meter=Meter(drn="12345678903"),
        tariff=Tariff(currency="KES"),
        version=TariffVersion(),
        policy=decode_policy(document),
        month=0,
        balance_minor=minor(example.get("account", "0")),
        owed=Debt(minor(debt["owed"]), int(debt["share"]), minor(debt["cap"])) if debt else Debt(),
        debt=None,
        rest=credit(example.get("rest", "0")),
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["say"])
def test_the_worked_example_of_money_holds(example: dict[str, Any]) -> None:
    asked = Wanted(None, minor(example["buys"]), keep_change=True)
    if "refused" in example:
        with pytest.raises(Refused) as refusal:
            plan(asked, stands(example))
        assert refusal.value.code == example["refused"]
        return

    made = plan(asked, stands(example))

    gives = example["gives"]
    assert set(gives) <= NAMES
    assert [part.money for part in made.parts] == [credit(token) for token in gives["tokens"]]
    settled = made.settled
    found = (settled.volume_minor, settled.debt_minor, settled.from_account_minor, settled.to_account_minor)
    assert found == tuple(minor(gives.get(name, "0")) for name in ("price", "debt", "from_account", "to_account"))
    assert made.rest == credit(gives.get("rest", "0"))
