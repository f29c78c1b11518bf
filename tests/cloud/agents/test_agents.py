"""Agents sell from a float that they cannot exceed, earn their share to the minor unit, and see their own alone."""

import asyncio

import pytest

from tests.cloud.agents.market import Market
from tests.cloud.served import Api


@pytest.fixture
async def market(any_api: Api) -> Market:
    """A town with an agent who earns 3/200 and has 200 000 minor units."""
    return await Market(any_api, await any_api.town()).found()


async def test_the_float_pays_what_the_customer_paid_to_the_agent_who_earns_its_share(market: Market) -> None:
    order = market.town.vend(tender={"kind": "cash", "amount_minor": 60_000, "currency": "KES"})

    sold = await market.seller.made("/vends", order)
    again = await market.seller.made("/vends", order)

    assert (sold["change_minor"], sold["tender_kind"]) == (10_000, "cash")
    assert again["token"] == sold["token"]
    assert await market.held() == 200_000 - 50_000 + 750
    balances = await market.balances()
    assert {name: balances.get(name) for name in ("bank", "cash", "commissions", f"agent:{market.agent}")} == {
        "bank": 200_000,
        "cash": None,
        "commissions": 750,
        f"agent:{market.agent}": -150_750,
    }


async def test_a_float_is_never_exceeded_by_sales_at_once(market: Market) -> None:
    orders = [market.town.vend() for _ in range(12)]

    answers = await asyncio.gather(*(market.seller.post("/vends", order) for order in orders))

    refused = {(answer.status, answer.code) for answer in answers if answer.status != 201}
    assert (sum(answer.status == 201 for answer in answers), refused) == (4, {(422, "float_exceeded")})
    assert await market.held() == 4 * 750
    assert len((await market.api.get("/vends")).body["items"]) == 4


async def test_a_sale_that_the_float_cannot_pay_leaves_nothing_and_its_id_free(market: Market) -> None:
    dear = market.town.vend(volume_ml=21_000_000, tender={"kind": "cash", "amount_minor": 210_000, "currency": "KES"})
    refused = await market.seller.post("/vends", dear)
    await market.top_up(10_000)

    sold = await market.seller.post("/vends", dear)

    assert (refused.status, refused.code, sold.status) == (422, "float_exceeded", 201)
    assert await market.held() == 3_150


async def test_what_sales_earn_adds_up_whatever_their_size(market: Market) -> None:
    agent = await market.add("Kiosk", 1, 30_000)
    seller = await market.sells_for(agent, "kiosk")
    await market.top_up(300_000, agent)

    for _ in range(5):
        await seller.made("/vends", market.town.vend())

    assert await market.held(agent) == 300_000 - 250_000 + 250_000 // 30_000


async def test_a_seller_sees_and_repeats_only_what_the_agent_sold(market: Market) -> None:
    cashier = await market.person("cashier", "cashier")
    other = await market.sells_for(await market.add("Kiosk", 0, 1), "kiosk")
    order = market.town.vend()
    mine = await market.seller.made("/vends", market.town.vend())
    theirs = await cashier.made("/vends", order)

    listed = (await market.seller.get("/vends")).body["items"]

    assert [one["purchase_id"] for one in listed] == [mine["purchase_id"]]
    assert (await market.seller.post("/vends", order)).code == "purchase_id_used"
    for caller, purchase in ((market.seller, theirs), (other, mine)):
        assert (await caller.get(f"/vends/{purchase['purchase_id']}")).status == 404
        assert (await caller.get(f"/vends/{purchase['purchase_id']}/receipt")).status == 404
    assert (await other.get(f"/agents/{market.agent}")).status == 404
    assert (await other.get(f"/agents/{market.agent}/day")).status == 404
    assert [one["id"] for one in (await market.seller.get("/agents")).body["items"]] == [market.agent]
    assert (await market.seller.get("/customers")).status == 403
    assert "cash" in await market.balances()


async def test_who_was_released_or_whose_agent_is_suspended_sells_nothing(market: Market) -> None:
    path, order = f"/agents/{market.agent}", market.town.vend()
    await market.keeper.call("PUT", path + "/state", json={"state": "suspended", "reason": "arrears"})
    suspended = await market.seller.post("/vends", order)
    await market.keeper.call("PUT", path + "/state", json={"state": "active", "reason": "paid"})
    await market.api.call("DELETE", f"{path}/sellers/{await market.number('seller')}")
    released = await market.seller.post("/vends", order)

    assert (suspended.status, suspended.code) == (422, "agent_inactive")
    assert (released.status, released.code) == (403, "scope_missing")


