"""Opening an account in one step: all of it or nothing, once for a key, and nobody sees who lived there before."""

from typing import Any

import pytest

from tests.cloud.accounts.walked import new_account, spare
from tests.cloud.commands.orders import take_in
from tests.cloud.served import Api, Town, new_drn


async def counts(api: Api) -> list[int]:
    return [
        len((await api.get(path)).body["items"]) for path in ("/customers", "/service-points", "/meters", "/accounts")
    ]


async def test_customer_place_meter_class_and_contacts_come_in_one_step(any_api: Api) -> None:
    town = await any_api.town(enrol=False)
    drn = new_drn()

    opened = await any_api.made("/accounts", new_account(town, drn, 1, billing={"payment": "credit", "meter_group": 3}))

    meter = (await any_api.get(f"/meters/{drn}")).body
    customer = (await any_api.get(f"/customers/{opened['customer_id']}")).body
    point = (await any_api.get(f"/service-points/{opened['service_point_id']}")).body
    assert (meter["customer_id"], meter["tariff_id"], meter["payment"], meter["meter_group"]) == (
        customer["id"],
        town.tariff,
        "credit",
        3,
    )
    assert (customer["phone"], customer["email"], customer["language"]) == ("+254700000009", None, "en")
    assert [(one["kind"], one["consent"]) for one in customer["contacts"]] == [("sms", True), ("email", False)]
    assert (point["place"], point["commodity"], point["meters"][0]["drn"]) == ("Plot 7", "water", drn)
    assert point["accounts"][0]["state"] == "active"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"tariff_id": 999_999}, 404, "not_found"),
        ({"customer": {"id": 999_999}}, 404, "not_found"),
        ({"service_point": {"id": 999_999}}, 404, "not_found"),
        ({"meter": {"drn": new_drn()}}, 404, "meter_unknown"),
        ({"customer": {"id": 1, "contacts": [{"phone": "+254700000001"}]}}, 400, "invalid_body"),
        ({"customer": {"name": "A", "contacts": [{"phone": "+254700000001"}] * 2}}, 422, "contact_twice"),
    ],
)
async def test_what_is_wrong_leaves_nothing(api: Api, changes: dict[str, Any], status: int, code: str) -> None:
    town = await api.town(enrol=False)
    before = await counts(api)

    answer = await api.post("/accounts", new_account(town, new_drn(), 1, **changes))

    assert (answer.status, answer.code) == (status, code), answer.body
    assert await counts(api) == before


async def test_a_repeat_with_its_key_opens_one_account(any_api: Api) -> None:
    town = await any_api.town(enrol=False)
    body, key = new_account(town, new_drn(), 1), {"Idempotency-Key": "once"}

    first = await any_api.post("/accounts", body, headers=key)
    again = await any_api.post("/accounts", body, headers=key)

    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body


async def test_a_place_has_one_account_at_a_time(api: Api) -> None:
    town = await api.town(enrol=False)
    opened = await api.made("/accounts", new_account(town, new_drn(), 1))
    there = {"service_point": {"id": opened["service_point_id"]}, "meter": {}}

    answer = await api.post("/accounts", new_account(town, "", 0, **there))

    assert (answer.status, answer.code) == (409, "account_open")


async def heard(api: Api) -> Town:
    town = await api.town()
    await take_in(api, town, town.device.hello(), town.device.batch())
    return town


async def test_who_moves_in_pays_from_the_first_block_and_sees_nothing_of_who_moved_out(any_api: Api) -> None:
    town = await heard(any_api)
    sold = await any_api.made("/vends", town.vend())
    account = (await any_api.get("/accounts")).body["items"][0]
    town.device.token(0, sold["tid"], sold["volume_ml"])
    town.device.charge(0, 1_000_000)
    await take_in(any_api, town, town.device.batch())

    ended = await any_api.made(f"/accounts/{account['id']}/close", {"credit": "place", "reason": "moves"})
    body = new_account(town, "", 0, service_point={"id": account["service_point_id"]}, meter={"drn": town.drn})
    opened = await any_api.made("/accounts", body)
    trial = await any_api.made("/trial-vends", {"drn": town.drn, "currency": "KES", "volume_ml": 1_000_000})
    times = {"currency": "KES"}
    statement = (await any_api.get(f"/customers/{opened['customer_id']}/statement", **times)).body
    history = (await any_api.get(f"/service-points/{account['service_point_id']}")).body["accounts"]

    assert (ended["register_ml"], ended["balance"]) == (1_000_000, 4_000_000)
    assert opened["opening_register_ml"] == 1_000_000
    assert trial["statement"]["position"]["month_ml"] == 1_000_000
    assert statement["lines"] == []
    assert [(one["customer_id"], one["state"]) for one in history] == [
        (town.customer, "closed"),
        (opened["customer_id"], "active"),
    ]
    after = await any_api.made("/vends", town.vend())
    mine = (await any_api.get(f"/customers/{opened['customer_id']}/statement", **times)).body["lines"]
    assert [line["reference"] for line in mine] == [after["purchase_id"]]


