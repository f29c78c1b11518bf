"""Payments for a meter that is billed: its bills have them, once, and nobody makes tokens of them."""

import pytest

from tests.cloud.billing.walked import credit_class
from tests.cloud.payments.paying import Paying
from tests.cloud.served import new_drn


async def billed_meter(paying: Paying, **changes: object) -> str:
    tariff = await credit_class(paying.api, paying.town)
    drn = new_drn()
    meter = {"channel": 1, "drn": drn, "payment": "credit", "tariff_id": tariff, **changes}
    await paying.api.made("/meters", paying.town.meter(**meter))
    return drn


@pytest.mark.parametrize("provider", ["stripe", "flutterwave", "mpesa"])
async def test_it_pays_bills_and_what_none_needs_stays_on_the_account(any_paying: Paying, provider: str) -> None:
    drn = await billed_meter(any_paying)
    paid = any_paying.fake.pay(provider, drn, 70_000)

    await any_paying.settle()
    await any_paying.send(any_paying.fake.told(paid), any_paying.fake.told(paid))
    await any_paying.settle()

    payment = await any_paying.only()
    assert (payment["state"], payment["purchase_id"]) == ("used", None)
    (row,) = (await any_paying.api.get("/bill-payments")).body["items"]
    assert (row["key"], row["amount_minor"], row["kept_minor"]) == (f"payment:{payment['id']}", 70_000, 70_000)
    assert await any_paying.vends() == []
    books = (await any_paying.api.get("/books/1")).body
    assert books["holds"]
    held = {account["code"]: account["balance"] for account in books["accounts"]}
    assert held[f"customer:{any_paying.town.customer}"] == -70_000 and held["suspense"] == 0


async def test_for_a_meter_without_a_customer_it_waits_for_a_person(paying: Paying) -> None:
    drn = await billed_meter(paying, customer_id=None)
    paying.fake.pay("stripe", drn, 70_000)

    await paying.settle()

    assert [(one["state"], one["code"]) for one in await paying.payments()] == [("listed", "no_customer")]
