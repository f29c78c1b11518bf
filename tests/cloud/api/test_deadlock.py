"""Two transactions that wait for each other: the database ends one, and the service starts it again by itself."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from cloud.api.dispatch import add_routes
from cloud.api.fields import Done
from cloud.api.route import Call, Route
from cloud.app import build_app
from cloud.audit import sealing
from tests.cloud.conftest import settings
from tests.cloud.served import HandClock
from tools.authority import Paths


async def test_both_requests_of_a_deadlock_succeed(
    postgresql_url: str, tmp_path: Path, certificates: Paths, clock: HandClock
) -> None:
    both_hold_one = asyncio.Barrier(2)
    attempts = []

    def crossing(first: int, second: int) -> Route:
        async def handler(call: Call[None, None]) -> Done:
            """Seal two chains of the audit, one after the other."""
            attempts.append(first)
            async with call.begin() as session:
                await sealing.seal_chain(session, first)
                if len(attempts) <= 2:
                    await both_hold_one.wait()
                await sealing.seal_chain(session, second)
            return Done()

        return Route("POST", f"/{first}/{second}", handler, None, Done)

    app = build_app(settings(postgresql_url, tmp_path, certificates), clock, services=())
    add_routes(app, [crossing(1, 2), crossing(2, 1)])
    async with TestClient(TestServer(app)) as client:
        answers = await asyncio.gather(client.post("/api/v1/1/2"), client.post("/api/v1/2/1"))

    assert [answer.status for answer in answers] == [200, 200]
    assert len(attempts) > 2


@pytest.mark.parametrize(("ended", "status"), [(3, 200), (4, 500)])
@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_who_is_ended_lets_the_others_pass_longer_each_time_and_gives_up_after_the_third(
    postgresql_url: str, tmp_path: Path, certificates: Paths, clock: HandClock, sqlstate: str, ended: int, status: int
) -> None:
    begun_s: list[float] = []

    async def handler(call: Call[None, None]) -> Done:
        """Be ended by the database a number of times."""
        begun_s.append(time.monotonic())
        async with call.begin() as session:
            if len(begun_s) <= ended:
                await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
        return Done()

    app = build_app(settings(postgresql_url, tmp_path, certificates), clock, services=())
    add_routes(app, [Route("POST", "/ended", handler, None, Done)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/api/v1/ended")

    pauses_s = [after - before for before, after in pairwise(begun_s)]
    assert answer.status == status
    assert len(pauses_s) == 3
    assert all(pause_s >= least_s for pause_s, least_s in zip(pauses_s, (0.05, 0.2, 0.8), strict=True))
