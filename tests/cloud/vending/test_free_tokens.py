"""Tokens that nobody pays for: a reason, two people, once, an expense in volume, and explained by name."""

import asyncio
import uuid
from typing import Any

from cloud.keys import CONFIG
from tests.cloud.commands.orders import take_in
from tests.cloud.served import Api, Town
from tests.cloud.vending.test_void_rules import enter


def wanted(town: Town, **changes: Any) -> dict[str, Any]:
    order = {"purchase_id": str(uuid.uuid4()), "drn": town.drn, "volume_ml": 6_000_000, "reason": "free basic water"}
    return {**order, **changes}


async def books(api: Api, town: Town) -> dict[str, int]:
    balance = (await api.get(f"/books/{town.utility}")).body
    assert balance["holds"]
    return {row["code"]: row["balance"] for row in balance["accounts"] if row["balance"]}


async def approved(api: Api, order: dict[str, Any]) -> Any:
    """Ask, let another person approve, and ask again: the receipt."""
    asked = await api.made("/free-tokens", order)
    approver = await api.person(f"{uuid.uuid4()}@penstock.example", "approver")
    await approver.made(f"/token-requests/{asked['request_id']}/approve", None)
    return (await api.made("/free-tokens", order))["receipt"]


async def test_nothing_is_given_before_another_person_approved(any_api: Api) -> None:
    town = await any_api.town()
    order = wanted(town)

    first, again = [await any_api.made("/free-tokens", order) for _ in range(2)]
    own = await any_api.post(f"/token-requests/{first['request_id']}/approve")

    assert first == again and (first["state"], first["receipt"]) == ("waiting", None)
    assert (own.status, own.code) == (403, "own_request")
    assert (await any_api.get("/vends")).body["items"] == [] and await books(any_api, town) == {}
    waiting = (await any_api.get("/token-requests", state="waiting")).body["items"]
    assert [(row["kind"], row["volume_ml"], row["reason"]) for row in waiting] == [
        ("free", 6_000_000, "free basic water")
    ]


async def test_an_approved_gift_is_a_token_once_and_an_expense_of_volume(any_api: Api) -> None:
    town = await any_api.town()
    order = wanted(town)

    receipt = await approved(any_api, order)
    again = (await any_api.made("/free-tokens", order))["receipt"]

    assert receipt == again and len(receipt["token"]) == 20
    assert (receipt["volume_ml"], receipt["amount_minor"], receipt["tender_kind"]) == (6_000_000, 0, "free")
    assert await books(any_api, town) == {"free:water": 6_000_000, "in_flight:water": -6_000_000}
    assert len((await any_api.get("/vends")).body["items"]) == 1


async def test_the_ledger_explains_it_as_a_gift(any_api: Api) -> None:
    town = await any_api.town()
    receipt = await approved(any_api, wanted(town))
    town.device.token(0, receipt["tid"], 6_000_000)

    await take_in(any_api, town, town.device.batch())

    last = (await any_api.get(f"/meters/{town.drn}")).body["last_verdicts"][0]
    assert (last["verdict"], last["reason"]) == ("explained", "vend 1 of 6000000 ml that nobody paid for")
    assert await books(any_api, town) == {"free:water": 6_000_000, "meter_credit:water": -6_000_000}


async def test_a_gift_counts_in_no_block_of_the_month(any_api: Api) -> None:
    town = await any_api.town()
    await approved(any_api, wanted(town))

    sold = await any_api.made("/vends", town.vend())

    assert sold["statement"]["position"]["month_ml"] == 5_000_000


async def test_below_the_limit_one_person_gives(any_api: Api) -> None:
    town = await any_api.town()
    app = any_api.client.app
    assert app is not None
    object.__setattr__(app[CONFIG], "free_token_limit_ml", 6_000_000)

    small = await any_api.made("/free-tokens", wanted(town))
    large = await any_api.made("/free-tokens", wanted(town, volume_ml=6_100_000))

    assert (small["state"], large["state"]) == ("given", "waiting")


async def test_a_declined_request_stays_declined(any_api: Api) -> None:
    town = await any_api.town()
    order = wanted(town)
    asked = await any_api.made("/free-tokens", order)
    approver = await any_api.person("approver@penstock.example", "approver")
    await approver.made(f"/token-requests/{asked['request_id']}/decline", None)

    again = await any_api.post("/free-tokens", order)
    late = await approver.post(f"/token-requests/{asked['request_id']}/approve")

    assert [(answer.status, answer.code) for answer in (again, late)] == [(409, "request_decided")] * 2
    assert (await any_api.get("/vends")).body["items"] == []


async def test_one_purchase_id_asks_for_one_thing(any_api: Api) -> None:
    town = await any_api.town()
    order = wanted(town)
    await any_api.made("/free-tokens", order)
    other = await any_api.post("/free-tokens", {**order, "reason": "another"})
    given = wanted(town)
    await approved(any_api, given)
    sale = await any_api.post("/vends", town.vend(purchase_id=given["purchase_id"]))

    assert [(answer.status, answer.code) for answer in (other, sale)] == [(409, "purchase_id_used")] * 2
    assert (other.body["outcome"], sale.body["outcome"]) == ("failed", "failed")


async def test_what_does_not_fit_the_meter_is_refused_at_once(any_api: Api) -> None:
    town = await any_api.town()

    money = await any_api.post("/free-tokens", wanted(town, volume_ml=None, amount_minor=500))
    both = await any_api.post("/free-tokens", wanted(town, amount_minor=500))
    unknown = await any_api.post("/free-tokens", wanted(town, drn="12345678903"))

    assert [answer.status for answer in (money, both, unknown)] == [422, 400, 404]
    assert money.code == "account_currency"


async def test_a_void_of_a_gift_returns_no_money(any_api: Api) -> None:
    town = await any_api.town()
    receipt = await approved(any_api, wanted(town))
    void = await any_api.made(f"/vends/{receipt['purchase_id']}/void", {})
    enter(town, void)

    await take_in(any_api, town, town.device.batch())

    assert await books(any_api, town) == {"free:water": 6_000_000, "void:water": -6_000_000}
    assert (await any_api.get(f"/vends/{receipt['purchase_id']}")).body["state"] == "void"


async def test_twenty_repeats_at_once_are_one_gift(any_api: Api) -> None:
    town = await any_api.town()
    app = any_api.client.app
    assert app is not None
    object.__setattr__(app[CONFIG], "free_token_limit_ml", 6_000_000)
    order = wanted(town)

    answers = await asyncio.gather(*(any_api.made("/free-tokens", order) for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert len((await any_api.get("/vends")).body["items"]) == 1


async def test_two_approvals_at_once_give_once(any_api: Api) -> None:
    town = await any_api.town()
    asked = await any_api.made("/free-tokens", wanted(town))
    approvers = [await any_api.person(f"{name}@penstock.example", "approver") for name in "ab"]
    path = f"/token-requests/{asked['request_id']}/approve"

    answers = await asyncio.gather(*(approver.post(path) for approver in approvers))

    assert sorted(answer.status for answer in answers) == [200, 409]
    assert await books(any_api, town) == {"free:water": 6_000_000, "in_flight:water": -6_000_000}
