"""Money goes into and out of a float once, with two people, and never more than there is."""

import asyncio

import pytest

from cloud.agents import floats
from cloud.agents.models import FloatRequest
from cloud.auth.actor import Actor
from cloud.auth.rules import SCOPES
from cloud.keys import DATABASE
from tests.cloud.agents.market import Market
from tests.cloud.served import Api


@pytest.fixture
async def market(any_api: Api) -> Market:
    """A town with an agent whose float is empty."""
    return await Market(any_api, await any_api.town()).found(held_minor=0)


async def test_a_top_up_waits_for_another_person(market: Market) -> None:
    asked = (await market.ask(5_000)).body
    own = await market.keeper.post(f"/float-requests/{asked['id']}/approve", None)
    before = await market.held()
    done = await market.approver.made(f"/float-requests/{asked['id']}/approve", None)
    again = await market.approver.post(f"/float-requests/{asked['id']}/approve", None)

    assert (asked["state"], own.status, before) == ("waiting", 403, 0)
    assert (done["state"], again.status, await market.held()) == ("done", 409, 5_000)
    assert await market.balances() == {"bank": 5_000, f"agent:{market.agent}": -5_000}


async def test_the_person_who_asked_is_not_the_second_one_with_another_key(market: Market) -> None:
    order = {"kind": "top_up", "amount_minor": 5, "source": "cash", "reference": "slip", "reason": "deposit"}
    asked = await market.api.made(f"/agents/{market.agent}/float-requests", order)

    own = await market.api.post(f"/float-requests/{asked['id']}/approve", None)

    assert (own.status, own.code) == (403, "own_request")


async def test_a_reference_tops_up_once_even_when_it_was_declined(market: Market) -> None:
    asked = (await market.ask(5_000, reference="slip")).body
    await market.keeper.made(f"/float-requests/{asked['id']}/decline", None)

    again = await market.ask(5_000, reference="slip")
    approved = await market.approver.post(f"/float-requests/{asked['id']}/approve", None)

    assert (again.status, again.code, approved.code) == (409, "reference_used", "request_decided")
    assert await market.held() == 0


async def test_a_request_that_is_sent_again_under_its_key_is_one(market: Market) -> None:
    order = {"kind": "top_up", "amount_minor": 5, "source": "cash", "reference": "slip", "reason": "deposit"}
    path, key = f"/agents/{market.agent}/float-requests", {"Idempotency-Key": "k1"}

    answers = [await market.keeper.post(path, order, headers=key) for _ in range(2)]

    assert answers[0].body == answers[1].body
    assert len((await market.keeper.get("/float-requests", state="waiting")).body["items"]) == 1


async def test_withdrawals_at_once_never_draw_more_than_there_is(market: Market) -> None:
    await market.top_up(10_000)
    asked = [(await market.ask(4_000, kind="withdrawal")).body["id"] for _ in range(5)]

    answers = await asyncio.gather(*(market.approver.post(f"/float-requests/{one}/approve", None) for one in asked))

    assert sorted(answer.status for answer in answers) == [200, 200, 422, 422, 422]
    assert await market.held() == 2_000
    assert await market.balances() == {"bank": 2_000, f"agent:{market.agent}": -2_000}


async def test_requests_below_the_limit_are_one_sum_for_the_day_and_kind(market: Market) -> None:
    database, now = market.api.client.app[DATABASE], market.api.clock.now()
    me = Actor("keeper", None, SCOPES, person_id=await market.number("keeper"))

    async def ask(reference: str, at: int) -> str:
        wanted = {"agent_id": market.agent, "kind": "top_up", "amount_minor": 600, "source": "cash", "reason": "r"}
        request = FloatRequest(**wanted, reference=reference, asked_at=at)
        async with database.begin() as session:
            return (await floats.ask(session, me, request, 1_000)).state

    first, second = await ask("1", now), await ask("2", now + 60)
    next_day = await ask("3", now + 86_460)

    assert (first, second, next_day) == ("done", "waiting", "done")
    assert await market.held() == 1_200
