"""Logins: sessions that end, locks that hold, and changes that need the CSRF token."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloud.auth import rules
from cloud.auth import service as auth
from cloud.auth.limiter import Limiter
from cloud.auth.passwords import Passwords
from cloud.errors import TooManyRequests
from cloud.keys import DATABASE
from tests.cloud.conftest import ALL
from tests.cloud.served import Answer, Api

PASSWORD = "correct horse battery"


async def operator(
    api: Api, role: str = "administrator", utility_id: int | None = None, email: str = "a@b.example"
) -> Api:
    """Make an operator; return a caller without credentials."""
    body = {"email": email, "password": PASSWORD, "role": role, "utility_id": utility_id}
    await api.made("/operators", body)
    return api.as_key(None)


async def login(api: Api, password: str = PASSWORD, email: str = "a@b.example") -> Answer:
    return await api.post("/login", {"email": email, "password": password})


def with_session(answer: Answer, csrf: bool = True) -> dict[str, str]:
    """Return the headers of a browser that is signed in; the cookie is Secure, the test server is not."""
    cookie = answer.cookies["__Host-penstock_session"].value
    headers = {"Cookie": f"__Host-penstock_session={cookie}"}
    return {**headers, "X-CSRF-Token": answer.body["csrf_token"]} if csrf else headers


async def test_a_session_knows_its_operator_until_logout(api: Api) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser))

    before = await browser.call("GET", "/me", headers)
    await browser.post("/logout", headers=headers)
    after = await browser.call("GET", "/me", headers)

    assert (before.status, before.body["role"]) == (200, "administrator")
    assert (after.status, after.code) == (401, "session_over")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(api: Api) -> None:
    answer = await login(await operator(api))

    cookie = answer.cookies["__Host-penstock_session"]
    assert cookie["secure"] and cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Strict", "/")


async def test_a_wrong_password_and_an_unknown_address_look_the_same(api: Api) -> None:
    browser = await operator(api)

    wrong = await login(browser, "wrong password")
    unknown = await login(browser, email="nobody@b.example")

    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body


async def test_an_account_locks_after_five_failures_even_for_the_right_password(api: Api) -> None:
    browser = await operator(api)
    for _ in range(5):
        await login(browser, "wrong password")

    locked = await login(browser)
    api.clock.time += rules.lock_s(5)
    opened = await login(browser)

    assert (locked.status, locked.code) == (429, "account_locked")
    assert opened.status == 200


async def test_failures_side_by_side_are_all_counted(api: Api) -> None:
    browser = await operator(api)

    answers = await asyncio.gather(*(login(browser, "wrong password") for _ in range(12)))

    assert [answer.status for answer in answers].count(401) == 5
    assert [answer.status for answer in answers].count(429) == 7


async def test_one_source_may_try_twenty_logins_a_minute(api: Api) -> None:
    browser = api.as_key(None)
    for number in range(20):
        await login(browser, email=f"{number}@b.example")

    refused = await login(browser)
    api.clock.time += 60
    later = await login(browser)

    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert later.status == 401


@pytest.mark.parametrize("token", [None, "0" * 64])
async def test_a_change_without_the_csrf_token_is_refused(api: Api, token: str | None) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser), csrf=False)
    if token is not None:
        headers["X-CSRF-Token"] = token

    answer = await browser.post("/utilities", {"name": "U", "currency": "KES"}, headers=headers)

    assert (answer.status, answer.code) == (403, "csrf_token_wrong")


async def test_a_change_with_the_csrf_token_is_made(api: Api) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser))

    answer = await browser.post("/utilities", {"name": "U", "currency": "KES"}, headers=headers)

    assert answer.status == 201


async def test_an_idle_session_ends_and_a_used_one_lives_on_until_its_term(api: Api) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser))
    for _ in range(11):
        api.clock.time += rules.SESSION_IDLE_S - 1
        assert (await browser.call("GET", "/me", headers)).status == 200

    api.clock.time = api.clock.time + rules.SESSION_IDLE_S

    assert (await browser.call("GET", "/me", headers)).code == "session_over"


async def test_no_session_outlives_its_term(api: Api) -> None:
    browser = await operator(api)
    headers = with_session(await login(browser))
    for _ in range(rules.SESSION_LIFE_S // 1800 - 1):
        api.clock.time += 1800
        await browser.call("GET", "/me", headers)

    api.clock.time += 1800

    assert (await browser.call("GET", "/me", headers)).code == "session_over"


async def test_the_database_holds_no_password_and_no_session_token(api: Api) -> None:
    browser = await operator(api)
    answer = await login(browser)
    token = answer.cookies["__Host-penstock_session"].value

    app = api.client.app
    assert app is not None
    raw = app[DATABASE].engine.url.database
    assert raw is not None
    stored = b"".join(path.read_bytes() for path in Path(raw).parent.glob("cloud.db*"))

    assert PASSWORD.encode() not in stored
    assert token.encode() not in stored
    assert api.key is not None and api.key.encode() not in stored


async def test_a_password_is_hashed_with_argon2id_at_the_chosen_cost() -> None:
    hashed = await Passwords().hash(PASSWORD)

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_lock_starts_at_30_s_doubles_and_ends_at_15_min() -> None:
    waits = [rules.lock_s(failures) for failures in range(4, 13)]

    assert waits == [0, 30, 60, 120, 240, 480, 900, 900, 900]


async def test_the_command_line_may_give_every_scope() -> None:
    assert auth.command_line().scopes == rules.SCOPES == ALL.scopes


def test_a_clock_that_is_set_back_keeps_nobody_out() -> None:
    limiter = Limiter(requests=2, window_s=60)
    for now in (10_000, 10_001):
        limiter.count("one", now)

    for now in (5_000, 5_001):
        limiter.count("one", now)

    with pytest.raises(TooManyRequests):
        limiter.count("one", 5_002)


async def failures(api: Api) -> list[dict[str, Any]]:
    entries = (await api.get("/audit", limit=500)).body["items"]
    return [entry for entry in entries if entry["action"] == "login.failed"]


async def test_the_audit_has_an_accounts_first_failure_and_each_that_locks_it(any_api: Api) -> None:
    browser = await operator(any_api)

    for _ in range(rules._FREE_FAILURES + 1):
        await login(browser, "wrong password")

    first, lock = await failures(any_api)
    assert (first["subject"], first["actor"]) == (lock["subject"], "system:login")
    assert first["detail"] == {"failures": 1, "locked_s": 0, "remote": "127.0.0.1", "wrong": "password"}
    assert (lock["detail"]["failures"], lock["detail"]["locked_s"]) == (rules._FREE_FAILURES, 30)
    assert "wrong password" not in str(await failures(any_api))


async def test_a_failure_after_a_success_is_written_again(api: Api) -> None:
    browser = await operator(api)

    for password in ("wrong password", PASSWORD, "wrong password"):
        await login(browser, password)

    assert [entry["detail"]["failures"] for entry in await failures(api)] == [1, 1]


async def test_unknown_addresses_are_written_once_a_minute_and_without_the_address(api: Api) -> None:
    browser = await operator(api)

    for address in ("secret1@b.example", "secret2@b.example"):
        await login(browser, email=address)
    api.clock.time += 60
    await login(browser, email="secret3@b.example")

    written = await failures(api)
    assert [entry["subject"] for entry in written] == ["operator:unknown"] * 2
    assert "secret" not in str(written)
