"""What a cashier is shown of a meter and of purchases, reprints in the audit, and outcomes that say what to do next."""

import uuid
from typing import Any

import pytest

from tests.cloud.commands.orders import online
from tests.cloud.served import Api, new_drn
from tests.cloud.vending.test_money_sales import for_money, with_money


async def test_a_cashier_sees_who_pays_what_and_what_was_bought(any_api: Api) -> None:
    town = await online(any_api)
    debt = {"customer_id": town.customer, "currency": "KES", "principal_minor": 900, "percent": 10, "reason": "r"}
    await any_api.made("/debts", debt)
    sold = await any_api.made("/vends", town.vend(tender=_cash(51_000)))

    found = (await any_api.get("/meters/lookup", drn=town.drn)).body

    assert (found["customer_name"], found["tariff"], found["currency"]) == ("Wanjiru", "Domestic", "KES")
    assert (found["sellable"], found["refusal"], found["balance_unit"]) == (True, None, "ml")
    offer = found["offer"]
    assert (offer["position"]["month_ml"], offer["position"]["price_milliminor"]) == (sold["volume_ml"], 10_000_000)
    assert offer["debt_owed_minor"] == 900 - sold["payment_debt_minor"]
    assert [row["purchase_id"] for row in found["purchases"]] == [sold["purchase_id"]]
    assert "token" not in found["purchases"][0]


def _cash(amount: int) -> dict[str, Any]:
    return {"kind": "cash", "amount_minor": amount, "currency": "KES"}


async def test_a_meter_that_cannot_be_sold_to_says_why_as_the_sale_would(any_api: Api) -> None:
    town = await any_api.town(enrol=False)

    found = (await any_api.get("/meters/lookup", drn=town.drn)).body
    refused = await any_api.post("/vends", town.vend())

    assert (found["sellable"], found["offer"]) == (False, None)
    assert found["refusal"] == {"code": refused.code, "detail": refused.message}


async def test_a_meter_of_money_shows_its_own_tariff(any_api: Api) -> None:
    town = await with_money(any_api)
    await any_api.made("/vends", for_money(town, 10_000))

    found = (await any_api.get("/meters/lookup", drn=town.drn)).body

    assert (found["account"], found["balance_unit"], found["sellable"]) == ("currency", "money_100000", True)
    assert found["offer"]["position"] is None and found["offer"]["device"] is not None
    assert found["purchases"][0]["credit_unit"] == "money_100000"


async def test_a_purchase_is_found_by_meter_and_by_phone(any_api: Api) -> None:
    town = await any_api.town()
    made = [(await any_api.made("/vends", town.vend()))["purchase_id"] for _ in range(3)]

    by_drn = await any_api.made("/vends/search", {"drn": town.drn})
    by_phone = await any_api.made("/vends/search", {"phone": "+254700000001"})
    nobody = await any_api.made("/vends/search", {"phone": "+254799999999"})

    assert [row["purchase_id"] for row in by_drn["purchases"]] == made[::-1]
    assert by_phone == by_drn and nobody["purchases"] == []


async def test_another_utility_finds_nothing(any_api: Api) -> None:
    town = await any_api.town()
    other = await any_api.town()
    await any_api.made("/vends", town.vend())
    stranger = await any_api.person("stranger@penstock.example", "cashier", utility_id=other.utility)

    meter = await stranger.get("/meters/lookup", drn=town.drn)
    by_drn = await stranger.post("/vends/search", {"drn": town.drn})
    by_phone = await stranger.made("/vends/search", {"phone": "+254700000001"})

    assert (meter.status, by_drn.status, by_phone["purchases"]) == (404, 404, [])


@pytest.mark.parametrize("body", [{}, {"drn": "12345678903", "phone": "+254700000001"}, {"reference": ""}])
async def test_a_search_asks_for_one_thing(any_api: Api, body: dict[str, str]) -> None:
    answer = await any_api.post("/vends/search", body)

    assert answer.status == 400


async def test_a_reprint_has_the_same_digits_no_second_revenue_and_is_in_the_audit(any_api: Api) -> None:
    town = await any_api.town()
    sold = await any_api.made("/vends", town.vend())
    before = (await any_api.get(f"/books/{town.utility}")).body

    shown = (await any_api.get(f"/vends/{sold['purchase_id']}")).body
    await any_api.get(f"/vends/{sold['purchase_id']}/receipt", format="json")

    assert shown["token"] == sold["token"]
    assert (await any_api.get(f"/books/{town.utility}")).body == before
    entries = (await any_api.get("/audit", limit=500)).body["items"]
    reprints = [entry["detail"] for entry in entries if entry["action"] == "vend.reprint"]
    assert [detail["form"] for detail in reprints] == ["json", "json"]
    assert all(detail["purchase_id"] == sold["purchase_id"] for detail in reprints)


async def test_a_refused_sale_failed_and_nobody_knows_what_an_unknown_caller_did(any_api: Api) -> None:
    town = await any_api.town()
    order = town.vend()

    refused = await any_api.post("/vends", town.vend(tender=_cash(1)))
    unknown_meter = await any_api.post("/vends", {**order, "drn": new_drn()})
    nobody = await any_api.as_key("nonsense").post("/vends", order)
    elsewhere = await any_api.get(f"/vends/{uuid.uuid4()}")

    assert [answer.body.get("outcome") for answer in (refused, unknown_meter, nobody, elsewhere)] == [
        "failed",
        "failed",
        "unknown",
        None,
    ]
    assert (await any_api.made("/vends", order))["outcome"] == "success"
