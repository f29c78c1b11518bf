"""What tests of payments share: a town, its channels, the fake provider, and the loop turned by hand."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from cloud.app import build_app
from cloud.keys import CHANNELS, CLOCK, DATABASE, KEY_STORE
from cloud.payments.worker import Payments
from tests.cloud.conftest import admin_api, settings
from tests.cloud.served import Api, HandClock, Town
from tests.fakes.provider import FakeProvider, Letter, channels
from tools.authority import Paths


class Paying:
    """The cloud and the provider."""

    def __init__(self, api: Api, town: Town, fake: FakeProvider) -> None:
        self.api = api
        self.town = town
        self.fake = fake
        assert api.client.app is not None
        self.app = api.client.app
        self.worker = Payments(self.app[DATABASE], self.app[KEY_STORE], self.app[CHANNELS], self.app[CLOCK])

    async def send(self, *letters: Letter) -> list[int]:
        """Deliver messages; the statuses."""
        return [await self.fake.send(self.api.client, letter, self.api.clock.now()) for letter in letters]

    async def settle(self, rounds: int = 30) -> None:
        """Deliver all that waits, and let the loop work and time pass, until nothing is open."""
        for _ in range(rounds):
            letters, self.fake.letters = self.fake.letters, []
            await self.send(*letters)
            await self.worker.work_due()
            states = {one["state"] for one in await self.payments()}
            if not self.fake.letters and not states & {"received", "verified"}:
                return
            self.api.clock.time += 300
        raise AssertionError(f"still open: {await self.payments()}")

    async def payments(self) -> list[dict[str, Any]]:
        """Every payment."""
        found: list[dict[str, Any]] = (await self.api.get("/payments", limit=500)).body["items"]
        return found

    async def only(self) -> dict[str, Any]:
        """The one payment that there is."""
        (one,) = await self.payments()
        return one

    async def vends(self) -> list[dict[str, Any]]:
        """Every vend."""
        found: list[dict[str, Any]] = (await self.api.get("/vends", limit=500)).body["items"]
        return found


@contextlib.asynccontextmanager
async def paying_at(
    url: str, folder: Path, certificates: Paths, clock: HandClock, fake: FakeProvider, provider_url: str
) -> AsyncIterator[Paying]:
    """Serve a cloud over a database; its first utility, number 1, is the town."""
    file = folder / "payments.json"
    file.write_text(json.dumps(channels(provider_url, 1)))
    config = settings(url, folder, certificates).model_copy(update={"payments_file": file})
    async with TestClient(TestServer(build_app(config, clock, services=()))) as client:
        api = await admin_api(client, clock)
        town = await api.town()
        assert town.utility == 1
        yield Paying(api, town, fake)
