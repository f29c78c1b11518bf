"""A purchase is found by the reference of the payment that made it."""

from tests.cloud.payments.paying import Paying
from tests.cloud.payments.test_vouchers import batch, redemption


async def test_the_reference_of_a_payment_leads_to_its_purchase(any_paying: Paying) -> None:
    code = (await batch(any_paying))["vouchers"][0]["code"]
    sold = await any_paying.api.made("/vouchers/redeem", redemption(any_paying, code))
    reference = (await any_paying.only())["reference"]

    found = (await any_paying.api.made("/vends/search", {"reference": reference}))["purchases"]
    other = (await any_paying.api.made("/vends/search", {"reference": reference + "9"}))["purchases"]

    assert [row["purchase_id"] for row in found] == [sold["purchase_id"]]
    assert (found[0]["tender_kind"], other) == ("voucher", [])