async def test_a_seller_pays_with_what_the_agent_was_paid_with(market: Market) -> None:
    tender = {"kind": "voucher", "amount_minor": 50_000, "currency": "KES"}

    answer = await market.seller.post("/vends", market.town.vend(tender=tender))

    assert (answer.status, answer.code) == (422, "tender_wrong")


async def test_a_commission_counts_when_another_person_approved_it(market: Market) -> None:
    path = f"/agents/{market.agent}/commission"
    half = {"numerator": 1, "denominator": 2}
    await market.keeper.call("PUT", path, json=half)
    own = await market.keeper.post(path + "/approve", half)
    before = (await market.keeper.get(f"/agents/{market.agent}")).body
    await market.approver.made(path + "/approve", half)
    again = await market.approver.post(path + "/approve", half)
    await market.seller.made("/vends", market.town.vend())

    assert (own.status, before["commission_denominator"], before["asked_denominator"]) == (403, 200, 2)
    assert (again.status, again.code) == (409, "nothing_asked")
    assert await market.held() == 200_000 - 50_000 + 25_000


async def test_a_commission_that_changed_since_it_was_seen_is_not_approved(market: Market) -> None:
    path = f"/agents/{market.agent}/commission"
    seen, later = {"numerator": 1, "denominator": 100}, {"numerator": 1, "denominator": 2}
    await market.keeper.call("PUT", path, json=seen)
    await market.keeper.call("PUT", path, json=later)

    answer = await market.approver.post(path + "/approve", seen)

    assert (answer.status, answer.code) == (409, "seen_differs") and "1/2" in answer.body["detail"]
    assert (await market.keeper.get(f"/agents/{market.agent}")).body["commission_denominator"] == 200


async def test_nobody_approves_the_own_commission_and_a_share_is_below_one(market: Market) -> None:
    path = f"/agents/{market.agent}/commission"
    half = {"numerator": 1, "denominator": 2}
    await market.api.call("PUT", path, json=half)

    own = await market.api.post(path + "/approve", half)
    whole = await market.keeper.call("PUT", path, json={"numerator": 2, "denominator": 2})

    assert (own.status, own.code, whole.status) == (403, "own_request", 400)


async def test_an_api_key_sells_for_an_agent_and_for_nothing_else(market: Market) -> None:
    wanted = {"name": "till", "scopes": ["vend"], "utility_id": market.town.utility}
    key = await market.api.made("/api-keys", wanted)
    large = await market.api.made("/api-keys", {**wanted, "scopes": ["vend", "customers:read"]})
    path = f"/agents/{market.agent}/sellers"

    unfit = await market.api.post(path, {"api_key_id": large["id"]})
    await market.api.made(path, {"api_key_id": key["id"]})
    await market.api.as_key(key["key"]).made("/vends", market.town.vend())

    assert (unfit.status, unfit.code) == (422, "key_unfit")
    assert await market.held() == 150_750


async def test_a_bound_operator_keeps_the_role_and_no_other_role_is_bound(market: Market) -> None:
    await market.person("cashier", "cashier")
    unfit = await market.api.post(f"/agents/{market.agent}/sellers", {"operator_id": await market.number("cashier")})
    seller = await market.number("seller")

    raised = await market.api.call("PUT", f"/operators/{seller}/role", json={"role": "cashier"})

    assert (unfit.code, raised.status, raised.code) == ("operator_unfit", 409, "operator_bound")


async def test_an_agent_is_closed_when_its_float_is_drawn(market: Market) -> None:
    path = f"/agents/{market.agent}/state"
    close = {"state": "closed", "reason": "moved away"}
    early = await market.keeper.call("PUT", path, json=close)
    await market.top_up(200_000, kind="withdrawal")

    closed = await market.keeper.call("PUT", path, json=close)
    back = await market.keeper.call("PUT", path, json={**close, "state": "active"})

    assert (early.code, closed.status, back.code) == ("float_left", 200, "agent_closed")
    assert await market.balances() == {}


async def test_who_is_bound_to_no_agent_sees_nobodys_sales(market: Market) -> None:
    fresh = await market.person("newcomer", "agent")

    answers = [await fresh.get("/vends"), await fresh.get("/agents"), await fresh.get("/float-requests")]
    answers.append(await fresh.post("/vends/search", {"drn": market.town.drn}))

    assert [answer.status for answer in answers] == [403] * 4
