"""A cashier's till should hold what the books say; another person settles a difference."""

from typing import Any

import pytest

from tests.cloud.agents.market import Market
from tests.cloud.served import Api


class Counter(Market):
    """A town with two cashiers."""

    cashier: Api
    other: Api


@pytest.fixture
async def market(any_api: Api) -> Counter:
    """A town with two cashiers, and an agent."""
    market = Counter(any_api, await any_api.town())
    await market.found()
    market.cashier = await market.person("cashier", "cashier")
    market.other = await market.person("other", "cashier")
    return market


async def opened(market: Counter, caller: Api, opening_minor: int = 1_000) -> Any:
    order = {"utility_id": market.town.utility, "currency": "KES", "opening_minor": opening_minor}
    return (await caller.made("/shifts", order))["shift"]["id"]


async def test_a_till_should_hold_its_opening_and_the_cash_of_its_own_person(market: Counter) -> None:
    await market.cashier.made("/vends", market.town.vend())
    market.api.clock.time += 1
    shift = await opened(market, market.cashier)
    await market.cashier.made("/vends", market.town.vend(tender=tender(60_000)))
    await market.cashier.made("/vends", market.town.vend(tender=tender(50_000, "card")))
    await market.other.made("/vends", market.town.vend())
    await market.seller.made("/vends", market.town.vend())
    market.api.clock.time += 60

    closed = await market.cashier.made(f"/shifts/{shift}/close", {"counted_minor": 51_000})
    market.api.clock.time += 60
    await market.cashier.made("/vends", market.town.vend())

    assert (closed["expected_minor"], closed["shift"]["difference_minor"]) == (51_000, 0)
    assert closed["moved"] == [{"kind": "sale", "count": 1, "taken_minor": 60_000, "given_minor": 10_000}]
    assert (await market.cashier.get(f"/shifts/{shift}")).body == closed
    assert (await market.api.post(f"/shifts/{shift}/settle", {"reason": "r"})).code == "nothing_to_settle"


async def test_money_that_is_missing_needs_a_note_and_another_person(market: Counter) -> None:
    shift = await opened(market, market.cashier)
    await market.cashier.made("/vends", market.town.vend())
    market.api.clock.time += 60
    silent = await market.cashier.post(f"/shifts/{shift}/close", {"counted_minor": 50_900})
    closed = await market.cashier.made(f"/shifts/{shift}/close", {"counted_minor": 50_900, "note": "a wrong coin"})
    before = await market.balances()

    own = await market.cashier.post(f"/shifts/{shift}/settle", {"reason": "r"})
    settled = await market.approver.made(f"/shifts/{shift}/settle", {"reason": "looked for it"})

    after = await market.balances()
    assert (silent.code, closed["shift"]["difference_minor"], own.status) == ("note_missing", -100, 403)
    assert settled["expected_minor"] == closed["expected_minor"] == 51_000
    assert (after["cash"] - before["cash"], after["cash_differences"]) == (-100, 100)
    again = await market.approver.post(f"/shifts/{shift}/settle", {"reason": "r"})
    assert (again.status, again.code) == (409, "nothing_to_settle")


async def test_nobody_settles_the_own_difference(market: Counter) -> None:
    shift = await opened(market, market.api)
    await market.api.made(f"/shifts/{shift}/close", {"counted_minor": 0, "note": "n"})

    own = await market.api.post(f"/shifts/{shift}/settle", {"reason": "r"})

    assert (own.status, own.code) == (403, "own_request")


async def test_a_person_has_one_open_shift_and_sees_no_others(market: Counter) -> None:
    shift = await opened(market, market.cashier)
    order = {"utility_id": market.town.utility, "currency": "KES", "opening_minor": 0}

    second = await market.cashier.post("/shifts", order)
    theirs = await market.other.get(f"/shifts/{shift}")
    closing = await market.other.post(f"/shifts/{shift}/close", {"counted_minor": 0})

    assert (second.status, second.code) == (409, "shift_open")
    assert (theirs.status, closing.status) == (403, 403)
    assert (await market.other.get("/shifts")).body["items"] == []
    assert [one["id"] for one in (await market.keeper.get("/shifts")).body["items"]] == [shift]


async def test_the_cash_of_an_own_api_key_is_in_the_own_till(market: Counter) -> None:
    shift = await opened(market, market.api, 0)
    key = await market.api.made("/api-keys", {"name": "counter", "scopes": ["vend"]})
    await market.api.as_key(key["key"]).made("/vends", market.town.vend())

    assert (await market.api.get(f"/shifts/{shift}")).body["expected_minor"] == 50_000
    assert (await market.api.get(f"/shifts/{shift}", format="pdf")).body[:4] == b"%PDF"


async def test_cash_that_another_person_took_to_the_safe_is_not_in_the_till(market: Counter) -> None:
    shift = await opened(market, market.cashier)
    await market.cashier.made("/vends", market.town.vend())
    path = f"/shifts/{shift}/handovers"
    much = await market.approver.post(path, {"amount_minor": 51_001, "reference": "1"})

    till = await market.approver.made(path, {"amount_minor": 50_000, "reference": "1"})

    balances = await market.balances()
    assert (much.code, till["expected_minor"], balances["safe"]) == ("till_short", 1_000, 50_000)
    assert (await market.cashier.post(path, {"amount_minor": 1, "reference": "2"})).status == 403
    assert (await market.cashier.get(f"/shifts/{shift}")).body["expected_minor"] == 1_000


async def test_a_deposit_in_cash_is_in_the_till_of_who_took_it(market: Counter) -> None:
    shift = await opened(market, market.keeper)
    await market.top_up(5_000, source="cash")

    till = (await market.keeper.get(f"/shifts/{shift}")).body

    assert (till["moved"][0]["kind"], till["expected_minor"]) == ("float", 6_000)


def tender(amount_minor: int, kind: str = "cash") -> dict[str, Any]:
    return {"kind": kind, "amount_minor": amount_minor, "currency": "KES"}


async def test_cash_that_was_taken_outside_a_shift_is_reported_for_its_day(market: Counter) -> None:
    path = f"/utilities/{market.town.utility}/cash-outside-shifts"
    await market.cashier.made("/vends", market.town.vend(tender=tender(60_000)))
    market.api.clock.time += 1
    shift = await opened(market, market.other)
    await market.other.made("/vends", market.town.vend())
    market.api.clock.time += 60
    await market.other.made(f"/shifts/{shift}/close", {"counted_minor": 51_000})
    await market.seller.made("/vends", market.town.vend())
    market.api.clock.time += 1
    await market.other.made("/vends", market.town.vend(tender=tender(50_000, "card")))
    key = (await market.api.made("/api-keys", {"name": "a machine", "scopes": ["vend"]}))["key"]
    await market.api.as_key(key).made("/vends", market.town.vend())

    today = (await market.api.get(path)).body
    before = (await market.api.get(path, date="2025-01-01")).body
    denied = await market.cashier.get(path)

    shown = [(one["kind"], one["count"], one["taken_minor"], one["given_minor"]) for one in today["moved"]]
    assert sorted(shown) == [("sale", 1, 50_000, 0), ("sale", 1, 60_000, 10_000)]
    assert (before["date"], before["moved"], denied.status) == ("2025-01-01", [], 403)
