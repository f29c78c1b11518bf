"""Providers that tell nothing are asked: money taken back, pushes whose answer was lost. Doubles are flagged."""

from typing import Any

import pytest

from cloud.payments.lookback import Lookback
from cloud.payments.rules import LOOK_AGAIN_S
from tests.cloud.payments.paying import Paying

HOUR_S = 3600


def lookback(paying: Paying) -> Lookback:

    return paying.worker.lookback


async def look(paying: Paying, wait_s: int) -> int:
    """Let time pass and ask; what M-Pesa answers is delivered."""
    paying.api.clock.time += wait_s
    asked = await lookback(paying).round()
    letters, paying.fake.letters = paying.fake.letters, []
    await paying.send(*letters)
    return asked


@pytest.mark.parametrize("provider", ["flutterwave", "mpesa"])
async def test_money_that_was_taken_back_silently_is_noticed(any_paying: Paying, provider: str) -> None:
    paid = any_paying.fake.pay(provider, any_paying.town.drn, 50_000)
    await any_paying.settle()
    any_paying.fake.take_back(paid)

    await look(any_paying, HOUR_S)

    payment = await any_paying.only()
    assert (payment["state"], payment["code"], payment["reversed_minor"]) == ("disputed", "reversed", 50_000)
    books = (await any_paying.api.get(f"/books/{any_paying.town.utility}")).body
    balance = {row["code"]: row["balance"] for row in books["accounts"]}
    assert books["holds"] and balance["chargebacks"] == 50_000


@pytest.mark.parametrize("provider", ["flutterwave", "mpesa"])
async def test_a_payment_that_stays_is_asked_about_a_few_times_only(paying: Paying, provider: str) -> None:
    paying.fake.pay(provider, paying.town.drn, 50_000)
    await paying.settle()

    asked = [await look(paying, HOUR_S) for _ in range(31 * 24)]

    assert sum(asked) == len(LOOK_AGAIN_S)
    assert (await paying.only())["state"] == "vended"


async def test_a_provider_that_is_away_is_asked_again_soon(paying: Paying) -> None:
    paid = paying.fake.pay("flutterwave", paying.town.drn, 50_000)
    await paying.settle()
    paying.fake.take_back(paid)
    paying.fake.fail_next = 1

    await look(paying, HOUR_S)
    before = await paying.only()
    await look(paying, 900)

    assert (before["state"], (await paying.only())["state"]) == ("vended", "disputed")


async def test_a_refund_of_ours_is_not_taken_for_a_loss(paying: Paying) -> None:
    paid = paying.fake.pay("flutterwave", "nobody", 50_000)
    await paying.settle()
    payment = await paying.only()
    paying.app_limit = None
    await paying.api.made(f"/payments/{payment['id']}/refund", {"reference": "r"})
    approver = await paying.api.person("a@b.example", scopes=["payments:approve"])
    await approver.made(f"/payments/{payment['id']}/refund/approve", None)
    paying.fake.take_back(paid)

    await look(paying, 31 * 24 * HOUR_S)

    assert (await paying.only())["state"] == "refunded"


async def _push(paying: Paying) -> tuple[int, dict[str, Any]]:
    order = {"channel": "paybill", "drn": paying.town.drn, "phone": "+254708374149", "amount_minor": 50_000}
    asked = await paying.api.made("/push-requests", order)
    return asked["id"], paying.fake.pushes[-1]


async def _state(paying: Paying, number: int) -> dict[str, Any]:
    return dict((await paying.api.get(f"/push-requests/{number}")).body)


async def test_a_push_that_was_declined_and_whose_callback_was_lost_ends(any_paying: Paying) -> None:
    number, push = await _push(any_paying)
    any_paying.fake.end_push(push, paid=False)
    any_paying.fake.letters.clear()

    await look(any_paying, 120)

    assert (await _state(any_paying, number))["state"] == "ended"


async def test_a_push_that_still_rings_is_asked_about_later(paying: Paying) -> None:
    number, push = await _push(paying)
    await look(paying, 120)
    before = (await _state(paying, number))["state"]
    paying.fake.end_push(push, paid=False)
    paying.fake.letters.clear()

    await look(paying, 900)

    assert (before, (await _state(paying, number))["state"]) == ("sent", "ended")


