"""Policies and floors: readable to people, signed once, numbered upwards by group, and sent to gateways."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import kinds
from shared.documents import COMMAND_FLOOR, COMMAND_POLICY, split_signature
from shared.policy import FLOOR, FLOOR_FIELDS, decode_floor, decode_policy, encode_fields
from tests.cloud.commands.orders import online, received, verdict
from tests.cloud.served import START, Api, new_drn

NAIROBI_NIGHT = {"days": ["mon", "sun", "holiday"], "from_min": 1080, "to_min": 420}
CHANGE = {"month": 3, "week": 5, "weekday": 6, "minute": 120}
BACK = {"month": 10, "week": 5, "weekday": 6, "minute": 180}


def policy(utility: int, **changes: Any) -> dict[str, Any]:
    return {"utility_id": utility, "meter_group": 0, "fields": {"lifeline_quota_ml": 50_000}, **changes}


async def test_a_policy_is_signed_with_zone_windows_and_holidays(any_api: Api) -> None:
    town = await any_api.town(enrol=False)

    made = await any_api.made(
        "/policies",
        policy(
            town.utility,
            zone={"offset_min": 60, "dst_min": 60, "begins": CHANGE, "ends": BACK},
            friendly_windows=[NAIROBI_NIGHT],
            holidays=["2025-12-25", "2025-12-12"],
            aliases=[{"code": 4, "typed": "075#"}],
        ),
    )

    signed = decode_policy(bytes.fromhex(made["document"]))
    utility = (await any_api.get("/utilities")).body["items"][0]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(utility["command_public"]))
    public.verify(bytes.fromhex(made["signature"]), bytes.fromhex(made["document"]))
    assert (made["version"], made["fields"]["lifeline_quota_ml"], signed.lifeline_quota_ml) == (2, 50_000, 50_000)
    assert made["friendly_windows"] == [NAIROBI_NIGHT] and made["holidays"] == ["2025-12-12", "2025-12-25"]
    assert signed.calendar.local(START)[1] == (START // 60 + 120) % 1440  # June: summer time
    assert signed.calendar.friendly(1_766_692_800)  # Christmas evening


async def test_versions_rise_by_group(any_api: Api) -> None:
    town = await any_api.town(enrol=False)

    made = [await any_api.made("/policies", policy(town.utility, meter_group=group)) for group in (0, 4, 4)]

    assert [row["version"] for row in made] == [2, 1, 2]
    assert [row["version"] for row in (await any_api.get("/policies")).body["items"]] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fields": {"lifeline": 1}}, "there is no number lifeline"),
        ({"fields": {"zone": 1}}, "there is no number zone"),
        ({"fields": {"debt_percent": 101}}, "debt_percent: 101 is more than 100"),
        ({"fields": {"leak_h": 256}}, "leak_h"),
        ({"fields": {"lifeline_releases": 0}}, "at least one release"),
        ({"holidays": ["2025-02-30"]}, "no day 2025-02-30"),
        ({"zone": {"offset_min": 60, "dst_min": 60}}, "together"),
        ({"aliases": [{"code": 1, "typed": "7"}, {"code": 2, "typed": "7#"}]}, "there twice"),
    ],
)
async def test_a_policy_that_is_none_is_refused_and_says_why(api: Api, change: dict[str, Any], says: str) -> None:
    town = await api.town(enrol=False)

    answer = await api.post("/policies", policy(town.utility, **change))

    assert (answer.status, answer.code) == (422, "policy_wrong") and says in answer.message


async def test_a_group_is_enrolled_with_its_own_policy(any_api: Api) -> None:
    town = await any_api.town(enrol=False)
    made = await any_api.made("/policies", policy(town.utility, meter_group=4))
    await any_api.made("/meters", town.meter(channel=1, drn=new_drn(), meter_group=4))

    await town.enrol(town.device)

    assert town.device.state.policies[4] == (1, made["check_value"])
    assert town.device.state.meters[1].group == 4
    assert (await verdict(any_api, town))[0] == "explained"
    assert (await any_api.get("/cases")).body["items"] == []


async def test_a_policy_is_sent_and_explained_in_its_group_only(any_api: Api) -> None:
    town = await online(any_api)
    made = await any_api.made("/policies", policy(town.utility))
    sent = await any_api.made(f"/gateways/{town.gateway}/documents", {"kind": "policy", "version": 2})
    command = await received(any_api, town, sent["command_id"])
    document, _ = split_signature(command["payload"])

    named = {"reference_a": 2, "reference_b": made["check_value"]}
    town.device.write(kinds.POLICY, detail=0, **named)
    town.device.write(kinds.POLICY, detail=7, **named)
    town.device.known.add(decode_policy(document))
    await verdict(any_api, town)

    items = (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"][-2:]
    assert command["kind"] == COMMAND_POLICY
    assert [item["verdict"] for item in items] == ["explained", "unexplained"]


async def with_floor_key(api: Api) -> tuple[Any, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    body = {"name": "U", "currency": "KES", "floor_public": key.public_key().public_bytes_raw().hex()}
    return await api.made("/utilities", body), key


def floor(key: Ed25519PrivateKey, utility: int, version: int = 1, **fields: int) -> dict[str, str]:
    document = FLOOR.encode(utility=utility, version=version, fields=encode_fields(FLOOR_FIELDS, fields))
    return {"signed": (document + key.sign(document)).hex()}


async def test_a_floor_signed_elsewhere_is_kept_and_its_version_rises(any_api: Api) -> None:
    utility, key = await with_floor_key(any_api)

    made = await any_api.made("/floors", floor(key, utility["id"], minimum_supply=kinds.LIFELINE))
    again = await any_api.post("/floors", floor(key, utility["id"]))

    assert (made["version"], made["fields"]["minimum_supply"]) == (1, kinds.LIFELINE)
    assert (again.status, again.code) == (409, "version_used")
    assert (await any_api.get("/floors")).body["items"] == [made]


async def test_a_floor_of_another_key_or_utility_is_refused(api: Api) -> None:
    utility, _ = await with_floor_key(api)
    other = Ed25519PrivateKey.generate()

    forged = await api.post("/floors", floor(other, utility["id"]))
    nowhere = await api.post("/floors", floor(other, 99))
    none = await api.post("/floors", {"signed": "00" * 80})

    assert (forged.status, forged.code) == (422, "signature_wrong")
    assert (nowhere.status, nowhere.code) == (404, "utility_unknown")
    assert (none.status, none.code) == (422, "floor_wrong")


async def test_a_document_that_there_is_not_is_not_sent(api: Api) -> None:
    town = await online(api)

    answers = [
        await api.post(f"/gateways/{town.gateway}/documents", {"kind": kind, "version": 9})
        for kind in ("policy", "floor", "tariff")
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(404, "document_unknown")] * 3


async def test_a_floor_is_sent_as_it_was_signed_and_explained(any_api: Api) -> None:
    utility, key = await with_floor_key(any_api)
    town = await any_api.town(enrol=False, utility=utility["id"])
    await town.enrol(town.device)
    made = await any_api.made("/floors", floor(key, town.utility))

    sent = await any_api.made(f"/gateways/{town.gateway}/documents", {"kind": "floor", "version": 1})
    command = await received(any_api, town, sent["command_id"])
    town.device.write(kinds.FLOOR, reference_a=1, reference_b=made["check_value"])
    town.device.write(kinds.FLOOR, reference_a=2, reference_b=1)
    await verdict(any_api, town)

    assert command["kind"] == COMMAND_FLOOR
    assert decode_floor(split_signature(command["payload"])[0]).check == made["check_value"]
    items = (await any_api.get(f"/gateways/{town.gateway}/entries")).body["items"][-2:]
    assert [item["verdict"] for item in items] == ["explained", "unexplained"]
