"""Every route answers with success as it declares, and stands in docs/api.md with its scope."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.app import ROUTES
from shared.policy import FLOOR
from tests.cloud.auth.test_sessions import login, operator, with_session
from tests.cloud.served import SGC, START, Api, Town, answered, new_drn


async def test_every_route_answers_as_declared(api: Api) -> None:
    answered.clear()
    town = await api.town()
    await api.made("/meters", town.meter(channel=1, drn=new_drn()))
    sold = await api.made("/vends", town.vend())
    browser = await operator(api)
    headers = with_session(await login(browser))
    await browser.call("GET", "/me", headers)
    await browser.post("/logout", headers=headers)
    key = await api.made("/api-keys", {"name": "k", "scopes": ["vend"]})
    await api.call("DELETE", f"/api-keys/{key['id']}")
    places = {"gateway": town.gateway, "drn": town.drn, "purchase_id": sold["purchase_id"], "customer": town.customer}
    await api.made(f"/vends/{sold['purchase_id']}/void", {})
    await api.get(f"/meters/{town.drn}/readings", **{"from": 0, "to": 3600})
    await change_keys(api, town)
    places |= await control(api, town)
    await api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 10_000_000})

    for route in ROUTES:
        if route.method == "GET" and "{case}" not in route.path:
            await api.get(route.path.format(**places))

    succeeded = {(method, path) for method, path, status in answered if status < 300}
    assert {(route.method, route.path) for route in ROUTES if "{case}" not in route.path} <= succeeded


async def control(api: Api, town: Town) -> dict[str, int]:
    """Documents, orders, approvals and support; the command and the request among them."""
    meter, key = f"/meters/{town.drn}", Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    other = await api.made("/utilities", {"name": "Floor", "currency": "KES", "floor_public": public})
    floor = FLOOR.encode(utility=other["id"], version=1, fields=b"")
    await api.made("/floors", {"signed": (floor + key.sign(floor)).hex()})
    await api.made("/policies", {"utility_id": town.utility, "meter_group": 0, "fields": {}})
    blocks = [{"limit_ml": None, "price_per_m3": 1}]
    tariff = {"utility_id": town.utility, "meter_group": 0, "effective_from_s": START, "blocks": blocks}
    await api.made("/device-tariffs", tariff)
    await api.made(f"/gateways/{town.gateway}/documents", {"kind": "policy", "version": 2})
    mode = {"payment": "credit", "critical_need": False, "meter_group": 0, "reason": "r"}
    await api.made(f"{meter}/mode", mode)
    await api.made(f"{meter}/control", {"action": "connect", "reason": "r"})
    await api.made(f"{meter}/factor", {"pulse_volume_ml": 10, "reason": "r"})
    given = await api.made(f"/gateways/{town.gateway}/open-all", {"until_s": START + 60, "reason": "r"})
    large = {"pot": "token_credit", "amount": 1 << 40, "reason": "r"}
    first = await api.made(f"{meter}/adjustments", large)
    second = await api.made(f"{meter}/adjustments", large)
    second_person = await api.made("/api-keys", {"name": "second", "scopes": ["commands:write"]})
    await api.as_key(second_person["key"]).made(f"/command-requests/{first['request_id']}/approve", None)
    await api.made(f"/command-requests/{second['request_id']}/decline", None)
    await api.made(f"{meter}/return-code", {"code": "000000000000"})
    return {"command": given["command_id"], "command_request": first["request_id"]}


async def change_keys(api: Api, town: Town) -> None:
    await api.made("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 2})
    to = {"sgc": SGC, "krn": 2}
    planned = await api.made("/key-changes", {"drn": town.drn, "to": to})
    await api.made(f"/key-changes/{planned['id']}/cancel", None)
    await api.made("/key-changes/group", {"utility_id": town.utility, "sgc": SGC, "krn": 1, "to": to})


def test_every_route_stands_in_the_document_with_its_scope() -> None:
    document = (Path(__file__).parents[3] / "docs/api.md").read_text()

    for route in ROUTES:
        scope = f"`{route.scope}`" if route.scope else ("any caller" if route.signed_in else "anybody")
        assert f"| `{route.method} {route.path}` | {scope} | {route.summary} |" in document
