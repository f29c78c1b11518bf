"""From money to tokens: each payment is sold for once, or stands in the queue, whatever its messages do."""

import asyncio

import pytest

from cloud.payments.rules import purchase_id
from tests.cloud.payments.paying import Paying
from tests.cloud.served import new_drn
from tests.fakes.provider import PATH_SECRET, Letter


@pytest.mark.parametrize("provider", ["stripe", "flutterwave", "mpesa"])
async def test_a_payment_becomes_tokens_and_a_message(any_paying: Paying, provider: str) -> None:
    paid = any_paying.fake.pay(provider, any_paying.town.drn, 50_000)

    await any_paying.settle()

    payment = await any_paying.only()
    assert (payment["state"], payment["drn"]) == ("vended", any_paying.town.drn)
    assert payment["purchase_id"] == purchase_id(provider, paid.reference)
    (vend,) = await any_paying.vends()
    assert (vend["purchase_id"], vend["volume_ml"]) == (payment["purchase_id"], 5_000_000)
    assert len((await any_paying.api.get("/messages")).body["items"]) == 1


async def test_messages_that_come_twenty_times_at_once_sell_once(any_paying: Paying) -> None:
    paid = any_paying.fake.pay("stripe", any_paying.town.drn, 50_000)
    letters = [any_paying.fake.told(paid) for _ in range(20)]  # each with an event id of its own

    statuses = await asyncio.gather(*(any_paying.send(letter) for letter in letters))
    await asyncio.gather(*(any_paying.worker.work_due() for _ in range(3)))
    await any_paying.settle()

    assert all(status == [200] for status in statuses)
    assert (await any_paying.only())["state"] == "vended"
    assert len(await any_paying.vends()) == 1


async def test_what_is_left_over_stays_for_the_next_payment(paying: Paying) -> None:
    for amount in (50_999, 50_001):  # 0.1 m3 cost 1000
        paying.fake.pay("stripe", paying.town.drn, amount)
        await paying.settle()

    assert [vend["volume_ml"] for vend in await paying.vends()] == [5_000_000, 5_100_000]


async def test_a_meter_number_may_be_typed_with_spaces_and_dashes(paying: Paying) -> None:
    drn = paying.town.drn
    paying.fake.pay("stripe", f" {drn[:4]}-{drn[4:7]} {drn[7:]}", 50_000)

    await paying.settle()

    assert (await paying.only())["state"] == "vended"


async def test_a_customer_number_stands_for_their_only_meter(paying: Paying) -> None:
    paying.fake.pay("stripe", f"C{paying.town.customer}", 50_000)
    await paying.settle()
    await paying.api.made("/meters", paying.town.meter(channel=1, drn=new_drn()))
    paying.fake.pay("stripe", f"c{paying.town.customer}", 50_000)
    await paying.settle()

    assert [one["code"] for one in await paying.payments()] == [None, "account_unknown"]


async def test_a_payment_for_nobody_waits_and_is_assigned(any_paying: Paying) -> None:
    any_paying.fake.pay("mpesa", "invoice 8", 50_000)
    await any_paying.settle()
    listed = (await any_paying.api.get("/payments", state="waiting")).body["items"]
    assert [(one["state"], one["code"]) for one in listed] == [("listed", "account_unknown")]

    await any_paying.api.made(f"/payments/{listed[0]['id']}/assign", {"drn": any_paying.town.drn})
    await any_paying.settle()

    assert (await any_paying.only())["state"] == "vended"
    assert (await any_paying.api.get("/payments", state="waiting")).body["items"] == []


async def test_a_meter_of_another_utility_is_not_sold_to(paying: Paying) -> None:
    other = await paying.api.town()
    paying.fake.pay("stripe", other.drn, 50_000)
    await paying.settle()
    payment = await paying.only()

    answer = await paying.api.post(f"/payments/{payment['id']}/assign", {"drn": other.drn})

    assert (payment["code"], answer.status, answer.code) == ("account_unknown", 422, "other_utility")


async def test_a_refund_needs_two_people_and_the_books_then_hold_nothing(any_paying: Paying) -> None:
    api = any_paying.api
    any_paying.fake.pay("stripe", "nobody", 50_000)
    await any_paying.settle()
    path = f"/payments/{(await any_paying.only())['id']}"

    asked = await api.made(f"{path}/refund", {"reference": "re_1"})
    own = await api.post(f"{path}/refund/approve")
    second = await api.person("second@b.example", scopes=["payments:approve", "payments:read"])
    done = await second.made(f"{path}/refund/approve", None)

    assert (asked["state"], own.code) == ("refunding", "own_request")
    assert (done["state"], done["refund_reference"]) == ("refunded", "re_1")
    assert await balances(any_paying) == {}


