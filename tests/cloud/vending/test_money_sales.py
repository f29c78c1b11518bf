"""Meters that hold money over the API: trial, sale, receipt, debt, delivery, and what is refused."""

import uuid
from typing import Any

from shared.sts.cipher import make_cipher
from shared.sts.token import decode
from tests.cloud.commands.orders import take_in
from tests.cloud.served import START, Api, Town, new_drn

BLOCKS = [{"limit_ml": 6_000_000, "price_per_m3": 2_000_000}, {"limit_ml": None, "price_per_m3": 5_000_000}]


async def with_money(api: Api, **changes: Any) -> Town:
    """A town with a second meter, whose account holds money; its number is the town's."""
    town = await api.town(enrol=False)
    drn = new_drn()
    await api.made("/meters", town.meter(channel=1, drn=drn, account="currency", **changes))
    order = {"utility_id": town.utility, "meter_group": 0, "effective_from_s": START, "blocks": BLOCKS}
    await api.made("/device-tariffs", order)
    await town.enrol(town.device)
    town.drn = drn
    return town


def for_money(town: Town, amount: int, **changes: Any) -> dict[str, Any]:
    order = town.vend(tender={"kind": "cash", "amount_minor": amount, "currency": "KES"}, change="account")
    del order["volume_ml"]
    return {**order, **changes}


async def test_the_token_carries_money_of_the_meters_commodity(any_api: Api) -> None:
    town = await with_money(any_api)
    asked = {"drn": town.drn, "currency": "KES", "money_minor": 50_000}

    tried = await any_api.made("/trial-vends", asked)
    sold = await any_api.made("/vends", for_money(town, 50_000))

    token = decode(sold["token"], make_cipher(11, town.device.decoder_keys[1]))
    assert (token.token_class, token.subclass, token.amount) == (0, 5, 49_992_624)
    assert (sold["credit"], sold["credit_unit"], sold["volume_ml"]) == (49_992_624, "money_100000", 0)
    assert (sold["amount_minor"], sold["to_account_minor"], sold["outcome"]) == (49_993, 7, "success")
    assert tried["tokens_money"] == [49_992_624] and tried["statement"] == sold["statement"]
    assert [(line["kind"], line["amount_minor"]) for line in sold["lines"]] == [("credit", 49_993), ("to_account", 7)]


async def test_a_repeat_gives_the_same_token_and_sells_once(any_api: Api) -> None:
    town = await with_money(any_api)
    order = for_money(town, 12_345)

    first, again = await any_api.made("/vends", order), await any_api.made("/vends", order)

    assert first == again
    assert len((await any_api.get("/vends")).body["items"]) == 1


async def test_a_debt_takes_its_share_before_the_meter_gets_the_rest(any_api: Api) -> None:
    town = await with_money(any_api)
    debt = {"customer_id": town.customer, "currency": "KES", "principal_minor": 8_000, "percent": 20, "reason": "r"}
    await any_api.made("/debts", debt)

    sold = await any_api.made("/vends", for_money(town, 30_000))

    assert sold["payment_debt_minor"] == 6_000 and sold["statement"]["payment_debt_left_minor"] == 2_000
    assert sold["tender_minor"] == sold["amount_minor"] + sold["payment_debt_minor"] + sold["to_account_minor"]


async def test_the_receipt_says_what_the_meter_does_with_it(any_api: Api) -> None:
    town = await with_money(any_api)
    await take_in(any_api, town, town.device.hello(), town.device.batch())

    sold = await any_api.made("/vends", for_money(town, 50_000))
    printed = (await any_api.get(f"/vends/{sold['purchase_id']}/receipt", language="en")).body["text"]

    said = sold["statement"]["money"]
    assert (said["credit"], said["rest"], said["service"]) == (49_992_624, 376, 49_992_624)
    assert (said["block"], said["price_per_m3"], said["left_ml"]) == (1, 2_000_000, 6_000_000)
    assert "499.92" in printed and "20.00" in printed and " m3 at" not in printed


async def test_the_balance_of_a_money_meter_is_not_called_a_volume(any_api: Api) -> None:
    town = await with_money(any_api)
    sold = await any_api.made("/vends", for_money(town, 50_000))
    town.device.token(1, sold["tid"], sold["credit"])
    await take_in(any_api, town, town.device.batch())

    meter = (await any_api.get(f"/meters/{town.drn}")).body

    assert (meter["balance"], meter["balance_unit"], meter["balance_ml"]) == (49_992_624, "money_100000", None)
    assert meter["last_verdicts"][0]["reason"] == "vend 1 of 49992624 of 1/100000 KES"
    assert (await any_api.get(f"/vends/{sold['purchase_id']}")).body["state"] == "explained"


async def test_more_money_than_was_sold_is_unexplained(any_api: Api) -> None:
    town = await with_money(any_api)
    sold = await any_api.made("/vends", for_money(town, 10))
    town.device.token(1, sold["tid"], sold["credit"] + 1)
    await take_in(any_api, town, town.device.batch())

    last = (await any_api.get(f"/meters/{town.drn}")).body["last_verdicts"][0]

    assert last["verdict"] == "unexplained"
    assert "10000 of 1/100000 KES were sold, 10001 of 1/100000 credited" in last["reason"]


async def test_a_volume_and_nothing_at_all_are_refused_and_change_nothing(any_api: Api) -> None:
    town = await with_money(any_api)

    volume = await any_api.post("/vends", town.vend())
    nothing = await any_api.post("/vends", for_money(town, 0))

    assert [(answer.status, answer.code) for answer in (volume, nothing)] == [
        (422, "account_currency"),
        (422, "purchase_too_small"),
    ]
    assert (await any_api.get("/vends")).body["items"] == []


async def test_a_customers_message_names_money(any_api: Api) -> None:
    town = await with_money(any_api)
    await any_api.made("/vends", for_money(town, 50_000, purchase_id=str(uuid.uuid4())))

    message = (await any_api.get("/messages")).body["items"][-1]

    assert "499.92 KES" in message["text"]


async def test_remote_delivery_is_a_command_with_the_same_token(any_api: Api) -> None:
    town = await with_money(any_api)
    sold = await any_api.made("/vends", for_money(town, 5_000, delivery="remote"))

    commands = (await any_api.get(f"/gateways/{town.gateway}/commands")).body["items"]

    assert [(row["drn"], row["status"]) for row in commands] == [(town.drn, "queued")]
    assert sold["delivery"] == "remote"
