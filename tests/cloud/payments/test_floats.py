"""A payment that names an agent is in its float, once; who cannot take it leaves it to a person."""

import asyncio
from typing import Any

from tests.cloud.agents.market import Market
from tests.cloud.payments.paying import Paying
from tests.cloud.payments.test_payments import balances

_MAPPING = {"date": "d", "amount": "a", "text": "t", "reference": "r"}


async def market_of(paying: Paying) -> Market:
    return await Market(paying.api, paying.town).found(held_minor=0)


async def statement(paying: Paying, *lines: str) -> None:
    order = {"channel": "bank", "format": "csv", "currency": "KES", "mapping": _MAPPING}
    await paying.api.made("/bank-statements", {**order, "content": "d,a,t,r\n" + "\n".join(lines) + "\n"})


async def only(paying: Paying) -> Any:
    await paying.settle()
    return await paying.only()


async def test_a_deposit_at_the_bank_tops_the_float_up_once(any_paying: Paying) -> None:
    market = await market_of(any_paying)
    line = f"2025-06-15,700.00,A{market.agent},77"
    await statement(any_paying, line)
    await statement(any_paying, line)

    payment = await only(any_paying)

    assert (payment["state"], payment["used_for"]) == ("used", f"agent:{market.agent}")
    assert await market.held() == 70_000
    assert await balances(any_paying) == {"clearing:bank_transfer": 70_000, f"agent:{market.agent}": -70_000}


async def test_a_payment_told_of_many_times_at_once_tops_up_once(any_paying: Paying) -> None:
    market = await market_of(any_paying)
    paid = any_paying.fake.pay("stripe", f"a{market.agent}", 70_000)
    await asyncio.gather(*(any_paying.send(any_paying.fake.told(paid)) for _ in range(6)))
    await asyncio.gather(*(any_paying.worker.work_due() for _ in range(3)))

    payment = await only(any_paying)

    assert (payment["state"], await market.held()) == ("used", 70_000)


async def test_a_deposit_for_nobody_is_listed_and_a_person_says_whose_it_is(any_paying: Paying) -> None:
    market = await market_of(any_paying)
    await statement(any_paying, "2025-06-15,700.00,A999,77")
    listed = await only(any_paying)

    await any_paying.api.made(f"/payments/{listed['id']}/float", {"agent_id": market.agent})
    again = await any_paying.api.post(f"/payments/{listed['id']}/float", {"agent_id": market.agent})

    assert (listed["state"], listed["code"], again.status) == ("listed", "agent_unknown", 409)
    assert ((await any_paying.only())["state"], await market.held()) == ("used", 70_000)


async def test_a_deposit_that_a_person_told_of_is_not_counted_again(paying: Paying) -> None:
    market = await market_of(paying)
    await market.top_up(70_000, reference="77")
    await statement(paying, f"2025-06-15,700.00,A{market.agent},77")

    payment = await only(paying)

    assert (payment["state"], payment["code"], await market.held()) == ("listed", "float_topped_up", 70_000)


async def test_a_deposit_that_came_as_a_payment_is_not_told_of_by_hand_again(any_paying: Paying) -> None:
    market = await market_of(any_paying)
    await statement(any_paying, f"2025-06-15,700.00,A{market.agent},77")
    await only(any_paying)

    again = await market.ask(70_000, reference="77")

    assert (again.status, again.code, await market.held()) == (409, "reference_used", 70_000)


async def test_money_that_is_taken_back_after_the_top_up_is_a_loss_and_a_case(paying: Paying) -> None:
    market = await market_of(paying)
    paid = paying.fake.pay("stripe", f"A{market.agent}", 70_000)
    await only(paying)
    paying.fake.take_back(paid)
    await paying.settle()

    payment = await paying.only()

    assert (payment["state"], payment["code"], await market.held()) == ("disputed", "reversed", 70_000)
    assert (await balances(paying))["chargebacks"] == 70_000
