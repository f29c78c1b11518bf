"""Scopes and utilities: who may do what, and that nobody sees past their own utility."""

import pytest

from cloud.api.fields import PATH_TYPES
from cloud.app import ROUTES
from cloud.auth import rules
from tests.cloud.auth.test_sessions import login, operator, with_session
from tests.cloud.served import Api

PLACES = {**dict.fromkeys(PATH_TYPES, "1"), "drn": "12345678903", "purchase_id": "0" * 32}


async def test_every_route_that_has_a_scope_refuses_a_caller_without_it(api: Api) -> None:
    key = (await api.made("/api-keys", {"name": "none", "scopes": ["audit:read"]}))["key"]
    stranger = api.as_key(key)

    for route in ROUTES:
        if route.scope in (None, "audit:read"):
            continue
        answer = await stranger.call(route.method, route.path.format(**PLACES))
        assert (answer.status, answer.code) == (403, "scope_missing"), route.path


async def test_every_route_that_is_not_public_refuses_a_caller_without_a_key(api: Api) -> None:
    for route in ROUTES:
        if not route.public:
            answer = await api.as_key(None).call(route.method, route.path.format(**PLACES))
            assert (answer.status, answer.code) == (401, "not_signed_in"), route.path


def test_every_scope_of_a_route_is_known_and_every_scope_is_used() -> None:
    used = {route.scope for route in ROUTES if route.scope is not None}

    assert used <= rules.SCOPES


def test_an_auditor_may_change_nothing_and_a_cashier_makes_no_keys() -> None:
    assert all(scope.endswith(":read") for scope in rules.ROLES["auditor"])
    assert not rules.ROLES["cashier"] & {"vending-keys:write", "meters:write", "enrolment", "audit:read"}


async def test_nobody_gives_a_scope_that_they_lack(api: Api) -> None:
    key = (await api.made("/api-keys", {"name": "half", "scopes": ["api-keys:write"]}))["key"]

    answer = await api.as_key(key).post("/api-keys", {"name": "more", "scopes": ["vend"]})

    assert (answer.status, answer.code) == (403, "scope_missing")


async def test_an_unknown_scope_is_refused_with_the_list(api: Api) -> None:
    answer = await api.post("/api-keys", {"name": "k", "scopes": ["everything"]})

    assert (answer.status, answer.code) == (422, "scope_unknown")
    assert "vends:read" in answer.message


async def test_a_revoked_key_opens_nothing(api: Api) -> None:
    made = await api.made("/api-keys", {"name": "k", "scopes": ["audit:read"]})
    program = api.as_key(made["key"])
    assert (await program.get("/audit")).status == 200

    await api.call("DELETE", f"/api-keys/{made['id']}")

    assert (await program.get("/audit")).code == "api_key_unknown"


async def test_a_key_of_a_utility_makes_keys_of_that_utility_only(api: Api) -> None:
    one, other = await api.town(enrol=False), await api.town(enrol=False)
    scopes = ["api-keys:write"]
    own = (await api.made("/api-keys", {"name": "k", "scopes": scopes, "utility_id": one.utility}))["key"]
    program = api.as_key(own)

    made = await program.made("/api-keys", {"name": "k2", "scopes": scopes})
    refused = await program.post("/api-keys", {"name": "k3", "scopes": scopes, "utility_id": other.utility})

    assert made["utility_id"] == one.utility
    assert (refused.status, refused.code) == (403, "utility_denied")
    assert [key["name"] for key in (await program.get("/api-keys")).body["items"]] == ["k", "k2"]


@pytest.mark.parametrize("path", ["/utilities", "/gateways", "/meters", "/customers", "/tariffs", "/vending-keys"])
async def test_lists_show_the_callers_own_utility_only(api: Api, path: str) -> None:
    one, _other = await api.town(enrol=False), await api.town(enrol=False)
    scopes = sorted(rules.SCOPES)
    key = (await api.made("/api-keys", {"name": "k", "scopes": scopes, "utility_id": one.utility}))["key"]

    items = (await api.as_key(key).get(path)).body["items"]

    assert len(items) == 1
    assert items[0].get("utility_id", items[0]["id"]) == one.utility


async def test_things_of_another_utility_are_not_found_or_denied(api: Api) -> None:
    one, other = await api.town(), await api.town()
    scopes = sorted(rules.SCOPES)
    key = (await api.made("/api-keys", {"name": "k", "scopes": scopes, "utility_id": one.utility}))["key"]
    caller = api.as_key(key)

    assert (await caller.get(f"/gateways/{other.gateway}")).status == 404
    assert (await caller.get(f"/meters/{other.drn}")).status == 404
    assert (await caller.post("/meters", other.meter(channel=1))).status == 404
    assert (await caller.post("/meters", one.meter(channel=1, tariff_id=other.tariff))).status == 404
    assert (await caller.post("/meters", one.meter(channel=1, customer_id=other.customer))).status == 404
    assert (await caller.post(f"/gateways/{other.gateway}/enrolment/proof", {"signature": "0" * 128})).status == 404
    assert (await caller.post("/gateways", {"utility_id": other.utility, "name": "g"})).status == 403
    assert (await caller.post("/utilities", {"name": "new", "currency": "KES"})).status == 403
    customer = {"utility_id": other.utility, "name": "N"}
    assert (await caller.post("/customers", customer)).status == 403


async def test_an_operator_of_one_utility_cannot_make_one_of_another(api: Api) -> None:
    one, other = await api.town(enrol=False), await api.town(enrol=False)
    browser = await operator(api, utility_id=one.utility)
    headers = with_session(await login(browser))
    body = {"email": "c@d.example", "password": "correct horse battery", "role": "cashier", "utility_id": other.utility}

    refused = await browser.post("/operators", body, headers=headers)
    made = await browser.post("/operators", {**body, "utility_id": None}, headers=headers)

    assert (refused.status, refused.code) == (403, "utility_denied")
    assert made.body["utility_id"] == one.utility
