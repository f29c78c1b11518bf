"""Sales: once per purchase id, identifiers that only rise, whole units, and the token that the meter expects."""

import asyncio
import uuid

import pytest

from shared.sts.cipher import make_cipher
from shared.sts.time_id import base_seconds
from shared.sts.token import decode
from tests.cloud.served import START, Api, Town

MINUTE_S = 60
DAY_S = 86_400


async def test_a_vend_is_a_token_that_the_meters_key_decodes(api: Api) -> None:
    town = await api.town()

    receipt = await api.made("/vends", town.vend())

    token = decode(receipt["token"], make_cipher(11, town.device.decoder_keys[0]))
    assert (token.token_class, token.subclass) == (0, 1)
    assert token.tid == receipt["tid"]
    assert token.amount is not None
    assert token.amount * 100_000 == receipt["volume_ml"] == 5_000_000


async def test_a_repeat_gives_the_same_answer_and_sells_once(api: Api) -> None:
    town = await api.town()
    order = town.vend()

    first = await api.made("/vends", order)
    api.clock.time += 3600
    again = await api.made("/vends", order)

    assert again == first
    assert len((await api.get("/vends")).body["items"]) == 1


async def test_the_same_purchase_id_for_another_order_is_a_conflict(api: Api) -> None:
    town = await api.town()
    order = town.vend()
    await api.made("/vends", order)

    answer = await api.post("/vends", {**order, "volume_ml": 6_000_000})

    assert (answer.status, answer.code) == (409, "purchase_id_used")


async def test_twenty_repeats_at_once_are_one_sale_with_one_answer(any_api: Api) -> None:
    town = await any_api.town()
    order = town.vend()

    answers = await asyncio.gather(*(any_api.made("/vends", order) for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert len((await any_api.get("/vends")).body["items"]) == 1


async def test_token_identifiers_differ_for_twenty_sales_at_once(any_api: Api) -> None:
    town = await any_api.town()

    answers = await asyncio.gather(*(any_api.made("/vends", town.vend()) for _ in range(20)))

    assert len({answer["tid"] for answer in answers}) == 20
    assert len({answer["token"] for answer in answers}) == 20


async def test_token_identifiers_rise_when_the_clock_steps_back(api: Api) -> None:
    town = await api.town()
    first = await api.made("/vends", town.vend())
    api.clock.time -= 3 * DAY_S

    second = await api.made("/vends", town.vend())

    assert second["tid"] > first["tid"]


async def test_a_sale_is_refused_when_the_clock_fell_far_behind_the_last_identifier(api: Api) -> None:
    town = await api.town()
    await api.made("/vends", town.vend())
    api.clock.time -= 7 * DAY_S

    answer = await api.post("/vends", town.vend())

    assert (answer.status, answer.code) == (503, "tid_ahead")


async def test_the_reserved_minute_after_midnight_is_never_used(api: Api) -> None:
    town = await api.town()
    midnight = (START // DAY_S + 1) * DAY_S
    api.clock.time = midnight

    tids = [(await api.made("/vends", town.vend()))["tid"] for _ in range(3)]

    at_midnight = (midnight - base_seconds(2014)) // MINUTE_S
    assert tids == [at_midnight, at_midnight + 2, at_midnight + 3]


async def test_a_sale_past_the_keys_expiry_is_refused(api: Api) -> None:
    expired = ((START - base_seconds(2014)) // MINUTE_S >> 16) - 1
    town = await api.town(ken=expired)

    answer = await api.post("/vends", town.vend())

    assert (answer.status, answer.code) == (422, "key_expired")


async def test_credit_under_a_default_key_is_refused(api: Api) -> None:
    town = await api.town(kt=1)

    answer = await api.post("/vends", town.vend())

    assert (answer.status, answer.code) == (422, "default_key")


async def test_a_refused_sale_leaves_its_purchase_id_free(api: Api) -> None:
    town = await api.town()
    order = town.vend()
    short = {**order, "tender": {**order["tender"], "amount_minor": 1}}
    assert (await api.post("/vends", short)).code == "tender_short"

    answer = await api.post("/vends", order)

    assert answer.status == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"volume_ml": 99_999}, "volume_too_small"),
        ({"volume_ml": 10**13}, "volume_too_large"),
        ({"tender": {"kind": "cash", "amount_minor": 50_000, "currency": "UGX"}}, "currency_wrong"),
    ],
)
async def test_a_sale_that_no_token_can_carry_is_refused_with_the_reason(
    api: Api, change: dict[str, object], code: str
) -> None:
    town = await api.town()

    answer = await api.post("/vends", town.vend(**change))

    assert (answer.status, answer.code) == (422, code)


async def test_a_sale_for_a_meter_that_no_device_knows_is_refused(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/vends", town.vend())

    assert (answer.status, answer.code) == (422, "meter_not_enrolled")


async def test_a_sale_for_an_unknown_meter_is_not_found(api: Api) -> None:
    town = await api.town()

    answer = await api.post("/vends", town.vend(drn="12345678903"))

    assert (answer.status, answer.code) == (404, "meter_unknown")


async def test_only_who_may_sell_sees_the_token_again(api: Api) -> None:
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    reader = await api.made("/api-keys", {"name": "reader", "scopes": ["vends:read"]})

    seller_sees = await api.get(f"/vends/{sold['purchase_id']}")
    reader_sees = await api.as_key(reader["key"]).get(f"/vends/{sold['purchase_id']}")

    assert seller_sees.body == sold
    tokens = [{**token, "digits": None} for token in sold["tokens"]]
    assert reader_sees.body == {**sold, "token": None, "tokens": tokens}


async def test_every_use_of_a_vending_key_is_audited(api: Api) -> None:
    town = await api.town()
    sold = await api.made("/vends", town.vend())
    await api.get(f"/vends/{sold['purchase_id']}")

    entries = (await api.get("/audit", limit=500)).body["items"]

    uses = [entry["action"] for entry in entries if entry["action"].startswith("key.")]
    assert uses == ["key.derive", "key.derive", "key.encode", "key.encode"]
    assert sold["token"] not in str(entries)


async def test_an_unknown_purchase_is_not_found(api: Api) -> None:
    answer = await api.get(f"/vends/{uuid.uuid4()}")

    assert (answer.status, answer.code) == (404, "purchase_unknown")


async def test_the_vends_of_another_utility_stay_hidden(api: Api) -> None:
    town, other = await api.town(), await api.town()
    sold = await api.made("/vends", town.vend())
    key = await api.made("/api-keys", {"name": "other", "scopes": ["vend", "vends:read"], "utility_id": other.utility})
    stranger = api.as_key(key["key"])

    seen = await stranger.get(f"/vends/{sold['purchase_id']}")
    sale = await stranger.post("/vends", Town.vend(town))

    assert seen.status == 404
    assert (sale.status, sale.code) == (404, "meter_unknown")
    assert (await stranger.get("/vends")).body["items"] == []


async def test_a_remote_sale_queues_one_command_however_often_it_is_repeated(any_api: Api) -> None:
    town = await any_api.town()
    order = town.vend(delivery="remote")

    answers = await asyncio.gather(*(any_api.made("/vends", order) for _ in range(8)))

    commands = (await any_api.get(f"/gateways/{town.gateway}/commands")).body["items"]
    assert len(commands) == 1
    assert answers[0]["token"] not in str(commands)
