"""Money that buys no token: kept on the account, or listed with the reason, and never lost."""

from tests.cloud.payments.paying import Paying
from tests.cloud.served import new_drn


async def test_a_payment_that_is_too_small_is_kept_on_the_account_and_pays_the_next_purchase(
    any_paying: Paying,
) -> None:
    town = any_paying.town
    any_paying.fake.pay("stripe", town.drn, 999)
    await any_paying.settle()
    kept = await any_paying.only()
    any_paying.fake.pay("mpesa", town.drn, 100_001)

    await any_paying.settle()

    assert (kept["state"], kept["used_for"]) == ("used", f"account:{town.customer}")
    (vend,) = await any_paying.vends()
    receipt = (await any_paying.api.get(f"/vends/{vend['purchase_id']}")).body
    assert (receipt["amount_minor"], receipt["from_account_minor"]) == (101_000, 999)
    texts = [one["text"] for one in (await any_paying.api.get("/messages")).body["items"]]
    assert any("9.99 KES" in text for text in texts)
    assert (await any_paying.api.get(f"/books/{town.utility}")).body["holds"]


async def test_a_payment_that_is_too_small_for_a_meter_without_a_customer_waits_with_the_reason(paying: Paying) -> None:
    drn = new_drn()
    await paying.api.made("/meters", paying.town.meter(channel=1, drn=drn, customer_id=None))
    paying.fake.pay("stripe", drn, 1)

    await paying.settle()

    payment = await paying.only()
    assert payment["state"] == "listed" and payment["code"] in ("purchase_too_small", "meter_not_enrolled")
    assert await paying.vends() == []


async def test_a_payment_that_is_kept_pays_its_share_of_a_debt_within_the_months_cap(any_paying: Paying) -> None:
    town, api = any_paying.town, any_paying.api
    owed = {"customer_id": town.customer, "currency": "KES", "principal_minor": 900, "reason": "r"}
    debt = (await api.made("/debts", {**owed, "percent": 50, "month_cap_minor": 400}))["id"]
    for amount in (600, 400):
        any_paying.fake.pay("stripe", town.drn, amount)
        await any_paying.settle()

    trial = await api.made("/trial-vends", {"drn": town.drn, "currency": "KES", "money_minor": 100_000})

    account = (await api.get(f"/books/{town.utility}")).body
    held = {one["code"]: one["balance"] for one in account["accounts"]}
    assert account["holds"]
    assert (held[f"debt:{town.customer}"], held[f"customer:{town.customer}"]) == (900 - 400, -(600 + 400 - 400))
    assert trial["from_account_minor"] == 600 and trial["statement"]["payment_debt_minor"] == 0, trial["statement"]
    (plan,) = [one for one in (await api.get("/debts")).body["items"] if one["id"] == debt]
    assert plan["paid_minor"] == 400
    texts = [one["text"] for one in (await api.get("/messages")).body["items"]]
    assert any("3.00" in text and "6.00 KES" in text for text in texts)


async def test_the_last_share_closes_the_debt_and_no_more_is_taken(any_paying: Paying) -> None:
    town, api = any_paying.town, any_paying.api
    owed = {"customer_id": town.customer, "currency": "KES", "principal_minor": 250, "reason": "r", "percent": 50}
    await api.made("/debts", owed)

    any_paying.fake.pay("stripe", town.drn, 900)
    await any_paying.settle()

    (debt,) = (await api.get("/debts")).body["items"]
    held = {one["code"]: one["balance"] for one in (await api.get(f"/books/{town.utility}")).body["accounts"]}
    assert (debt["paid_minor"], debt["closed_at"] is not None) == (250, True)
    assert held[f"customer:{town.customer}"] == -650


async def test_a_payment_in_another_currency_is_listed_and_can_be_returned(paying: Paying) -> None:
    paid = paying.fake.pay("stripe", paying.town.drn, 50_000)
    paying.fake.letters[0].body["data"]["object"]["currency"] = "usd"
    await paying.settle()
    payment = await paying.only()

    answer = await paying.api.post(f"/payments/{payment['id']}/refund", {"reference": paid.reference})

    assert (payment["state"], payment["currency"]) == ("listed", "USD") and "KES" in payment["reason"]
    assert answer.body["state"] in ("refunding", "refunded")
    assert await paying.vends() == []
