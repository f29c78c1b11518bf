"""Idempotency-Key: creations that are sent again, side by side too, create once and get one answer."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from cloud.api.idempotency import KEPT_S
from cloud.app import ROUTES
from cloud.keys import DATABASE
from tests.cloud.served import Answer, Api

KEY = {"Idempotency-Key": "one-key"}


def body(name: str = "Town") -> dict[str, Any]:
    return {"name": name, "currency": "KES"}


async def send(api: Api, what: dict[str, Any], headers: dict[str, str] = KEY) -> Answer:
    return await api.post("/utilities", what, headers=headers)


async def test_the_same_request_again_gets_the_same_answer_and_creates_nothing(any_api: Api) -> None:
    first, again = await send(any_api, body()), await send(any_api, body())

    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert len((await any_api.get("/utilities")).body["items"]) == 1


async def test_requests_side_by_side_create_once(any_api: Api) -> None:
    answers = await asyncio.gather(*(send(any_api, body()) for _ in range(10)))

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len((await any_api.get("/utilities")).body["items"]) == 1


async def test_another_request_under_the_key_is_a_conflict(any_api: Api) -> None:
    await send(any_api, body())

    answer = await send(any_api, body("Other"))

    assert (answer.status, answer.code) == (409, "idempotency_key_used")


async def test_a_refused_request_leaves_its_key_free(any_api: Api) -> None:
    await send(any_api, body(), headers={})
    refused = await send(any_api, body())

    made = await send(any_api, body("Other"))

    assert (refused.status, made.status) == (409, 201)


async def test_callers_do_not_share_keys(any_api: Api) -> None:
    other = await any_api.person("other@b.example")
    first = await send(any_api, body())

    second = await send(other, body("Other"))

    assert first.body["id"] != second.body["id"]


async def test_a_key_is_free_again_after_a_week(any_api: Api) -> None:
    await send(any_api, body())
    any_api.clock.time += KEPT_S

    assert (await send(any_api, body("Other"))).status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "ü"])
async def test_a_malformed_key_is_refused(api: Api, key: str) -> None:
    answer = await send(api, body(), {"Idempotency-Key": key})

    assert (answer.status, answer.code) == (400, "idempotency_key_malformed")


async def test_a_key_where_it_would_protect_nothing_is_refused(api: Api) -> None:
    answer = await api.post("/api-keys", {"name": "k", "scopes": ["vend"]}, headers=KEY)

    assert (answer.status, answer.code) == (400, "idempotency_key_not_taken")


async def test_no_secret_is_kept_in_an_answer(api: Api) -> None:
    await api.made("/api-keys", {"name": "k", "scopes": ["vend"]})
    app = api.client.app
    assert app is not None

    async with app[DATABASE].read() as session:
        assert await session.scalar(text("SELECT count(*) FROM kept_answer")) == 0


def test_every_creation_takes_a_key_has_its_own_or_says_why_not() -> None:
    creations = [route for route in ROUTES if route.method == "POST" and route.status == 201]

    assert all(route.takes_key or route.idempotency or route.keyless for route in creations)
