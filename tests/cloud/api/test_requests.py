"""Requests at the edge: what is malformed is refused in one line, and every answer is safe to show."""

import json
from typing import Any

import pytest

from tests.cloud.served import Api

_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        (b"", "body: "),
        (b"{", "body: "),
        (b"[]", "body: "),
        (b'"text"', "body: "),
        (b"\xff\xfe", "body: "),
        (b'{"name": "U"}', "body.currency: "),
        (b'{"name": "U", "currency": "kes"}', "body.currency: "),
        (b'{"name": 5, "currency": "KES"}', "body.name: "),
        (b'{"name": "a\\u0000b", "currency": "KES"}', "body.name: "),
        (b'{"name": "\\ud800", "currency": "KES"}', "body: "),
        (b'{"name": "", "currency": "KES"}', "body.name: "),
        (b'{"name": "U", "currency": "KES", "more": 1}', "body.more: "),
    ],
)
async def test_a_malformed_body_is_refused_by_the_name_of_the_field(api: Api, raw: bytes, start: str) -> None:
    answer = await api.call("POST", "/utilities", _JSON, data=raw)

    assert (answer.status, answer.code) == (400, "invalid_body")
    assert answer.message.startswith(start)
    assert "\n" not in answer.message


@pytest.mark.parametrize(
    ("amount", "name"),
    [(1.0, "1.0"), (True, "true"), ("5", "text"), (-1, "-1"), (10**30, "10^30"), (None, "null")],
)
async def test_money_is_a_whole_number_in_range(api: Api, amount: Any, name: str) -> None:
    town = await api.town()
    tender = {"kind": "cash", "amount_minor": amount, "currency": "KES"}

    answer = await api.post("/vends", town.vend(tender=tender))

    assert answer.status == 400, name
    assert answer.message.startswith("body.tender.amount_minor: ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_of_another_site_could_send_is_refused(api: Api, kind: str) -> None:
    answer = await api.call("POST", "/login", {"Content-Type": kind}, data=b"{}")

    assert (answer.status, answer.code) == (415, "content_type")


async def test_a_body_above_the_limit_is_refused_before_it_is_read(api: Api) -> None:
    body = json.dumps({"name": "U" * 70_000, "currency": "KES"})

    answer = await api.call("POST", "/utilities", _JSON, data=body)

    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_a_login_takes_a_small_body_only(api: Api) -> None:
    answer = await api.as_key(None).call("POST", "/login", _JSON, data=b"x" * 5000)

    assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.parametrize("query", ["after=x", "limit=0", "limit=501", "after=-1", "colour=red", "limit=1&limit=2"])
async def test_a_malformed_query_is_refused(api: Api, query: str) -> None:
    answer = await api.call("GET", "/meters?" + query)

    assert (answer.status, answer.code) == (400, "invalid_query")


@pytest.mark.parametrize("query", ["a%0Ab=1", "%00=1", "%E2%80%A8=1", "x" * 5000 + "=1"])
async def test_a_name_that_the_caller_made_up_is_shown_in_one_short_line(api: Api, query: str) -> None:
    answer = await api.call("GET", "/meters?" + query)

    assert (answer.status, answer.code) == (400, "invalid_query")
    assert len(answer.message.splitlines()) == 1 and len(answer.message) < 150


@pytest.mark.parametrize(
    "path", ["/gateways/x", "/gateways/0", "/gateways/99999999999", "/meters/1", "/vends/x", "/gateways/7"]
)
async def test_what_cannot_exist_is_not_found(api: Api, path: str) -> None:
    assert (await api.get(path)).status == 404


async def test_what_a_sentence_quotes_of_the_path_stays_on_its_line(api: Api) -> None:
    answer = await api.get("/vends/%0A1")

    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.message.startswith("path.purchase_id: ") and answer.message.isprintable()


async def test_an_unknown_address_says_where_the_known_ones_are(api: Api) -> None:
    answer = await api.get("/nothing")

    assert (answer.status, answer.code) == (404, "not_found")
    assert "/api/v1/openapi.json" in answer.message


async def test_a_method_that_is_not_served_says_which_are(api: Api) -> None:
    answer = await api.call("PUT", "/meters")

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


async def test_a_request_id_is_kept_and_a_bad_one_replaced(api: Api) -> None:
    kept = await api.call("GET", "/health", {"X-Request-Id": "abcdef-123"})
    replaced = await api.call("GET", "/health", {"X-Request-Id": "a b"})

    assert kept.headers["X-Request-Id"] == "abcdef-123"
    assert len(replaced.headers["X-Request-Id"]) == 16


async def test_no_answer_is_cached_or_sniffed(api: Api) -> None:
    headers = (await api.get("/me")).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_health_is_open_to_anybody(api: Api) -> None:
    assert (await api.as_key(None).get("/health")).body == {"status": "ok"}


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "psk_x"])
async def test_a_wrong_credential_is_refused_with_the_remedy(api: Api, header: str) -> None:
    answer = await api.as_key(None).call("GET", "/me", {"Authorization": header})

    assert answer.status == 401
    assert "POST /" in answer.message