async def test_a_declined_refund_goes_back_to_the_queue(paying: Paying) -> None:
    paying.fake.pay("stripe", "nobody", 50_000)
    await paying.settle()
    path = f"/payments/{(await paying.only())['id']}"
    await paying.api.made(f"{path}/refund", {"reference": "re_1"})

    declined = await paying.api.made(f"{path}/refund/decline", None)

    assert (declined["state"], declined["refund_reference"]) == ("listed", None)


async def test_money_that_is_here_cannot_be_closed_away(paying: Paying) -> None:
    paying.fake.pay("stripe", "nobody", 50_000)
    await paying.settle()
    path = f"/payments/{(await paying.only())['id']}"

    answer = await paying.api.post(f"{path}/close", {"note": "n"})

    assert (answer.status, answer.code) == (422, "money_here")


async def test_a_sold_payment_can_neither_be_assigned_nor_returned(paying: Paying) -> None:
    paying.fake.pay("stripe", paying.town.drn, 50_000)
    await paying.settle()
    path = f"/payments/{(await paying.only())['id']}"

    for what, body in (("assign", {"drn": paying.town.drn}), ("refund", {"reference": "r"}), ("close", {"note": "n"})):
        assert (await paying.api.post(f"{path}/{what}", body)).code == "payment_state"


@pytest.mark.parametrize("provider", ["flutterwave", "mpesa"])
async def test_a_forged_message_buys_nothing_and_can_be_closed(paying: Paying, provider: str) -> None:
    forged = paying.fake.pay(provider, paying.town.drn, 50_000)
    del paying.fake.paid[forged.reference]

    await paying.settle()

    payment = await paying.only()
    assert (payment["state"], payment["code"], await paying.vends()) == ("listed", "not_confirmed", [])
    path = f"/payments/{payment['id']}"
    refused = await paying.api.post(f"{path}/refund", {"reference": "r"})
    closed = await paying.api.made(f"{path}/close", {"note": "not on the statement"})
    assert (refused.code, closed["state"]) == ("not_verified", "void")


@pytest.mark.parametrize("provider", ["flutterwave", "mpesa"])
async def test_a_wrong_amount_waits_and_sells_for_what_was_paid(paying: Paying, provider: str) -> None:
    paying.fake.pay(provider, paying.town.drn, 50_000, lie=90_000)
    await paying.settle()
    payment = await paying.only()
    assert (payment["state"], payment["code"], payment["amount_minor"]) == ("listed", "amount_differs", 50_000)

    await paying.api.made(f"/payments/{payment['id']}/assign", {"drn": paying.town.drn})
    await paying.settle()

    assert [vend["volume_ml"] for vend in await paying.vends()] == [5_000_000]


async def test_two_amounts_under_one_reference_wait_for_a_person(paying: Paying) -> None:
    paid = paying.fake.pay("stripe", paying.town.drn, 50_000)
    paying.fake.letters.append(paying.fake.told(paid, 60_000))

    await paying.settle()

    payment = await paying.only()
    assert (payment["state"], payment["code"]) == ("listed", "contradicted")


async def test_money_taken_back_before_the_sale_buys_nothing(paying: Paying) -> None:
    paid = paying.fake.pay("stripe", paying.town.drn, 50_000)
    paying.fake.take_back(paid)

    await paying.settle()

    assert ((await paying.only())["state"], await paying.vends()) == ("refunded", [])
    assert await balances(paying) == {}


async def test_money_taken_back_that_is_told_of_first_buys_nothing(paying: Paying) -> None:
    paid = paying.fake.pay("stripe", paying.town.drn, 50_000)
    paying.fake.take_back(paid)
    paying.fake.letters.reverse()

    await paying.settle()

    assert ((await paying.only())["state"], await paying.vends()) == ("void", [])


async def test_money_taken_back_after_the_sale_is_a_dispute_and_a_loss(paying: Paying) -> None:
    paid = paying.fake.pay("stripe", paying.town.drn, 50_000)
    await paying.settle()
    paying.fake.take_back(paid)
    await paying.settle()

    payment = await paying.only()
    assert (payment["state"], payment["code"]) == ("disputed", "reversed")
    assert (await balances(paying))["chargebacks"] == 50_000
    closed = await paying.api.made(f"/payments/{payment['id']}/close", {"note": "written off"})
    assert closed["state"] == "vended"


async def test_a_provider_that_is_down_is_asked_again(paying: Paying) -> None:
    paying.fake.pay("flutterwave", paying.town.drn, 50_000)
    paying.fake.fail_next = 3

    await paying.settle()

    assert ((await paying.only())["state"], len(paying.fake.asked)) == ("vended", 4)