async def test_a_meter_without_a_customer_is_taken_into_an_account(api: Api) -> None:
    town = await api.town(enrol=False)
    drn = await spare(api, town, 1)

    opened = await api.made("/accounts", new_account(town, "", 0, meter={"drn": drn}))

    assert (await api.get(f"/meters/{drn}")).body["customer_id"] == opened["customer_id"]


async def test_a_meter_that_runs_is_told_of_its_mode_by_a_command(api: Api) -> None:
    town = await heard(api)
    account = (await api.get("/accounts")).body["items"][0]
    await api.made(f"/accounts/{account['id']}/close", {"credit": "place", "reason": "moves"})
    there = {"service_point": {"id": account["service_point_id"]}, "meter": {}}

    opened = await api.made("/accounts", new_account(town, "", 0, **there, billing={"meter_group": 9}))

    command = (await api.get(f"/commands/{opened['command_id']}")).body
    assert (command["status"], command["drn"]) == ("queued", town.drn)


async def test_a_return_code_of_another_meter_closes_nothing(api: Api) -> None:
    town = await heard(api)
    account = (await api.get("/accounts")).body["items"][0]
    body = {"proof": "return_code", "return_code": "000000000000", "told_balance": 5, "bar_meter": True, "reason": "r"}

    answer = await api.post(f"/accounts/{account['id']}/close", body)

    assert (answer.status, answer.code) == (422, "code_wrong")
    assert (await api.get(f"/accounts/{account['id']}")).body["state"] == "active"
    assert (await api.get(f"/meters/{town.drn}")).body["customer_id"] == town.customer


async def test_a_meter_is_taken_to_another_place_once_nobody_lives_at_the_first(any_api: Api) -> None:
    town = await any_api.town(enrol=False)
    drn = new_drn()
    first = await any_api.made("/accounts", new_account(town, drn, 1))
    path = f"/service-points/{first['service_point_id']}/meter"

    early = await any_api.call("DELETE", path)
    elsewhere = new_account(town, "", 0, meter={"drn": drn})
    taken = await any_api.post("/accounts", elsewhere)
    await any_api.made(f"/accounts/{first['id']}/close", {"credit": "place", "proof": "last_verified", "reason": "r"})
    away = await any_api.call("DELETE", path)
    again = await any_api.call("DELETE", path)
    second = await any_api.made("/accounts", elsewhere)

    assert (early.status, taken.status, away.status, again.status) == (409, 409, 200, 404)
    assert (second["drn"], second["service_point_id"] > first["service_point_id"]) == (drn, True)


async def test_a_meter_with_credit_is_opened_as_it_is_and_not_over_to_bills(any_api: Api) -> None:
    town = await heard(any_api)
    sold = await any_api.made("/vends", town.vend())
    town.device.token(0, sold["tid"], sold["volume_ml"])
    await take_in(any_api, town, town.device.batch())
    account = (await any_api.get("/accounts")).body["items"][0]
    await any_api.made(f"/accounts/{account['id']}/close", {"credit": "place", "reason": "moves"})
    there = {"service_point": {"id": account["service_point_id"]}, "meter": {"drn": town.drn}}
    body = new_account(town, "", 0, **there)

    billed = await any_api.post("/accounts", {**body, "billing": {"payment": "credit"}})
    prepaid = await any_api.post("/accounts", {**body, "billing": {"payment": "prepayment"}})

    assert (billed.status, billed.code, prepaid.status) == (422, "credit_left", 201), billed.body
