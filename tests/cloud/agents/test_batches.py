"""What a shop pays for vouchers is in the books, and their face is owed until they are redeemed."""

import asyncio
from typing import Any

import pytest

from cloud.keys import DATABASE
from cloud.reports import reconciliation
from tests.cloud.agents.market import Market
from tests.cloud.conftest import ALL
from tests.cloud.served import START, Api


@pytest.fixture
async def market(any_api: Api) -> Market:
    """A town with an agent who earns 3/200 and has 200 000 minor units."""
    return await Market(any_api, await any_api.town()).found()


async def batch(market: Market) -> Any:
    order = {"utility_id": market.town.utility, "count": 2, "amount_minor": 50_000, "currency": "KES"}
    return await market.api.made("/voucher-batches", {**order, "expires_at": START + 86_400})


def sale(**changes: Any) -> dict[str, Any]:
    return {"sold_to": "Duka", "paid_by": "cash", "price_minor": 100_000, "reference": "invoice 1", **changes}


async def test_vouchers_that_were_sold_and_redeemed_leave_nothing_owed(market: Market) -> None:
    made = await batch(market)
    path = f"/voucher-batches/{made['batch']['id']}/sale"
    sold = await market.api.made(path, sale())
    owed = (await market.balances())["clearing:voucher"]
    for voucher in made["vouchers"]:
        await market.api.made("/vouchers/redeem", {"code": voucher["code"], "drn": market.town.drn})

    balances = await market.balances()
    assert (sold["state"], sold["face_minor"], owed) == ("sold", 100_000, -100_000)
    assert "clearing:voucher" not in balances and "commissions" not in balances
    assert (balances["cash"], (await market.api.get(path)).body["sold_to"]) == (100_000, "Duka")
    assert (await market.api.post(path, sale())).code == "batch_sold"


async def test_vouchers_below_their_face_wait_for_another_person(market: Market) -> None:
    path = f"/voucher-batches/{(await batch(market))['batch']['id']}/sale"
    asked = await market.api.made(path, sale(price_minor=90_000))
    own = await market.api.post(path + "/approve", None)
    before = await market.balances()
    await market.approver.made(path + "/approve", None)

    balances = await market.balances()
    assert (asked["state"], own.code, "clearing:voucher" in before) == ("waiting", "own_request", False)
    assert (balances["cash"], balances["commissions"], balances["clearing:voucher"]) == (90_000, 10_000, -100_000)


async def test_an_agent_buys_vouchers_from_its_float_for_what_its_commission_leaves(market: Market) -> None:
    by_float = {"paid_by": "float", "agent_id": market.agent}
    first, second = [(await batch(market))["batch"]["id"] for _ in range(2)]
    cheap = await market.api.made(f"/voucher-batches/{first}/sale", sale(**by_float, price_minor=98_499))
    await market.api.made(f"/voucher-batches/{first}/sale/decline", None)

    sold = await market.api.made(f"/voucher-batches/{first}/sale", sale(**by_float, price_minor=98_500))
    await market.seller.made("/vends", market.town.vend())
    late = await market.api.post(f"/voucher-batches/{second}/sale", sale(**by_float, price_minor=98_500))

    assert (cheap["state"], sold["state"], late.code) == ("waiting", "sold", "float_exceeded")
    assert await market.held() == 200_000 - 98_500 - 50_000 + 750
    assert (await market.balances())["commissions"] == 1_500 + 750


async def test_a_batch_that_ended_or_a_price_above_the_face_is_refused(market: Market) -> None:
    made = (await batch(market))["batch"]["id"]
    dear = await market.api.post(f"/voucher-batches/{made}/sale", sale(price_minor=100_001))
    await market.api.made(f"/voucher-batches/{made}/stop", None)

    ended = await market.api.post(f"/voucher-batches/{made}/sale", sale())

    assert (dear.code, ended.code) == ("price_wrong", "batch_ended")
    assert (await market.api.get(f"/voucher-batches/{made}/sale")).code == "batch_unsold"


@pytest.mark.parametrize("how", ["returned", "kept"])
async def test_vouchers_that_nobody_redeemed_are_returned_or_kept_when_the_batch_is_over(
    market: Market, how: str
) -> None:
    made = await batch(market)
    path = f"/voucher-batches/{made['batch']['id']}"
    await market.api.made(path + "/sale", sale(paid_by="float", agent_id=market.agent, price_minor=98_501))
    await market.api.made("/vouchers/redeem", {"code": made["vouchers"][0]["code"], "drn": market.town.drn})
    early = await market.approver.post(path + "/sale/end", {"how": how})
    await market.api.made(path + "/stop", None)
    own = await market.api.post(path + "/sale/end", {"how": how})

    await market.approver.made(path + "/sale/end", {"how": how})

    again = await market.approver.post(path + "/sale/end", {"how": how})
    balances = await market.balances()
    assert (early.code, own.code, again.code) == ("batch_open", "own_request", "batch_open")
    assert "clearing:voucher" not in balances
    assert await market.held() == 200_000 - 98_501 + (49_250 if how == "returned" else 0)
    assert balances["commissions"] == (1_499 - 750 if how == "returned" else 1_499)
    assert balances.get("vouchers_expired", 0) == (0 if how == "returned" else -50_000)
    assert await floats_reconcile(market)


async def floats_reconcile(market: Market) -> bool:
    """Tell whether the day's reconciliation finds every float explained."""
    market.api.clock.time += 5 * 86_400
    app = market.api.client.app
    assert app is not None
    report = await reconciliation.run(app[DATABASE], ALL, market.town.utility, None, market.api.clock.now())
    assert "agents" in {line["section"] for line in report.run.lines}
    return not [item for item in report.items if item.section == "agents"]


async def test_redemptions_beside_the_end_of_a_batch_leave_nothing_twice(market: Market) -> None:
    made = await batch(market)
    path = f"/voucher-batches/{made['batch']['id']}"
    await market.api.made(path + "/sale", sale())
    market.api.clock.time = START + 86_400 - 1
    codes = [{"code": one["code"], "drn": market.town.drn} for one in made["vouchers"]]
    redeemed = asyncio.gather(*(market.api.post("/vouchers/redeem", code) for code in codes))
    await market.api.made(path + "/stop", None)
    ended = await market.approver.post(path + "/sale/end", {"how": "kept"})

    sold = sum(answer.status == 200 for answer in await redeemed)

    balances = await market.balances()
    assert ended.status == 200 and "clearing:voucher" not in balances
    assert balances.get("vouchers_expired", 0) == -50_000 * (2 - sold)


async def test_a_batch_that_was_stopped_meanwhile_is_not_let_go(market: Market) -> None:
    number = (await batch(market))["batch"]["id"]
    path = f"/voucher-batches/{number}/sale"
    await market.api.made(path, sale(price_minor=90_000))
    await market.api.made(f"/voucher-batches/{number}/stop", None)

    answer = await market.approver.post(path + "/approve", None)

    assert (answer.status, answer.code) == (422, "batch_ended")
    assert "clearing:voucher" not in await market.balances()
