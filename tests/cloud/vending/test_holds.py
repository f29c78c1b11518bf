"""Two phases: a held purchase gives nothing out until it is confirmed; a cancelled one is as if it was never sold."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from cloud.auth.actor import system
from cloud.keys import CARRIERS, CLOCK, DATABASE, KEY_STORE
from cloud.meters.models import Meter
from cloud.reports import reconciliation
from cloud.vending.models import Vend
from cloud.vending.order import Order
from cloud.watchdog.rules import Limits
from cloud.watchdog.worker import Watchdog
from tests.cloud.agents.market import Market
from tests.cloud.commands.orders import online, take_in
from tests.cloud.served import Api, Town
from tests.cloud.vending.test_void_rules import balances, taxed

HOLD_S = 900
DAY_S = 86_400
SYSTEM = system("reports")


def held(town: Town, **changes: Any) -> dict[str, Any]:
    """An order that is released on confirm."""
    return town.vend(release="on_confirm", **changes)


def cash(amount_minor: int) -> dict[str, Any]:
    return {"kind": "cash", "amount_minor": amount_minor, "currency": "KES"}


def watchdog(api: Api) -> Watchdog:
    app = api.client.app
    assert app is not None
    return Watchdog(app[DATABASE], app[KEY_STORE], app[CARRIERS], app[CLOCK], Limits())


async def cancel(api: Api, purchase: Any) -> Any:
    return await api.made(f"/vends/{purchase['purchase_id']}/cancel", {"reason": "the payment failed"})


async def confirm(api: Api, purchase: Any) -> Any:
    return await api.made(f"/vends/{purchase['purchase_id']}/confirm", None)


def test_the_hash_of_an_order_without_release_is_that_of_before() -> None:
    order = Order("p", "d", 1, "cash", 2, "KES", "keypad")

    assert sorted(order.said()) == sorted(
        ("purchase_id", "drn", "volume_ml", "tender_kind", "tender_minor", "currency", "delivery", "change")
    )
    assert Order("p", "d", 1, "cash", 2, "KES", "keypad", hold_s=9).said() == order.said() | {"release": "on_confirm"}


async def test_a_held_purchase_shows_no_digits_anywhere_and_sends_nothing(any_api: Api) -> None:
    town = await online(any_api)
    order = held(town, delivery="remote")

    sold = await any_api.made("/vends", order)

    path = f"/vends/{sold['purchase_id']}"
    assert (sold["state"], sold["held_until"]) == ("held", any_api.clock.now() + HOLD_S)
    shown = [sold, await any_api.made("/vends", order), (await any_api.get(path)).body]
    assert all(one["token"] is None and {token["digits"] for token in one["tokens"]} == {None} for one in shown)
    text = (await any_api.get(f"{path}/receipt", language="en")).body["text"]
    assert "not shown" in text and "Held" in text
    assert (await any_api.get("/messages")).body["items"] == []
    assert (await any_api.get(f"/gateways/{town.gateway}/commands")).body["items"] == []
    assert (await any_api.get(f"{path}/stages")).body["stage"] == "held"
    found = (await any_api.get("/meters/lookup", drn=town.drn)).body["purchases"]
    assert [one["state"] for one in found] == ["held"]


async def test_a_confirmed_purchase_gives_its_token_and_is_delivered_once(any_api: Api) -> None:
    town = await online(any_api)
    order = held(town, delivery="remote")
    sold = await any_api.made("/vends", order)

    first, again = await confirm(any_api, sold), await confirm(any_api, sold)

    assert len(first["token"]) == 20 and first == again == await any_api.made("/vends", order)
    assert (first["state"], first["held_until"]) == ("vended", None)
    assert len((await any_api.get("/messages")).body["items"]) == 1
    assert len((await any_api.get(f"/gateways/{town.gateway}/commands")).body["items"]) == 1
    town.device.token(0, first["tid"], first["volume_ml"])
    await take_in(any_api, town, town.device.batch())
    assert (await any_api.get(f"/vends/{sold['purchase_id']}")).body["state"] == "explained"


async def test_a_cancelled_purchase_leaves_the_books_as_they_were(any_api: Api) -> None:
    town = await taxed(any_api, fixed_month_minor=1_000)
    debt = {"customer_id": town.customer, "currency": "KES", "principal_minor": 5_000, "percent": 50, "reason": "r"}
    await any_api.made("/debts", debt)
    before = await balances(any_api, town)
    sold = await any_api.made("/vends", held(town, tender=cash(120_000), change="account"))
    assert (sold["payment_debt_minor"], sold["fixed_taxed_minor"]) == (5_000, 1_160)
    assert sold["to_account_minor"] > 0

    void, again = await cancel(any_api, sold), await cancel(any_api, sold)

    assert void == again and void["state"] == "void" and void["tokens"][0]["digits"] is None
    assert await balances(any_api, town) == before
    row = (await any_api.get("/debts")).body["items"][0]
    assert (row["paid_minor"], row["closed_at"]) == (0, None)
    later = await any_api.made("/vends", town.vend(tender=cash(120_000)))
    assert (later["fixed_taxed_minor"], later["payment_debt_minor"]) == (1_160, 5_000)
    assert later["statement"]["position"] == sold["statement"]["position"]
    assert later["tid"] > sold["tid"]


async def test_what_a_held_purchase_keeps_is_spent_by_nobody_before_it_is_sure(any_api: Api) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", held(town, tender=cash(90_000), change="account"))
    kept = sold["to_account_minor"]
    between = await balances(any_api, town)

    await confirm(any_api, sold)

    after = await balances(any_api, town)
    assert kept > 0 and f"customer:{town.customer}" not in between
    assert (between["on_hold"], after[f"customer:{town.customer}"]) == (-kept, -kept)
    assert "on_hold" not in after


async def test_what_the_account_paid_comes_back_to_it(any_api: Api) -> None:
    town = await online(any_api)
    await any_api.made("/vends", town.vend(tender=cash(90_000), change="account"))
    before = await balances(any_api, town)
    sold = await any_api.made("/vends", held(town, volume_ml=1_000_000, tender=cash(0)))
    assert sold["from_account_minor"] > 0

    await cancel(any_api, sold)

    assert await balances(any_api, town) == before


async def test_an_agents_float_and_commission_are_as_before(any_api: Api) -> None:
    market = await Market(any_api, await any_api.town()).found(7, 300)
    before = await balances(any_api, market.town)
    sold = await market.seller.made("/vends", held(market.town))
    assert await market.held() != 200_000

    await cancel(market.seller, sold)

    assert await balances(any_api, market.town) == before and await market.held() == 200_000
    other = await market.sells_for(await market.add("Kiosk", 0, 1), "other")
    answer = await other.post(f"/vends/{sold['purchase_id']}/confirm")
    assert (answer.status, answer.code) == (404, "purchase_unknown")


@pytest.mark.parametrize("kind", ["cash", "mobile_money"])
async def test_the_day_of_a_cancelled_purchase_reconciles(any_api: Api, kind: str) -> None:
    market = await Market(any_api, await any_api.town()).found(7, 300)
    tender = {**cash(60_000), "kind": kind}
    for seller in (market.seller, any_api):
        await cancel(seller, await seller.made("/vends", held(market.town, tender=tender, change="account")))
    any_api.clock.time += 5 * DAY_S
    app = any_api.client.app
    assert app is not None

    report = await reconciliation.run(app[DATABASE], SYSTEM, market.town.utility, None, any_api.clock.now())

    assert [(one.code, one.detail) for one in report.items] == []


async def test_one_end_excludes_the_other(any_api: Api) -> None:
    town = await any_api.town()
    released, cancelled = [await any_api.made("/vends", held(town)) for _ in range(2)]
    now = await any_api.made("/vends", town.vend())
    await confirm(any_api, released)
    await cancel(any_api, cancelled)

    answers = [
        await any_api.post(f"/vends/{released['purchase_id']}/cancel", {"reason": "r"}),
        await any_api.post(f"/vends/{cancelled['purchase_id']}/confirm"),
        await any_api.post(f"/vends/{now['purchase_id']}/cancel", {"reason": "r"}),
        await any_api.post(f"/vends/{uuid.uuid4()}/confirm"),
    ]

    assert [(one.status, one.code) for one in answers] == [
        (422, "released"),
        (422, "cancelled"),
        (422, "not_held"),
        (404, "purchase_unknown"),
    ]


async def test_a_purchase_that_nobody_confirms_is_cancelled_once(any_api: Api) -> None:
    town = await any_api.town()
    before = await balances(any_api, town)
    sold = await any_api.made("/vends", held(town))
    dog = watchdog(any_api)
    any_api.clock.time += HOLD_S - 1
    early = await dog.expire_held()
    any_api.clock.time += 1

    late = await any_api.post(f"/vends/{sold['purchase_id']}/confirm")
    times = [await dog.expire_held(), await dog.expire_held()]

    assert (early, late.code, times) == (0, "hold_expired", [1, 0])
    assert (await any_api.get(f"/vends/{sold['purchase_id']}")).body["state"] == "void"
    assert await balances(any_api, town) == before


async def test_confirm_and_cancel_at_once_have_one_winner(any_api: Api) -> None:
    town = await any_api.town()
    for _ in range(5):
        sold = await any_api.made("/vends", held(town))
        path = f"/vends/{sold['purchase_id']}"
        wanted = [any_api.post(f"{path}/confirm"), any_api.post(f"{path}/cancel", {"reason": "r"})]

        answers = await asyncio.gather(*wanted, *[any_api.post(f"{path}/confirm") for _ in range(3)])

        won = {answer.body["state"] for answer in answers if answer.status == 200}
        assert len(won) == 1
        assert (await any_api.get(path)).body["state"] in won
    assert (await any_api.get(f"/books/{town.utility}")).body["holds"]


@pytest.mark.parametrize("ended", [False, True])
async def test_a_token_that_was_never_released_is_explained_by_nothing(any_api: Api, ended: bool) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", held(town))
    if ended:
        await cancel(any_api, sold)

    town.device.token(0, sold["tid"], sold["volume_ml"])
    await take_in(any_api, town, town.device.batch())

    last = (await any_api.get(f"/meters/{town.drn}")).body["last_verdicts"][0]
    assert last["verdict"] == "unexplained" and ("void" if ended else "held") in last["reason"]
    assert "unexplained" in {case["kind"] for case in (await any_api.get("/cases")).body["items"]}


async def test_a_held_token_is_not_voided_and_its_meter_not_closed(any_api: Api) -> None:
    town = await online(any_api)
    sold = await any_api.made("/vends", held(town))
    account = (await any_api.get("/accounts")).body["items"][0]

    void = await any_api.post(f"/vends/{sold['purchase_id']}/void", {})
    closing = {"proof": "ledger", "credit": "place", "reason": "r"}
    closed = await any_api.post(f"/accounts/{account['id']}/close", closing)

    assert (void.status, void.code) == (422, "held")
    assert (closed.status, closed.code) == (422, "purchase_held")


async def test_a_debt_that_a_held_purchase_pays_off_ends_with_the_confirmation(any_api: Api) -> None:
    town = await any_api.town()
    debt = {"customer_id": town.customer, "currency": "KES", "principal_minor": 100, "percent": 50, "reason": "r"}
    number = (await any_api.made("/debts", debt))["id"]
    sold = await any_api.made("/vends", held(town, tender=cash(60_000), change="account"))
    assert sold["payment_debt_minor"] == 100

    answer = await any_api.post(f"/debts/{number}/close", {"reason": "r"})
    between = (await any_api.get("/debts")).body["items"][0]["closed_at"]
    await confirm(any_api, sold)

    assert (answer.status, answer.code, between) == (422, "debt_held", None)
    assert (await any_api.get("/debts")).body["items"][0]["closed_at"] == any_api.clock.now()


async def test_a_purchase_of_many_tokens_is_held_and_cancelled_whole(any_api: Api) -> None:
    town = await any_api.town()
    await any_api.call("PUT", f"/utilities/{town.utility}/token-limit", json={"token_max_ml": 2_000_000})
    sold = await any_api.made("/vends", held(town))

    await cancel(any_api, sold)

    app = any_api.client.app
    assert app is not None
    async with app[DATABASE].read() as session:
        vends = (await session.scalars(select(Vend).order_by(Vend.part))).all()
        meter = await session.scalar(select(Meter).where(Meter.drn == town.drn))
    assert [vend.state for vend in vends] == ["void"] * 3
    assert meter is not None and meter.last_tid == vends[-1].tid
