"""Key changes: planned, given out in front of the credit under the new key, the same every time until the ledger shows
them, and refused where they would lead nowhere."""

import asyncio
from typing import Any

import pytest

from shared.documents import key_check
from shared.sts.cipher import make_cipher
from shared.sts.key_change import KeyChange, NewKey
from shared.sts.time_id import base_seconds
from shared.sts.token import decode
from tests.cloud.served import SGC, Api, Town

MINUTE_S = 60


async def add_key(api: Api, town: Town, **changes: Any) -> dict[str, Any]:
    """Make a vending key, by default the next revision of the town's group; return what a plan says of it."""
    key = {"utility_id": town.utility, "sgc": SGC, "krn": 2, **changes}
    await api.made("/vending-keys", key)
    return {name: key[name] for name in ("sgc", "krn", "kt") if name in key}


async def planned(api: Api, town: Town, **changes: Any) -> Any:
    return await api.made("/key-changes", {"drn": town.drn, "to": await add_key(api, town, **changes)})


async def state_of(api: Api, change_id: int) -> str:
    return next(row["state"] for row in (await api.get("/key-changes")).body["items"] if row["id"] == change_id)


def new_key_of(town: Town, receipt: dict[str, Any]) -> NewKey:
    """What a meter makes of the sections of a receipt."""
    old = make_cipher(11, town.device.decoder_keys[0])
    held = KeyChange(long_key=True)
    for token in receipt["tokens"]:
        if token["kind"] == "key_change":
            held.add(decode(token["digits"], old))
    return held.new_key()


async def test_the_next_purchase_gives_out_the_sections_and_then_credit_under_the_new_key(any_api: Api) -> None:
    town = await any_api.town()
    plan = await planned(any_api, town, ken=254)

    receipt = await any_api.made("/vends", town.vend())

    assert [(token["kind"], token["number"]) for token in receipt["tokens"]] == [
        ("key_change", 1),
        ("key_change", 2),
        ("key_change", 3),
        ("key_change", 4),
        ("credit", 1),
    ]
    new = new_key_of(town, receipt)
    assert (new.krn, new.kt, new.ken, new.ti, new.sgc, new.roll_over) == (2, 2, 254, 1, SGC, False)
    assert key_check(new.decoder_key) == plan["new_key_check"]
    credit = decode(receipt["tokens"][-1]["digits"], make_cipher(11, new.decoder_key))
    assert credit.tid == receipt["tid"]
    assert receipt["token"] is None
    assert await state_of(any_api, plan["id"]) == "issued"


async def test_until_the_ledger_shows_the_new_key_every_sale_gives_the_same_sections_again(api: Api) -> None:
    town = await api.town()
    await planned(api, town)
    first_order = town.vend()
    first = await api.made("/vends", first_order)

    again = await api.made("/vends", first_order)
    second = await api.made("/vends", town.vend())

    assert again == first
    assert second["tokens"][:4] == first["tokens"][:4]
    assert second["tid"] > first["tid"]


async def test_a_new_tariff_index_is_a_key_change_too(api: Api) -> None:
    town = await api.town()
    to = {"sgc": SGC, "krn": 1, "ti": 7}

    plan = await api.made("/key-changes", {"drn": town.drn, "to": to})
    new = new_key_of(town, await api.made("/vends", town.vend()))

    assert (new.ti, new.krn, plan["roll_over"]) == (7, 1, False)


async def test_another_supply_group_travels_with_the_key(api: Api) -> None:
    town = await api.town()
    await planned(api, town, sgc="123456")

    assert new_key_of(town, await api.made("/vends", town.vend())).sgc == "123456"


async def test_the_roll_over_flag_is_set_exactly_when_the_base_date_changes(api: Api) -> None:
    api.clock.time = base_seconds(2035) + 86_400 * 365
    town = await api.town()
    plan = await planned(api, town, base_year=2035)

    first = await api.made("/vends", town.vend())
    second = await api.made("/vends", town.vend())

    assert plan["roll_over"] and new_key_of(town, first).roll_over
    assert first["tid"] == 365 * 1440
    assert second["tid"] == first["tid"] + 2  # 00:01 is reserved


async def test_a_meter_under_a_default_key_gets_credit_with_the_change_to_a_unique_one(api: Api) -> None:
    town = await api.town(kt=1)
    assert (await api.post("/vends", town.vend())).code == "default_key"
    await planned(api, town, krn=1)

    receipt = await api.made("/vends", town.vend())

    assert new_key_of(town, receipt).kt == 2


