"""Releases and rollouts through the API, as tests of all routes walk them."""

import base64

from tests.cloud.served import Api, Town
from tests.cloud.updates.fleet import IMAGES, manifest
from tools.release import development_key


def base64_of(data: bytes) -> str:
    """As the API takes files."""
    return base64.b64encode(data).decode()


async def walk_updates(api: Api, town: Town) -> dict[str, int]:
    """A release with its images, and a rollout that two people want; and everything that can be done to one."""
    signed = {"manifest": base64_of(manifest(development_key())), "notes": "faster"}
    release = (await api.made("/releases", signed))["id"]
    for image in IMAGES:
        await api.made(f"/releases/{release}/images", {"image": base64_of(image)})
    wanted = {"utility_id": town.utility, "release_id": release, "reason": "a fix", "gateways": [town.gateway]}
    colleague = await api.person("releases@penstock.example", "approver")
    declined = (await api.made("/rollouts", wanted))["id"]
    await colleague.made(f"/rollouts/{declined}/decline", None)
    rollout = (await api.made("/rollouts", {**wanted, "waves": [{"percent": 100}]}))["id"]
    await colleague.made(f"/rollouts/{rollout}/approve", None)
    for what in ("pause", "resume", "cancel"):
        await api.made(f"/rollouts/{rollout}/{what}", None)
    await api.made(f"/releases/{release}/withdraw", None)
    return {"release": release, "rollout": rollout}
