"""The second factor: enrolled with the password, asked for at the login, never taken twice, and recoverable."""

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, text

from cloud.auth import second_factor, totp
from cloud.auth.models import SecondFactor
from cloud.keys import DATABASE, KEYRING
from cloud.vending.envelope import Kek, Keyring
from tests.cloud.auth.test_sessions import PASSWORD, login, operator, with_session
from tests.cloud.served import Answer, Api


class Browser:
    """An operator at a browser, with an authenticator."""

    def __init__(self, api: Api, headers: dict[str, str]) -> None:
        self.api = api
        self.headers = headers
        self.secret = b""
        self.recovery_codes: list[str] = []

    def code(self) -> str:
        return totp.code_of(self.secret, self.api.clock.now() // totp.STEP_S)

    async def post(self, path: str, body: Any) -> Answer:
        return await self.api.post(path, body, headers=self.headers)

    async def enrol(self, password: str = PASSWORD) -> Answer:
        answer = await self.post("/me/totp", {"password": password})
        if answer.status == 200:
            padded = parse_qs(urlsplit(answer.body["uri"]).query)["secret"][0]
            self.secret = base64.b32decode(padded + "=" * (-len(padded) % 8))
        return answer

    async def confirm(self) -> Answer:
        answer = await self.post("/me/totp/confirm", {"code": self.code()})
        if answer.status == 200:
            self.recovery_codes = answer.body["recovery_codes"]
        return answer

    async def login(self, code: str | None = None) -> Answer:
        return await self.api.post("/login", {"email": "a@b.example", "password": PASSWORD, "code": code})

    def wait(self) -> None:
        self.api.clock.time += totp.STEP_S


async def browser_of(api: Api) -> Browser:
    caller = await operator(api)
    return Browser(caller, with_session(await login(caller)))


async def enrolled(api: Api) -> Browser:
    browser = await browser_of(api)
    await browser.enrol()
    await browser.confirm()
    browser.wait()
    return browser


async def test_enrolment_needs_the_password(any_api: Api) -> None:
    browser = await browser_of(any_api)

    wrong = await browser.enrol("wrong password")
    right = await browser.enrol()

    assert (wrong.status, wrong.code) == (403, "password_wrong")
    assert right.status == 200


async def test_a_second_factor_counts_only_when_it_is_confirmed(any_api: Api) -> None:
    browser = await browser_of(any_api)
    await browser.enrol()

    before = await browser.login()
    confirmed = await browser.confirm()
    after = await browser.login()

    assert (before.status, confirmed.status) == (200, 200)
    assert len(set(confirmed.body["recovery_codes"])) == second_factor.RECOVERY_CODES
    assert (after.status, after.code) == (401, "second_factor_needed")


async def test_a_code_signs_in_once(any_api: Api) -> None:
    browser = await enrolled(any_api)
    code = browser.code()

    first = await browser.login(code)
    again = await browser.login(code)
    browser.wait()
    later = await browser.login(browser.code())

    assert (first.status, later.status) == (200, 200)
    assert (again.status, again.code) == (401, "second_factor_wrong")


async def test_of_one_code_sent_twice_at_once_one_signs_in(any_api: Api) -> None:
    browser = await enrolled(any_api)

    answers = await asyncio.gather(*(browser.login(browser.code()) for _ in range(4)))

    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]


async def test_the_code_that_confirmed_does_not_sign_in(api: Api) -> None:
    browser = await browser_of(api)
    await browser.enrol()
    await browser.confirm()

    assert (await browser.login(browser.code())).code == "second_factor_wrong"


async def test_a_recovery_code_signs_in_once_and_stands_in_the_audit(any_api: Api) -> None:
    browser = await enrolled(any_api)
    code = browser.recovery_codes[3]

    first, again = await browser.login(code), await browser.login(code)
    other = await browser.login(browser.recovery_codes[4])

    assert (first.status, again.status, other.status) == (200, 401, 200)
    actions = [entry["action"] for entry in (await any_api.get("/audit", limit=500)).body["items"]]
    assert actions.count("recovery-code.use") == 2


async def test_wrong_codes_lock_the_account_although_the_password_is_right(api: Api) -> None:
    browser = await enrolled(api)
    for _ in range(5):
        await browser.login("000000")

    locked = await browser.login(browser.code())

    assert (locked.status, locked.code) == (429, "account_locked")
    assert int(locked.headers["Retry-After"]) == 30
    entries = (await api.get("/audit", limit=500)).body["items"]
    written = [entry["detail"] for entry in entries if entry["action"] == "login.failed"]
    assert [(one["wrong"], one["failures"]) for one in written] == [("second factor", 1), ("second factor", 5)]


async def test_the_second_factor_goes_with_password_and_code_only(any_api: Api) -> None:
    browser = await enrolled(any_api)

    without = await browser.post("/me/totp/remove", {"password": PASSWORD})
    wrong = await browser.post("/me/totp/remove", {"password": "wrong", "code": browser.code()})
    removed = await browser.post("/me/totp/remove", {"password": PASSWORD, "code": browser.code()})

    assert (without.code, wrong.code) == ("second_factor_needed", "password_wrong")
    assert removed.status == 200
    assert (await browser.login()).status == 200


async def test_another_administrator_takes_the_second_factor_of_who_lost_it(any_api: Api) -> None:
    browser = await enrolled(any_api)
    number = (await any_api.get("/operators")).body["items"][-1]["id"]

    own = await browser.api.call("DELETE", f"/operators/{number}/totp", browser.headers)
    removed = await any_api.call("DELETE", f"/operators/{number}/totp")

    assert (own.status, own.code) == (403, "own_account")
    assert removed.status == 200
    assert (await browser.api.call("GET", "/me", browser.headers)).code == "session_over"
    assert (await browser.login()).status == 200


@pytest.mark.parametrize(
    ("path", "body"), [("/me/totp", {"password": PASSWORD}), ("/me/totp/confirm", {"code": "000000"})]
)
async def test_an_api_key_has_no_second_factor(api: Api, path: str, body: Any) -> None:
    answer = await api.post(path, body)

    assert (answer.status, answer.code) == (422, "no_session")


async def test_the_database_holds_neither_secret_nor_recovery_code(api: Api) -> None:
    browser = await enrolled(api)
    app = api.client.app
    assert app is not None

    async with app[DATABASE].read() as session:
        stored = (await session.scalars(select(SecondFactor))).one()
        hashes = (await session.scalars(text("SELECT code_sha256 FROM operator_recovery_code"))).all()

    assert browser.secret not in stored.ciphertext
    assert not {code.encode() for code in browser.recovery_codes} & set(hashes)


async def test_a_change_of_the_key_encryption_key_keeps_second_factors(api: Api) -> None:
    browser = await enrolled(api)
    app = api.client.app
    assert app is not None
    old = app[KEYRING]
    assert old is not None
    new = Keyring(Kek(bytes(32)), old.present)

    async with app[DATABASE].begin() as session:
        moved = [await second_factor.rewrap(session, new), await second_factor.rewrap(session, new)]
    async with app[DATABASE].begin() as session:
        row = (await session.scalars(select(SecondFactor))).one()

    assert moved == [1, 0]
    assert row.kek_id == new.present.id
    assert second_factor._secret(row, Keyring(new.present)) == browser.secret
