"""Operators and their keys: what ends with whom, and that a key never does more than the person behind it."""

from pathlib import Path

import pytest

from cloud.auth import rules
from cloud.auth.operator_routes import Role
from tests.cloud.auth.test_sessions import PASSWORD, login, operator, with_session
from tests.cloud.served import Api

NEW = "another horse battery"


async def number_of(api: Api, email: str) -> int:
    """Return the id of an operator."""
    items = (await api.get("/operators", limit=500)).body["items"]
    return next(int(item["id"]) for item in items if item["email"] == email)


async def test_sessions_and_keys_of_an_operator_die_at_once(any_api: Api) -> None:
    browser = await operator(any_api)
    headers = with_session(await login(browser))
    made = await browser.post("/api-keys", {"name": "k", "scopes": ["audit:read"]}, headers=headers)
    program = any_api.as_key(made.body["key"])
    grandchild = await browser.post("/api-keys", {"name": "k", "scopes": ["api-keys:write", "vend"]}, headers=headers)
    second = await any_api.as_key(grandchild.body["key"]).made("/api-keys", {"name": "k2", "scopes": ["vend"]})
    number = await number_of(any_api, "a@b.example")

    ended = await any_api.post(f"/operators/{number}/deactivate")

    assert ended.body["active"] is False
    assert (await browser.call("GET", "/me", headers)).code == "session_over"
    assert (await program.get("/audit")).code == "api_key_unknown"
    assert (await any_api.as_key(second["key"]).get("/me")).code == "api_key_unknown"
    assert (await login(browser)).code == "login_failed"


async def test_who_comes_back_signs_in_anew_and_old_keys_stay_dead(any_api: Api) -> None:
    browser = await operator(any_api)
    headers = with_session(await login(browser))
    made = await browser.post("/api-keys", {"name": "k", "scopes": ["audit:read"]}, headers=headers)
    number = await number_of(any_api, "a@b.example")
    await any_api.post(f"/operators/{number}/deactivate")

    await any_api.post(f"/operators/{number}/activate")

    assert (await any_api.as_key(made.body["key"]).get("/audit")).status == 401
    assert (await browser.call("GET", "/me", headers)).status == 401
    assert (await login(browser)).status == 200


async def test_nobody_ends_or_changes_the_own_account(api: Api) -> None:
    own = await number_of(api, "test@penstock.example")

    for answer in (
        await api.post(f"/operators/{own}/deactivate"),
        await api.call("PUT", f"/operators/{own}/role", json={"role": "administrator"}),
    ):
        assert (answer.status, answer.code) == (403, "own_account")


async def test_nobody_manages_those_above_them(api: Api) -> None:
    await operator(api)
    number = await number_of(api, "a@b.example")
    lesser = await api.person("lesser@b.example", scopes=["operators:write", "operators:read"])

    ended = await lesser.post(f"/operators/{number}/deactivate")
    raised = await lesser.call("PUT", f"/operators/{number}/role", json={"role": "auditor"})

    assert (ended.status, ended.code) == (403, "scope_missing")
    assert (raised.status, raised.code) == (403, "scope_missing")


async def test_an_operator_of_another_utility_is_not_found(api: Api) -> None:
    one, other = await api.town(enrol=False), await api.town(enrol=False)
    await operator(api, utility_id=other.utility)
    number = await number_of(api, "a@b.example")
    local = await api.person("local@b.example", utility_id=one.utility)

    assert (await local.post(f"/operators/{number}/deactivate")).status == 404


async def test_another_role_counts_at_once_also_for_keys(any_api: Api) -> None:
    program = await any_api.person("c@b.example", "cashier", ["customers:write", "vends:read"])
    number = await number_of(any_api, "c@b.example")

    await any_api.call("PUT", f"/operators/{number}/role", json={"role": "auditor"})

    assert (await program.get("/me")).body["scopes"] == ["vends:read"]


async def test_another_password_ends_the_other_sessions(any_api: Api) -> None:
    browser = await operator(any_api)
    here, there = with_session(await login(browser)), with_session(await login(browser))
    change = {"password": PASSWORD, "new_password": NEW}

    wrong = await browser.post("/me/password", {**change, "password": "wrong"}, headers=here)
    changed = await browser.post("/me/password", change, headers=here)

    assert (wrong.status, wrong.code) == (403, "password_wrong")
    assert changed.status == 200
    assert (await browser.call("GET", "/me", here)).status == 200
    assert (await browser.call("GET", "/me", there)).code == "session_over"
    assert (await login(browser)).status == 401
    assert (await login(browser, NEW)).status == 200


async def test_guessing_the_password_in_a_session_locks_the_account(api: Api) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser))
    for _ in range(5):
        await browser.post("/me/password", {"password": "wrong", "new_password": NEW}, headers=headers)

    locked = await browser.post("/me/password", {"password": PASSWORD, "new_password": NEW}, headers=headers)

    assert (locked.status, locked.code) == (429, "account_locked")


async def test_a_key_ends_when_its_time_is_over(any_api: Api) -> None:
    ends = any_api.clock.now() + 60
    made = await any_api.made("/api-keys", {"name": "k", "scopes": ["audit:read"], "expires_at": ends})
    program = any_api.as_key(made["key"])

    before = await program.get("/audit")
    any_api.clock.time += 60
    after = await program.get("/audit")

    assert (before.status, after.status, after.code) == (200, 401, "api_key_unknown")


async def test_a_key_that_is_over_before_it_begins_is_refused(api: Api) -> None:
    answer = await api.post("/api-keys", {"name": "k", "scopes": ["vend"], "expires_at": api.clock.now()})

    assert (answer.status, answer.code) == (422, "expiry_past")


def test_the_api_knows_the_nine_roles() -> None:
    names = {"administrator", "operator", "cashier", "agent", "tariff_manager"}
    names |= {"approver", "auditor", "installer", "support"}

    assert set(rules.ROLES) == set(Role.__args__) == names  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", sorted(set(rules.ROLES) - {"administrator"}))
def test_only_an_administrator_may_both_ask_and_approve(role: str) -> None:
    scopes = rules.ROLES[role]
    asks = {scope.removesuffix(":write") for scope in scopes if scope.endswith(":write")}

    assert not asks & {scope.removesuffix(":approve") for scope in scopes if scope.endswith(":approve")}
    assert not scopes & {"operators:write", "api-keys:write", "utilities:write", "vending-keys:write"}


def test_every_scope_is_in_the_matrix_of_the_document() -> None:
    document = (Path(__file__).parents[3] / "docs/api.md").read_text()

    assert rules.matrix() in document, f"put this into docs/api.md:\n{rules.matrix()}"