async def test_an_answer_of_m_pesa_that_never_comes_is_asked_for_again(paying: Paying) -> None:
    paying.fake.pay("mpesa", paying.town.drn, 50_000)
    await paying.send(*paying.fake.letters)
    paying.fake.letters.clear()
    await paying.worker.work_due()
    paying.fake.letters.clear()  # the answer is lost

    await paying.settle()

    assert ((await paying.only())["state"], len(paying.fake.asked)) == ("vended", 2)


async def test_a_phone_is_asked_and_its_payment_buys(paying: Paying) -> None:
    order = {"channel": "paybill", "drn": paying.town.drn, "phone": "+254708374149", "amount_minor": 50_000}

    asked = await paying.api.made("/push-requests", order)
    paying.fake.end_push(paying.fake.pushes[0], paid=True)
    await paying.settle()

    ended = (await paying.api.get(f"/push-requests/{asked['id']}")).body
    payment = await paying.only()
    assert (asked["state"], ended["state"], ended["reference"]) == ("sent", "paid", payment["reference"])
    assert (payment["state"], payment["drn"]) == ("vended", paying.town.drn)
    assert paying.fake.pushes[0]["PhoneNumber"] == "254708374149"


async def test_a_push_that_is_told_of_twice_in_two_ways_is_one_payment(paying: Paying) -> None:
    order = {"channel": "paybill", "drn": paying.town.drn, "phone": "+254708374149", "amount_minor": 50_000}
    await paying.api.made("/push-requests", order)
    paid = paying.fake.end_push(paying.fake.pushes[0], paid=True)
    assert paid is not None
    paying.fake.letters.insert(0, paying.fake.told(paid))

    await paying.settle()

    assert (await paying.only())["state"] == "vended"
    assert len(await paying.vends()) == 1


async def test_a_push_that_is_refused_or_cancelled_ends_without_a_payment(paying: Paying) -> None:
    order = {"channel": "paybill", "drn": paying.town.drn, "phone": "+254708374149", "amount_minor": 50_000}
    asked = await paying.api.made("/push-requests", order)
    paying.fake.end_push(paying.fake.pushes[0], paid=False)
    await paying.settle()
    paying.fake.fail_next = 1
    down = await paying.api.post("/push-requests", order)
    cents = await paying.api.post("/push-requests", {**order, "amount_minor": 150})
    nowhere = await paying.api.post("/push-requests", {**order, "channel": "cards"})

    assert (await paying.api.get(f"/push-requests/{asked['id']}")).body["state"] == "ended"
    assert [one.code for one in (down, cents, nowhere)] == ["provider_down", "whole_shillings", "channel_unknown"]
    assert await paying.payments() == []


async def test_access_tokens_are_kept_until_they_end(paying: Paying) -> None:
    for _ in range(3):
        paying.fake.pay("mpesa", paying.town.drn, 50_000)
    await paying.settle()
    assert paying.fake.tokens_given == 1

    paying.api.clock.time += 3600
    paying.fake.pay("mpesa", paying.town.drn, 50_000)
    await paying.settle()

    assert paying.fake.tokens_given == 2


async def test_stages_have_their_times_and_a_stuck_payment_is_an_alarm(paying: Paying) -> None:
    paying.fake.pay("flutterwave", paying.town.drn, 50_000)
    await paying.send(*paying.fake.letters)
    paying.fake.letters.clear()
    path = f"/payments/{(await paying.only())['id']}"
    in_time = (await paying.api.get(path)).body
    paying.api.clock.time += 1000

    late = (await paying.api.get(path)).body
    alarms = [await paying.worker.raise_alarms() for _ in range(2)]
    await paying.settle()
    sold = (await paying.api.get(path)).body

    assert (in_time["stage"], in_time["stuck_s"]) == ("received", 0)
    assert (late["stage"], late["stuck_s"], alarms) == ("received", 1000, [1, 0])
    assert (sold["stage"], sold["stuck_s"]) == ("vended", 0)


async def test_no_secret_and_no_payer_stands_in_the_log(paying: Paying, capsys: pytest.CaptureFixture[str]) -> None:
    letter = Letter(f"/webhooks/paybill/{PATH_SECRET}/confirmation", {"MSISDN": "254708374149"}, "mpesa")
    await paying.send(letter)
    paying.fake.pay("mpesa", "nobody", 50_000)
    await paying.settle()

    said = "".join(capsys.readouterr())
    assert "payment needs a person" in said
    assert PATH_SECRET not in said and "254708374149" not in said


async def balances(paying: Paying) -> dict[str, int]:
    """Balances of the books in money, by account, without those at zero."""
    body = (await paying.api.get(f"/books/{paying.town.utility}")).body
    assert body["holds"]
    found = {row["code"]: row["balance"] for row in body["accounts"] if row["unit"] == "KES"}
    return {code: balance for code, balance in found.items() if balance}
