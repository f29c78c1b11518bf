"""Utilities, gateways and meters: what they must be, and that each number and place is taken once."""

from typing import Any

import pytest

from tests.cloud.served import SGC, Api, new_drn, tariff


async def test_a_meter_is_shown_as_it_was_made_before_its_ledger_says_anything(api: Api) -> None:
    town = await api.town()

    meter = (await api.get(f"/meters/{town.drn}")).body

    assert (meter["gateway_id"], meter["channel"], meter["drn"]) == (town.gateway, 0, town.drn)
    assert (meter["balance_ml"], meter["register_ml"], meter["last_verdicts"]) == (None, None, [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"drn": "12345678904"}, "body.drn"),
        ({"drn": "1234567890"}, "body.drn"),
        ({"channel": 8}, "body.channel"),
        ({"channel": -1}, "body.channel"),
        ({"channel": "1"}, "body.channel"),
        ({"channel": 1.0}, "body.channel"),
        ({"pulse_volume_ml": 0}, "body.pulse_volume_ml"),
        ({"krn": 0}, "body.krn"),
        ({"krn": 10}, "body.krn"),
        ({"ti": 100}, "body.ti"),
        ({"kt": 3}, "body.kt"),
        ({"sgc": "60067"}, "body.sgc"),
        ({"commodity": "beer"}, "body.commodity"),
        ({"colour": "red"}, "body.colour"),
    ],
)
async def test_a_malformed_meter_is_refused_by_the_name_of_the_field(
    api: Api, change: dict[str, Any], field: str
) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/meters", town.meter(**change))

    assert (answer.status, answer.code) == (400, "invalid_body")
    assert answer.message.startswith(field + ":")


@pytest.mark.parametrize("same", ["drn", "channel"])
async def test_a_number_and_a_place_are_taken_once(api: Api, same: str) -> None:
    town = await api.town(enrol=False)
    change = {"channel": 1} if same == "drn" else {"drn": new_drn()}

    answer = await api.post("/meters", town.meter(**change))

    assert (answer.status, answer.code) == (409, "meter_exists")


async def test_eight_meters_fit_on_a_gateway(api: Api) -> None:
    town = await api.town(enrol=False)

    for channel in range(1, 8):
        await api.made("/meters", town.meter(channel=channel, drn=new_drn()))

    await town.enrol(town.device)
    assert set(town.device.decoder_keys) == set(range(8))
    assert len(set(town.device.decoder_keys.values())) == 8


async def test_a_thirteen_digit_number_is_a_meter_too(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/meters", town.meter(channel=1, drn="0100000000008"))

    assert answer.status == 201


async def test_a_meter_without_a_vending_key_of_its_group_is_refused(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/meters", town.meter(channel=1, drn=new_drn(), krn=2))

    assert (answer.status, answer.code) == (404, "vending_key_unknown")


async def test_one_group_and_revision_has_one_key(api: Api) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 1})

    assert (answer.status, answer.code) == (409, "vending_key_exists")


async def test_vending_keys_are_listed_without_the_keys(api: Api) -> None:
    await api.town(enrol=False)

    keys = (await api.get("/vending-keys")).body["items"]

    assert set(keys[0]) == {
        "id", "utility_id", "sgc", "krn", "kt", "base_year", "ea", "dkga", "ken", "check_value", "created_at",
    }  # fmt: skip


async def test_a_floor_key_made_offline_is_kept_as_it_is(api: Api) -> None:
    public = "ab" * 32

    utility = await api.made("/utilities", {"name": "U", "currency": "KES", "floor_public": public})

    assert utility["floor_public"] == public


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/utilities", {"name": "U", "currency": "KES"}, "utility_exists"),
        ("/tariffs", tariff(1), "tariff_exists"),
    ],
)
async def test_a_name_is_taken_once(api: Api, path: str, body: dict[str, Any], code: str) -> None:
    await api.post("/utilities", {"name": "U", "currency": "KES"})
    await api.post(path, body)

    answer = await api.post(path, body)

    assert (answer.status, answer.code) == (409, code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/gateways", {"utility_id": 99, "name": "g"}),
        ("/customers", {"utility_id": 99, "name": "N"}),
        ("/tariffs", tariff(99)),
        ("/vending-keys", {"utility_id": 99, "sgc": SGC, "krn": 1}),
        ("/api-keys", {"utility_id": 99, "name": "k", "scopes": ["vend"]}),
    ],
)
async def test_what_belongs_to_a_utility_that_does_not_exist_is_refused(
    any_api: Api, path: str, body: dict[str, Any]
) -> None:
    answer = await any_api.post(path, body)

    assert (answer.status, answer.code) == (404, "utility_unknown")