async def test_a_key_that_expired_can_be_left_but_not_entered(api: Api) -> None:
    expired = ((api.clock.now() - base_seconds(2014)) // MINUTE_S >> 16) - 1
    town = await api.town(ken=expired)
    to_expired = await add_key(api, town, krn=3, ken=expired)
    refused = await api.post("/key-changes", {"drn": town.drn, "to": to_expired})

    await planned(api, town)
    receipt = await api.made("/vends", town.vend())

    assert (refused.status, refused.code) == (422, "key_expired")
    assert new_key_of(town, receipt).ken == 255


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ({"sgc": SGC, "krn": 1}, "key_unchanged"),
        ({"sgc": SGC, "krn": 9}, "vending_key_unknown"),
        ({"sgc": SGC, "krn": 4, "kt": 1}, "default_key"),
        ({"sgc": SGC, "krn": 5}, "key_algorithm"),
        ({"sgc": SGC, "krn": 6}, "tid_exhausted"),
    ],
)
async def test_a_change_that_leads_nowhere_is_refused_with_the_reason(api: Api, to: dict[str, Any], code: str) -> None:
    town = await api.town()
    await add_key(api, town, krn=4, kt=1)
    await add_key(api, town, krn=5, ea=7)
    await add_key(api, town, krn=6, base_year=2035)

    answer = await api.post("/key-changes", {"drn": town.drn, "to": to})

    assert answer.code == code


async def test_the_same_plan_again_is_the_same_and_another_one_is_a_conflict(api: Api) -> None:
    town = await api.town()
    first = await planned(api, town)
    other = await add_key(api, town, krn=3)

    again = await api.made("/key-changes", {"drn": town.drn, "to": {"sgc": SGC, "krn": 2}})
    conflict = await api.post("/key-changes", {"drn": town.drn, "to": other})

    assert again == first
    assert (conflict.status, conflict.code) == (409, "key_change_open")


async def test_a_cancelled_change_is_not_given_out_and_leaves_room_for_another(api: Api) -> None:
    town = await api.town()
    plan = await planned(api, town)

    cancelled = await api.made(f"/key-changes/{plan['id']}/cancel", None)
    receipt = await api.made("/vends", town.vend())
    other = await planned(api, town, krn=3)

    assert cancelled["state"] == "cancelled"
    assert len(receipt["tokens"]) == 1
    assert other["state"] == "planned"


async def test_a_change_whose_tokens_are_out_cannot_be_cancelled(api: Api) -> None:
    town = await api.town()
    plan = await planned(api, town)
    await api.made("/vends", town.vend())

    answer = await api.post(f"/key-changes/{plan['id']}/cancel")

    assert (answer.status, answer.code) == (409, "key_change_issued")


async def test_a_supply_group_is_planned_page_by_page_and_says_who_was_left_out(api: Api) -> None:
    town = await api.town()
    drns = ["12345678903", "22345678902"]
    for channel, drn in enumerate(drns, 1):
        await api.made("/meters", town.meter(channel=channel, drn=drn))
    other = await add_key(api, town, krn=3)
    await api.made("/key-changes", {"drn": drns[0], "to": other})
    to = await add_key(api, town)

    found: dict[str, list[Any]] = {"planned": [], "refused": []}
    after: int | None = 0
    while after is not None:
        body = {"utility_id": town.utility, "sgc": SGC, "krn": 1, "to": to, "after": after, "limit": 2}
        page = await api.made("/key-changes/group", body)
        for name, rows in found.items():
            rows += page[name]
        after = page["next"]

    assert [row["drn"] for row in found["planned"]] == [town.drn, drns[1]]
    assert [(row["drn"], row["code"]) for row in found["refused"]] == [(drns[0], "key_change_open")]
    assert len((await api.get("/key-changes", state="planned")).body["items"]) == 3


async def test_of_twenty_plans_at_once_one_is_made(any_api: Api) -> None:
    town = await any_api.town()
    to = await add_key(any_api, town)

    answers = await asyncio.gather(*(any_api.post("/key-changes", {"drn": town.drn, "to": to}) for _ in range(20)))

    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body["id"] for answer in answers if answer.status == 201}) == 1
    assert len((await any_api.get("/key-changes")).body["items"]) == 1


async def test_a_remote_sale_queues_the_sections_before_the_credit_and_not_twice(api: Api) -> None:
    town = await api.town()
    await planned(api, town)

    await api.made("/vends", town.vend(delivery="remote"))
    await api.made("/vends", town.vend(delivery="remote"))

    commands = (await api.get(f"/gateways/{town.gateway}/commands")).body["items"]
    assert [command["section"] for command in commands] == [1, 2, 3, 4, None, None]
    assert [command["vend_id"] for command in commands] == [None] * 4 + [1, 2]


async def test_sections_are_audited_with_both_vending_keys(api: Api) -> None:
    town = await api.town()
    plan = await planned(api, town)
    await api.made("/vends", town.vend())

    entries = (await api.get("/audit", limit=500)).body["items"]

    uses = [(entry["action"], entry["subject"]) for entry in entries if f"key-change:{plan['id']}" in str(entry)]
    assert uses[0] == ("key-change.plan", f"key-change:{plan['id']}")
    assert [action for action, _ in uses[1:]] == ["key.change", "key.derive"]