async def test_a_push_whose_callback_was_lost_finds_its_payment_by_the_confirmation(any_paying: Paying) -> None:
    number, push = await _push(any_paying)
    paid = any_paying.fake.end_push(push, paid=True)
    assert paid is not None
    any_paying.fake.letters.clear()
    await look(any_paying, 120)
    any_paying.fake.letters.append(any_paying.fake.told(paid))
    await any_paying.settle()

    await look(any_paying, 900)

    found = await _state(any_paying, number)
    assert (found["state"], found["reference"]) == ("paid", paid.reference)
    assert len(await any_paying.vends()) == 1
    assert (await any_paying.api.get("/cases", state="open")).body["items"] == []


async def test_a_push_that_was_paid_without_any_payment_is_a_case(paying: Paying) -> None:
    number, push = await _push(paying)
    paying.fake.end_push(push, paid=True)
    paying.fake.letters.clear()

    await look(paying, 120)
    await look(paying, 900)

    (case,) = (await paying.api.get("/cases", state="open")).body["items"]
    assert case["kind"] == "push_without_payment" and f"push request {number} " in case["detail"]


async def test_a_callback_that_comes_late_still_counts(paying: Paying) -> None:
    number, push = await _push(paying)
    paid = paying.fake.end_push(push, paid=True)
    assert paid is not None
    late, paying.fake.letters = paying.fake.letters, []
    await look(paying, 120)

    await paying.send(*late)
    await paying.settle()

    assert (await _state(paying, number))["reference"] == paid.reference
    assert len(await paying.vends()) == 1


async def test_a_second_payment_while_the_first_is_stuck_is_flagged_and_both_are_sold(any_paying: Paying) -> None:
    any_paying.fake.pay("mpesa", any_paying.town.drn, 50_000)
    await any_paying.send(*any_paying.fake.letters)
    any_paying.fake.letters.clear()
    any_paying.api.clock.time += 600
    any_paying.fake.pay("stripe", any_paying.town.drn, 50_000)

    await any_paying.settle()

    first, second = sorted(await any_paying.payments(), key=lambda one: one["id"])
    assert [one["state"] for one in (first, second)] == ["vended", "vended"]
    assert (first["double_of"], second["double_of"]) == (None, first["id"])
    (flagged,) = (await any_paying.api.get("/payments", state="double")).body["items"]
    assert flagged["id"] == second["id"]
    texts = [one["text"] for one in (await any_paying.api.get("/messages")).body["items"]]
    assert sum("deux fois" in text for text in texts) == 1


async def test_a_second_payment_is_no_double_when_the_first_arrived_or_differs_or_is_long_ago(paying: Paying) -> None:
    from cloud.keys import CARRIERS, CLOCK, DATABASE, KEY_STORE
    from cloud.notify.delivery import Outbox

    paying.fake.pay("stripe", paying.town.drn, 50_000)
    await paying.settle()
    paying.fake.pay("stripe", paying.town.drn, 60_000)
    await paying.settle()
    await Outbox(paying.app[DATABASE], paying.app[KEY_STORE], paying.app[CARRIERS], paying.app[CLOCK]).deliver_due()
    paying.api.clock.time += 60
    paying.fake.pay("stripe", paying.town.drn, 60_000)
    await paying.settle()
    paying.api.clock.time += 1801
    paying.fake.pay("stripe", paying.town.drn, 60_000)

    await paying.settle()

    assert [one["double_of"] for one in await paying.payments()] == [None] * 4


async def test_money_that_we_gave_back_while_the_provider_was_asked_is_no_loss(any_paying: Paying) -> None:
    any_paying.fake.pay("flutterwave", "nobody", 50_000)
    await any_paying.settle()
    payment = await any_paying.only()
    path = f"/payments/{payment['id']}"
    await any_paying.api.made(f"{path}/refund", {"reference": "re_1"})
    second = await any_paying.api.person("second@example", "approver")
    await second.made(f"{path}/refund/approve", None)

    await lookback(any_paying)._looked(payment["id"], 50_000)  # the answer to a question that was put before

    assert (await any_paying.only())["state"] == "refunded"
    books = (await any_paying.api.get(f"/books/{any_paying.town.utility}")).body
    assert "chargebacks" not in {row["code"] for row in books["accounts"] if row["balance"]}
