"""Versions of tariffs: two people, a time ahead, and nothing that was said ever changes."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud.keys import DATABASE
from tests.cloud.served import START, Api, Town

DAY_S = 86_400


def version(**changes: Any) -> dict[str, Any]:
    """Return the body of a version: two blocks from tomorrow."""
    said = {
        "effective_from_s": START + DAY_S,
        "reason": "dry season",
        "block_basis": "purchase",
        "blocks": [
            {"limit_ml": 6_000_000, "price_milliminor": 5_000_000},
            {"limit_ml": None, "price_milliminor": 9_000_000},
        ],
    }
    return {**said, **changes}


async def approved(api: Api, tariff: int, **changes: Any) -> Any:
    """Make a version that another person approved."""
    path = f"/tariffs/{tariff}/versions"
    made = await api.made(path, version(**changes))
    await api.made(f"{path}/{made['version']}/submit", None)
    other = await api.person(f"approver{made['version']}.{tariff}@b.example", scopes=["tariffs:approve"])
    return await other.made(f"{path}/{made['version']}/approve", None)


async def test_a_class_with_a_flat_price_begins_with_one_block_in_force(api: Api) -> None:
    town = await api.town(enrol=False)

    (first,) = (await api.get(f"/tariffs/{town.tariff}/versions")).body["items"]

    assert (first["version"], first["state"], first["block_basis"]) == (1, "approved", "purchase")
    assert first["blocks"] == [{"limit_ml": None, "price_milliminor": 10_000_000}]


async def test_a_class_without_a_price_sells_nothing_until_a_version_is_in_force(any_api: Api) -> None:
    town = await any_api.town()
    body = {"utility_id": town.utility, "name": "Shops", "commodity": "water", "currency": "KES"}
    shops = await any_api.made("/tariffs", body)
    drn = "12345678903"
    await any_api.made("/meters", town.meter(channel=1, drn=drn, tariff_id=shops["id"]))
    await town.enrol(type(town.device)())
    assert shops["price_minor_per_m3"] is None

    before = await any_api.post("/vends", town.vend(drn=drn))
    await approved(any_api, shops["id"])
    any_api.clock.time += DAY_S
    after = await any_api.made("/vends", town.vend(drn=drn, volume_ml=1_000_000))

    assert (before.status, before.code) == (422, "no_tariff_in_force")
    assert after["amount_minor"] == 5_000


async def test_a_version_goes_from_draft_over_two_people_into_force(any_api: Api) -> None:
    town = await any_api.town()
    path = f"/tariffs/{town.tariff}/versions"

    drafted = await any_api.made(path, version())
    submitted = await any_api.made(f"{path}/2/submit", None)
    other = await any_api.person("second@b.example", scopes=["tariffs:approve"])
    decided = await other.made(f"{path}/2/approve", None)
    old = await any_api.made("/vends", town.vend(volume_ml=1_000_000))
    any_api.clock.time += DAY_S
    new = await any_api.made("/vends", town.vend(volume_ml=1_000_000))

    assert [row["state"] for row in (drafted, submitted, decided)] == ["draft", "submitted", "approved"]
    assert decided["submitted_by"] != decided["decided_by"]
    assert (old["amount_minor"], new["amount_minor"]) == (10_000, 5_000)
    assert (old["statement"]["tariff_version"], new["statement"]["tariff_version"]) == (1, 2)


async def test_who_submits_does_not_approve(api: Api) -> None:
    town = await api.town(enrol=False)
    path = f"/tariffs/{town.tariff}/versions"
    await api.made(path, version())
    await api.made(f"{path}/2/submit", None)

    answer = await api.post(f"{path}/2/approve")

    assert (answer.status, answer.code) == (403, "own_request")


async def test_a_version_moves_only_forward(api: Api) -> None:
    town = await api.town(enrol=False)
    path = f"/tariffs/{town.tariff}/versions"
    await api.made(path, version())
    other = await api.person("second@b.example", scopes=["tariffs:approve"])

    unsubmitted = await other.post(f"{path}/2/approve")
    unknown = await api.post(f"{path}/9/submit")
    in_use = await api.post(f"{path}/1/withdraw")
    await api.made(f"{path}/2/withdraw", None)
    withdrawn = await api.post(f"{path}/2/submit")

    assert (unsubmitted.status, unsubmitted.code) == (409, "version_state")
    assert (unknown.status, unknown.code) == (404, "version_unknown")
    assert (in_use.status, in_use.code) == (409, "version_in_force")
    assert (withdrawn.status, withdrawn.code) == (409, "version_state")


async def test_nothing_comes_into_force_in_the_past(api: Api) -> None:
    town = await api.town(enrol=False)
    path = f"/tariffs/{town.tariff}/versions"
    await api.made(path, version())
    await api.made(f"{path}/2/submit", None)
    other = await api.person("second@b.example", scopes=["tariffs:approve"])
    api.clock.time += 2 * DAY_S

    late = await other.post(f"{path}/2/approve")
    drafted = await api.post(path, version())

    assert (late.code, drafted.code) == ("in_the_past", "in_the_past")


async def test_versions_come_into_force_in_the_order_of_their_approval(api: Api) -> None:
    town = await api.town(enrol=False)
    await approved(api, town.tariff)
    path = f"/tariffs/{town.tariff}/versions"
    await api.made(path, version())
    await api.made(f"{path}/3/submit", None)
    other = await api.person("third@b.example", scopes=["tariffs:approve"])

    answer = await other.post(f"{path}/3/approve")
    await api.made(f"{path}/2/withdraw", None)
    again = await other.made(f"{path}/3/approve", None)

    assert (answer.status, answer.code) == (409, "version_later")
    assert again["state"] == "approved"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"blocks": [{"limit_ml": 5, "price_milliminor": 1}]}, "terms_wrong"),
        ({"taxes": [{"kind": "VAT", "permille": 1, "on": ["fixed", "fixed"]}]}, "terms_wrong"),
        ({"effective_from_s": START}, "in_the_past"),
        ({"block_basis": "daily"}, "invalid_body"),
        ({"blocks": []}, "invalid_body"),
    ],
)
async def test_a_version_that_is_none_is_refused_and_leaves_nothing(
    api: Api, changes: dict[str, Any], code: str
) -> None:
    town = await api.town(enrol=False)

    answer = await api.post(f"/tariffs/{town.tariff}/versions", version(**changes))

    assert answer.code == code
    assert len((await api.get(f"/tariffs/{town.tariff}/versions")).body["items"]) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tariff_version SET terms = '{}'",
        "UPDATE tariff_version SET effective_from_s = 5",
        "DELETE FROM tariff_version",
        "UPDATE sale SET debt_minor = 0",
        "DELETE FROM sale",
    ],
)
async def test_the_database_itself_refuses_to_change_what_was_said(any_api: Api, statement: str) -> None:
    town = await any_api.town()
    await any_api.made("/vends", town.vend())
    assert any_api.client.app is not None

    with pytest.raises(DBAPIError, match=r"never change|append-only"):
        async with any_api.client.app[DATABASE].begin() as session:
            await session.execute(text(statement))


async def test_the_versions_of_another_utility_are_not_there(api: Api) -> None:
    one, other = await api.town(enrol=False), await api.town(enrol=False)
    scopes = ["tariffs:read", "tariffs:write"]
    stranger = await api.person("stranger@b.example", scopes=scopes, utility_id=other.utility)
    path = f"/tariffs/{one.tariff}"

    answers = [
        await stranger.get(path + "/versions"),
        await stranger.post(path + "/versions", version()),
        await stranger.post(path + "/versions/1/withdraw"),
        await stranger.post(path + "/preview", {"volume_ml": 1_000_000}),
    ]

    assert [answer.status for answer in answers] == [404] * 4


async def test_a_preview_prices_a_draft_and_sells_nothing(any_api: Api) -> None:
    town = await any_api.town()
    await any_api.made(f"/tariffs/{town.tariff}/versions", version())
    path = f"/tariffs/{town.tariff}/preview"

    now = await any_api.made(path, {"volume_ml": 8_000_000})
    drafted = await any_api.made(path, {"version": 2, "volume_ml": 8_000_000})
    money = await any_api.made(path, {"version": 2, "money_minor": 50_000, "month_before_ml": 1_000_000})

    assert now["tender_minor"] == 80_000
    assert drafted["tender_minor"] == 6 * 5_000 + 2 * 9_000
    assert [block["volume_ml"] for block in drafted["statement"]["blocks"]] == [6_000_000, 2_000_000]
    assert (money["volume_ml"], money["to_account_minor"]) == (7_700_000, 700)
    assert (await any_api.get("/vends")).body["items"] == []


async def test_a_preview_that_asks_for_nothing_names_what_is_missing(api: Api) -> None:
    town: Town = await api.town(enrol=False)

    answer = await api.post(f"/tariffs/{town.tariff}/preview", {})

    assert answer.code == "invalid_body"
    assert "volume_ml" in answer.message
