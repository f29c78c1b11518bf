"""What one caller and one address may ask for, and problem documents as RFC 9457 has them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cloud.app import build_app
from cloud.auth.limiter import Limiter
from cloud.errors import TooManyRequests
from tests.cloud.conftest import admin_api, settings
from tests.cloud.served import Api, HandClock
from tools.authority import Paths


@pytest.fixture
async def narrow(sqlite_url: str, tmp_path: Path, certificates: Paths, clock: HandClock) -> AsyncIterator[Api]:
    """A cloud of which a caller may ask five things in a minute, and an address eight."""
    wide = settings(sqlite_url, tmp_path, certificates)
    config = wide.model_copy(update={"caller_requests_per_minute": 5, "remote_requests_per_minute": 8})
    async with TestClient(TestServer(build_app(config, clock, services=()))) as client:
        yield await admin_api(client, clock)


async def test_a_caller_has_a_limit_and_is_told_when_to_come_back(narrow: Api) -> None:
    for _ in range(5):
        assert (await narrow.get("/me")).status == 200
    narrow.clock.time += 20

    refused = await narrow.get("/me")
    narrow.clock.time += 40
    later = await narrow.get("/me")

    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "40"
    assert later.status == 200


async def test_one_caller_takes_nothing_from_another(narrow: Api) -> None:
    other = await narrow.person("other@b.example")
    for _ in range(5):
        await narrow.get("/me")

    assert (await other.get("/me")).status == 200


async def test_an_address_has_a_limit_for_all_its_callers(narrow: Api) -> None:
    nobody = narrow.as_key("psk_guess")
    for _ in range(8):
        assert (await nobody.get("/me")).status == 401

    assert (await nobody.get("/me")).status == 429
    assert (await narrow.get("/health")).status == 429


def test_the_window_slides_by_the_second() -> None:
    limiter = Limiter(requests=3, window_s=10)
    for now in (100, 101, 101):
        limiter.count("one", now)

    with pytest.raises(TooManyRequests) as refused:
        limiter.count("one", 109)
    limiter.count("one", 110)
    with pytest.raises(TooManyRequests):
        limiter.count("one", 110)

    assert refused.value.retry_after_s == 1


async def test_an_error_is_a_problem_document(api: Api) -> None:
    answer = await api.get("/gateways/7")

    assert answer.body == {
        "type": "urn:penstock:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": answer.message,
        "code": "not_found",
    }
    assert answer.headers["Content-Type"].startswith("application/problem+json")
