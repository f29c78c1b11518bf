"""A day at a utility that uses every route that changes something, as tests of all routes walk it."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.app import ROUTES
from cloud.keys import DATABASE
from cloud.ledger.models import Case
from shared.policy import FLOOR
from tests.cloud.accounts.walked import walk_accounts
from tests.cloud.agents.walked import walk_agents
from tests.cloud.auth.test_second_factor import Browser
from tests.cloud.auth.test_sessions import PASSWORD, login, operator, with_session
from tests.cloud.billing.walked import walk_billing
from tests.cloud.payments.walked import walk_payments
from tests.cloud.reports.walked import walk_reports
from tests.cloud.served import SGC, START, Api, Town, new_drn
from tests.cloud.updates.walked import walk_updates
from tests.cloud.vending.walked import walk_tokens


async def walk(api: Api) -> None:
    """Call every route with success; a new route of yours joins here."""
    town = await api.town()
    await api.made("/meters", town.meter(channel=1, drn=new_drn()))
    sold = await api.made("/vends", town.vend())
    await accounts(api)
    places: dict[str, Any] = {"gateway": town.gateway, "drn": town.drn, "customer": town.customer}
    places |= {"purchase_id": sold["purchase_id"], "utility": town.utility, "case": await close_case(api, town)}
    places |= await tariffs(api, town)
    await api.made(f"/vends/{sold['purchase_id']}/void", {})
    await api.get(f"/meters/{town.drn}/readings", **{"from": 0, "to": 3600})
    await change_keys(api, town)
    places |= await control(api, town)
    places |= await walk_payments(api, town)
    places |= await walk_reports(api, town)
    places |= await walk_accounts(api)
    places |= await walk_agents(api, town)
    await walk_tokens(api)
    await api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 10_000_000})
    places |= await walk_billing(api)
    places |= await walk_updates(api, town)
    for route in ROUTES:
        if route.method == "GET":
            await api.get(route.path.format(**places))


async def accounts(api: Api) -> None:
    """Sessions, second factors, passwords, operators and keys."""
    caller = await operator(api)
    browser = Browser(caller, with_session(await login(caller)))
    number = (await api.get("/operators")).body["items"][-1]["id"]
    await browser.enrol()
    await browser.confirm()
    browser.wait()
    await browser.post("/me/totp/remove", {"password": PASSWORD, "code": browser.code()})
    await browser.enrol()
    await browser.post("/me/password", {"password": PASSWORD, "new_password": PASSWORD})
    await caller.call("GET", "/me", browser.headers)
    await caller.post("/logout", headers=browser.headers)
    await api.call("DELETE", f"/operators/{number}/totp")
    await api.call("PUT", f"/operators/{number}/role", json={"role": "support"})
    await api.made(f"/operators/{number}/deactivate", None)
    await api.made(f"/operators/{number}/activate", None)
    key = await api.made("/api-keys", {"name": "k", "scopes": ["vend"]})
    await api.call("DELETE", f"/api-keys/{key['id']}")


async def close_case(api: Api, town: Town) -> int:
    app = api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        case = Case(gateway_id=town.gateway, kind="conflict", detail="", opened_at=1)
        session.add(case)
    await api.made(f"/cases/{case.id}/close", {"note": "seen"})
    return case.id


async def tariffs(api: Api, town: Town) -> dict[str, int]:
    """Versions of a tariff, what they would charge, and a debt."""
    path = f"/tariffs/{town.tariff}"
    blocks = [{"limit_ml": None, "price_milliminor": 1}]
    terms = {"reason": "r", "block_basis": "purchase", "blocks": blocks}
    approver = await api.person("tariffs@penstock.example", "approver")
    for number in (2, 3):
        await api.made(f"{path}/versions", {**terms, "effective_from_s": START + number * 86_400})
        await api.made(f"{path}/versions/{number}/submit", None)
    await approver.made(f"{path}/versions/2/approve", None)
    await api.made(f"{path}/versions/3/withdraw", None)
    await api.made(f"{path}/preview", {"volume_ml": 1_000_000})
    await api.made("/trial-vends", {"drn": town.drn, "currency": "KES", "volume_ml": 1_000_000})
    owed = {"customer_id": town.customer, "currency": "KES", "principal_minor": 5, "percent": 1, "reason": "r"}
    debt = await api.made("/debts", owed)
    await api.made(f"/debts/{debt['id']}/close", {"reason": "r"})
    return {"tariff": town.tariff, "version": 2, "debt": debt["id"]}


async def control(api: Api, town: Town) -> dict[str, int]:
    """Documents, orders, approvals and support; the command and the request among them."""
    meter, key = f"/meters/{town.drn}", Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    other = await api.made("/utilities", {"name": "Floor", "currency": "KES", "floor_public": public})
    floor = FLOOR.encode(utility=other["id"], version=1, fields=b"")
    await api.made("/floors", {"signed": (floor + key.sign(floor)).hex()})
    await api.made("/policies", {"utility_id": town.utility, "meter_group": 0, "fields": {}})
    blocks = [{"limit_ml": None, "price_per_m3": 1}]
    tariff = {"utility_id": town.utility, "meter_group": 0, "effective_from_s": api.clock.now(), "blocks": blocks}
    await api.made("/device-tariffs", tariff)
    await api.made(f"/gateways/{town.gateway}/documents", {"kind": "policy", "version": 2})
    mode = {"payment": "prepayment", "critical_need": False, "meter_group": 0, "reason": "r"}
    await api.made(f"{meter}/mode", mode)
    await api.made(f"{meter}/control", {"action": "connect", "reason": "r"})
    await api.made(f"{meter}/factor", {"pulse_volume_ml": 10, "reason": "r"})
    given = await api.made(f"/gateways/{town.gateway}/open-all", {"until_s": api.clock.now() + 60, "reason": "r"})
    large = {"pot": "token_credit", "amount": 1 << 40, "reason": "r"}
    first = await api.made(f"{meter}/adjustments", large)
    second = await api.made(f"{meter}/adjustments", large)
    third = await api.made(f"{meter}/adjustments", large)
    approver = await api.person("approver@penstock.example", "approver")
    await approver.made(f"/command-requests/{first['request_id']}/approve", None)
    await approver.made(f"/command-requests/{second['request_id']}/decline", None)
    await api.made(f"/command-requests/{third['request_id']}/withdraw", None)
    await api.made(f"{meter}/return-code", {"code": "000000000000"})
    return {"command": given["command_id"], "command_request": first["request_id"]}


async def change_keys(api: Api, town: Town) -> None:
    await api.made("/vending-keys", {"utility_id": town.utility, "sgc": SGC, "krn": 2})
    to = {"sgc": SGC, "krn": 2}
    planned = await api.made("/key-changes", {"drn": town.drn, "to": to})
    await api.made(f"/key-changes/{planned['id']}/cancel", None)
    await api.made("/key-changes/group", {"utility_id": town.utility, "sgc": SGC, "krn": 1, "to": to})
