"""Every route answers with success as it declares, and stands in docs/api.md with its scope."""

from pathlib import Path

from cloud.app import ROUTES
from tests.cloud.auth.test_sessions import login, operator, with_session
from tests.cloud.served import SGC, Api, Town, answered, new_drn


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
    await change_keys(api, town)
    await api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 10_000_000})

    for route in ROUTES:
        if route.method == "GET" and "{case}" not in route.path:
            await api.get(route.path.format(**places))

    succeeded = {(method, path) for method, path, status in answered if status < 300}
    assert {(route.method, route.path) for route in ROUTES if "{case}" not in route.path} <= succeeded


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
