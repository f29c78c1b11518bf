"""A cloud that is paid through a fake provider, on a database of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from tests.cloud.payments.paying import Paying, paying_at
from tests.cloud.served import HandClock
from tests.fakes.provider import FakeProvider
from tools.authority import Paths


@pytest.fixture
async def provider_url() -> AsyncIterator[tuple[FakeProvider, str]]:
    """A fake provider that is served, and its address."""
    fake = FakeProvider()
    async with TestServer(fake.app()) as server:
        yield fake, str(server.make_url("/"))


@pytest.fixture
async def paying(
    sqlite_url: str, tmp_path: Path, certificates: Paths, clock: HandClock, provider_url: tuple[FakeProvider, str]
) -> AsyncIterator[Paying]:
    """A town whose payments come from the fake, over SQLite."""
    async with paying_at(sqlite_url, tmp_path, certificates, clock, *provider_url) as made:
        yield made


@pytest.fixture
async def any_paying(
    any_url: str, tmp_path: Path, certificates: Paths, clock: HandClock, provider_url: tuple[FakeProvider, str]
) -> AsyncIterator[Paying]:
    """The same over a database of each kind in turn."""
    async with paying_at(any_url, tmp_path, certificates, clock, *provider_url) as made:
        yield made
