"""The nightly comparison with bills in it: months of bills, payments and switches hold, and a lost coin is listed."""

from sqlalchemy import delete

from cloud.auth.actor import system
from cloud.billing.models import OpenBill
from cloud.reports import reconciliation
from cloud.reports.reconciliation import Report
from shared.civil import DAY_S
from tests.cloud.billing.test_switching import prepaid, switch
from tests.cloud.billing.village import MONTH_BEGIN, Village

JULY_31 = MONTH_BEGIN // DAY_S + 30


async def reconcile(village: Village) -> Report:
    village.now += DAY_S
    return await reconciliation.run(village.database, system("test"), village.utility, None, village.now)


async def month_of_bills(village: Village) -> None:
    """A meter comes to bills, is billed for July, and half of it is paid."""
    device = await prepaid(village)
    await switch(village, device, "credit")
    await village.month(device, 400_000, days=32)
    await village.run(JULY_31)
    await village.pay(20_000, "half")


async def test_bills_payments_and_a_switch_hold(village: Village) -> None:
    await month_of_bills(village)

    report = await reconcile(village)

    assert [(line["section"], line["name"]) for line in report.run.lines if line["unexplained"]] == []
    assert [item.code for item in report.items] == []
    assert report.run.holds and "bills" in {line["section"] for line in report.run.lines}


async def test_an_open_bill_that_was_lost_is_listed(village: Village) -> None:
    await month_of_bills(village)
    async with village.database.begin() as session:
        await session.execute(delete(OpenBill))

    report = await reconcile(village)

    assert not report.run.holds
    owed = await village.holds(f"receivable:{village.customer}")
    assert ("receivable_differs", owed) in [(item.code, item.amount) for item in report.items]


async def test_back_to_prepayment_holds_too(village: Village) -> None:
    device = await prepaid(village)
    await switch(village, device, "credit")
    for number in range(2):
        await village.month(device, 100_000, days=31)
        await village.run(device.clock_s // DAY_S - 1)
        await village.pay(5_000, f"m{number}")
    await switch(village, device, "prepayment")
    sale = await village.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    await village.month(device, 10_000, days=3)

    report = await reconcile(village)

    assert report.run.holds
    assert [item.code for item in report.items] == []
