"""The day-end report of an agent is what the books say: opening, movements, closing, as JSON and as files."""

import csv
import io
from typing import Any

import pytest

from cloud.books import months
from cloud.keys import DATABASE
from shared.civil import Zone
from tests.cloud.agents.market import Market
from tests.cloud.served import START, Api

DAY_S = 86_400
TODAY, TOMORROW = "2025-06-15", "2025-06-16"


@pytest.fixture
async def market(any_api: Api) -> Market:
    """A town with an agent who sold twice on the first day."""
    market = await Market(any_api, await any_api.town()).found()
    await market.seller.made("/vends", market.town.vend())
    await market.seller.made("/vends", market.town.vend())
    return market


async def day(market: Market, **query: Any) -> Any:
    return (await market.seller.get(f"/agents/{market.agent}/day", **query)).body


async def test_opening_and_movements_are_the_closing_and_the_next_opening(market: Market) -> None:
    market.api.clock.time = START + DAY_S
    await market.seller.made("/vends", market.town.vend())
    await market.top_up(20_000, kind="withdrawal")

    first, second = await day(market, date=TODAY), await day(market)

    assert (first["opening_minor"], first["closing_minor"]) == (0, 200_000 - 100_000 + 1_500)
    assert {one["what"]: (one["count"], one["amount_minor"]) for one in first["movements"]} == {
        "top_up": (1, 200_000),
        "sale": (2, -100_000),
        "commission": (2, 1_500),
    }
    assert (second["date"], second["opening_minor"]) == (TOMORROW, first["closing_minor"])
    assert second["closing_minor"] == await market.held() == 101_500 - 50_000 + 750 - 20_000
    assert first["holds"] and second["holds"]


async def test_the_statement_has_every_movement_with_the_balance_after_it_page_by_page(market: Market) -> None:
    path = f"/agents/{market.agent}/statement"
    first = (await market.seller.get(path, first=TODAY, last=TOMORROW, limit=3)).body
    second = (await market.seller.get(path, first=TODAY, last=TOMORROW, limit=3, after=first["next"])).body
    rows = first["items"] + second["items"]

    assert [row["amount_minor"] for row in rows] == [200_000, -50_000, 750, -50_000, 750]
    assert [row["balance_minor"] for row in rows] == [200_000, 150_000, 150_750, 100_750, 101_500]
    assert second["next"] is None


async def test_closed_months_stand_for_their_postings(market: Market) -> None:
    before = await day(market, date=TODAY)
    market.api.clock.time = START + 70 * DAY_S
    await market.seller.made("/vends", market.town.vend())
    app = market.api.client.app
    assert app is not None
    async with app[DATABASE].begin() as session:
        closed = await months.close_due(session, market.town.utility, Zone(), market.api.clock.now())

    today = await day(market)

    assert len(closed) == 2
    assert (today["opening_minor"], today["closing_minor"]) == (before["closing_minor"], await market.held())
    assert today["holds"] and await day(market, date=TODAY) == before


async def test_a_receipt_says_which_agent_sold(market: Market) -> None:
    sold = await market.seller.made("/vends", market.town.vend())
    theirs = await market.api.made("/vends", market.town.vend())

    texts = [(await market.api.get(f"/vends/{one['purchase_id']}/receipt")).body["text"] for one in (sold, theirs)]

    assert ["Corner shop" in text for text in texts] == [True, False]


async def test_the_report_comes_as_a_file_of_each_kind(market: Market) -> None:
    path = f"/agents/{market.agent}/day"
    found = {kind: (await market.keeper.get(path, format=kind)).body for kind in ("csv", "xlsx", "pdf")}

    text = found["csv"].decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert ["sale", "-500.00"] in [[row[2], row[6]] for row in rows if len(row) > 6], text
    assert found["xlsx"][:2] == b"PK" and found["pdf"][:4] == b"%PDF"


async def test_days_that_are_none_are_refused(market: Market) -> None:
    wrong = await market.keeper.get(f"/agents/{market.agent}/day", date="2025-02-30")
    turned = await market.keeper.get(f"/agents/{market.agent}/statement", first=TOMORROW, last=TODAY)

    assert (wrong.status, turned.status, turned.code) == (400, 422, "days_wrong")
