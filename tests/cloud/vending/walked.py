"""A day with gifts, look-ups and a void that a return code proves, for the walk through all routes."""

import uuid

from tests.cloud.commands.orders import online
from tests.cloud.meters.codes import shown
from tests.cloud.served import Api
from tests.cloud.vending.test_void_rules import enter


async def walk_tokens(api: Api) -> None:
    """Call every route of gifts, requests, look-ups and proofs with success."""
    town = await online(api)
    approver = await api.person("tokens@penstock.example", "approver")
    for decision in ("approve", "decline"):
        order = {"purchase_id": str(uuid.uuid4()), "drn": town.drn, "volume_ml": 1_000_000, "reason": "r"}
        asked = await api.made("/free-tokens", order)
        await approver.made(f"/token-requests/{asked['request_id']}/{decision}", None)
    sold = await api.made("/vends", town.vend())
    await api.made("/vends/search", {"drn": town.drn})
    await api.get("/meters/lookup", drn=town.drn)
    for end in ("confirm", "cancel"):
        held = await api.made("/vends", town.vend(release="on_confirm"))
        await api.made(f"/vends/{held['purchase_id']}/{end}", {"reason": "r"} if end == "cancel" else None)
    path = f"/vends/{sold['purchase_id']}/void"
    enter(town, await api.made(path, {}))
    await api.made(f"{path}/proof", {"code": await shown(api, town)})
