"""The API of updates: what it shows, and what it refuses to whom."""

from shared.update import version_text
from tests.cloud.served import Api
from tests.cloud.updates.fleet import BOARD, IMAGES, VERSION, manifest
from tests.cloud.updates.walked import base64_of
from tools.release import development_key


async def release(api: Api) -> int:
    """A whole release; its id."""
    signed = {"manifest": base64_of(manifest(development_key())), "notes": ""}
    made = await api.made("/releases", signed)
    for image in IMAGES:
        await api.made(f"/releases/{made['id']}/images", {"image": base64_of(image)})
    return int(made["id"])


async def test_a_release_shows_what_its_signature_covers(any_api: Api) -> None:
    number = await release(any_api)

    shown = (await any_api.get(f"/releases/{number}")).body

    assert (shown["board"], shown["version"], shown["minimum"]) == (BOARD, version_text(VERSION), "0.1.0")
    assert [(image["slot"], image["size"], image["uploaded"]) for image in shown["images"]] == [
        (0, len(IMAGES[0]), True),
        (1, len(IMAGES[1]), True),
    ]


async def test_a_forged_release_and_a_foreign_image_are_refused(api: Api) -> None:
    number = await release(api)

    forged = await api.post("/releases", {"manifest": base64_of(manifest(version=VERSION + 1))})
    foreign = await api.post(f"/releases/{number}/images", {"image": base64_of(b"something else")})
    twice = await api.post("/releases", {"manifest": base64_of(manifest(development_key()))})

    assert [answer.code for answer in (forged, foreign, twice)] == ["signature_wrong", "image_wrong", "release_known"]


async def test_a_utility_rolls_out_and_makes_no_releases(api: Api) -> None:
    number = await release(api)
    town = await api.town()
    operator = await api.person("operator@penstock.example", "operator", utility_id=town.utility)
    wanted = {"utility_id": town.utility, "release_id": number, "reason": "a fix"}

    refused = await operator.post("/releases", {"manifest": base64_of(manifest(development_key()))})
    made = await operator.made("/rollouts", wanted)
    own = await operator.post(f"/rollouts/{made['id']}/approve")

    assert (refused.status, own.status) == (403, 403)
    assert made["state"] == "waiting" and made["waves"][0] == {
        "gateways": 1,
        "percent": None,
        "states": {"waiting": 1},
    }


async def test_another_utility_sees_neither_rollouts_nor_versions(api: Api) -> None:
    town, other = await api.town(), await api.town()
    made = await api.made(
        "/rollouts", {"utility_id": town.utility, "release_id": await release(api), "reason": "a fix"}
    )
    stranger = await api.person("stranger@penstock.example", utility_id=other.utility)

    assert (await stranger.get(f"/rollouts/{made['id']}")).status == 404
    assert (await stranger.get("/rollouts")).body["items"] == []
    assert (
        await stranger.post("/rollouts", {"utility_id": town.utility, "release_id": 1, "reason": "x"})
    ).status == 403


async def test_a_wave_is_so_many_or_so_many_percent(api: Api) -> None:
    wanted = {"utility_id": 1, "release_id": 1, "reason": "a fix"}

    for wave in ({}, {"gateways": 1, "percent": 5}, {"percent": 101}):
        assert (await api.post("/rollouts", {**wanted, "waves": [wave]})).status in (400, 422)


async def test_terms_that_no_wave_can_meet_are_refused(api: Api) -> None:
    wanted = {"utility_id": 1, "release_id": 1, "reason": "a fix"}

    for terms in ({"wave_s": 3600, "soak_s": 3600}, {"silent_s": 3600}):
        assert (await api.post("/rollouts", {**wanted, **terms})).status == 400
