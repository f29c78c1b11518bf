"""Late bills: reminders on their days, a trickle before a disconnection, an end to it when paid, all explained."""

from sqlalchemy import select

from cloud.accounts import refund_orders
from cloud.accounts import service as accounts
from cloud.accounts.models import Customer
from cloud.billing.models import ArrearsOrder
from cloud.commands import orders
from cloud.meters.models import Meter
from cloud.notify.models import Message
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, MONTH_BEGIN, Village
from tests.cloud.ledger.books import cases, verdicts
from tests.fakes.device import Device

JULY_31 = MONTH_BEGIN // DAY_S + 30


async def billed(village: Village) -> Device:
    """A meter with a bill of July, due on 15 August."""
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    return device


async def day(village: Village, device: Device, days: int) -> None:
    """Days on which supply is reviewed, and what was ordered is carried out."""
    for _ in range(days):
        village.days(device, 1, 1_000)
        await village.billing.review()
        await village.talk(device)


async def reminders(village: Village) -> list[str]:
    async with village.database.read() as session:
        found = select(Message.text).where(Message.kind == "bill_reminder").order_by(Message.id)
        return list(await session.scalars(found))


async def test_each_reminder_comes_once_on_its_day(village: Village) -> None:
    await village.decide_policy(trickle_days=None, disconnect_days=None)
    device = await billed(village)

    await day(village, device, 10)
    before = await reminders(village)
    await day(village, device, 1)
    at_first = await reminders(village)
    await day(village, device, 20)

    assert (len(before), len(at_first)) == (0, 1)
    told = await reminders(village)
    assert len(told) == 2 and "due on 2025-08-15" in told[0] and "were due" in told[1]


async def test_a_late_payer_is_put_on_a_trickle_then_disconnected_and_let_go_when_it_is_paid(village: Village) -> None:
    await village.decide_policy()
    device = await billed(village)
    seen: list[str] = []

    for _ in range(50):
        await day(village, device, 1)
        seen.append((await village.meter(device)).arrears)
    (bill,) = await village.bills()
    await village.pay(bill.total_minor, "all")
    await day(village, device, 1)

    assert (seen.index("trickle"), seen.index("disconnect")) == (23, 43)
    assert (await village.meter(device)).arrears == "none"
    assert not device.state.meters[0].has(kinds.MODE_TRICKLE | kinds.MODE_ARREARS)
    async with village.database.read() as session:
        orders = list(await session.scalars(select(ArrearsOrder.level).order_by(ArrearsOrder.id)))
    assert orders == ["trickle", "disconnect", "none"]
    modes = [found for found in await verdicts(village, device) if found.kind == kinds.MODE]
    assert [found.verdict for found in modes] == ["explained"] * 4
    assert "billing policy 1, by anna and ben" in modes[1].reason
    assert [case.detail for case in await cases(village, device)] == []


async def test_a_payment_before_the_day_keeps_supply(village: Village) -> None:
    await village.decide_policy()
    device = await billed(village)
    await day(village, device, 20)
    (bill,) = await village.bills()

    await village.pay(bill.total_minor - 99, "nearly all")
    await day(village, device, 8)

    assert (await village.meter(device)).arrears == "none"
    async with village.database.read() as session:
        assert (await session.scalars(select(ArrearsOrder))).all() == []


async def test_a_critical_need_is_never_limited(village: Village) -> None:
    village.mode = kinds.MODE_CREDIT | kinds.MODE_CRITICAL
    await village.decide_policy()
    device = await billed(village)

    await day(village, device, 45)

    assert (await village.meter(device)).arrears == "none"
    assert not device.state.meters[0].has(kinds.MODE_TRICKLE | kinds.MODE_ARREARS)


async def test_without_an_approved_policy_nothing_follows(village: Village) -> None:
    device = await billed(village)

    await day(village, device, 30)

    assert (await village.meter(device)).arrears == "none"
    assert await reminders(village) == []


async def test_a_gateway_out_of_reach_gets_the_order_again_until_it_is_carried_out(village: Village) -> None:
    await village.decide_policy()
    device = await billed(village)
    for _ in range(40):  # nothing is carried to the device
        village.days(device, 1, 1_000)
        await village.billing.review()
        await village.dispatcher.round()

    await day(village, device, 2)

    assert (await village.meter(device)).arrears == "trickle"
    assert [case.detail for case in await cases(village, device)] == []


async def test_what_a_person_limited_by_hand_stays_until_a_person_lets_it_go(village: Village) -> None:
    await village.decide_policy()
    device = await billed(village)
    (bill,) = await village.bills()
    await day(village, device, 25)
    await village.pay(bill.total_minor, "all")
    await day(village, device, 1)
    meter = await village.meter(device)
    by_hand = {"payment": "credit", "critical_need": False, "meter_group": 0, "reason": "a dispute"}
    async with village.database.begin() as session:
        order = await orders.mode(session, meter, arrears="trickle", **by_hand)  # type: ignore[arg-type]
        await orders.give(session, ANNA, order, village.now)

    await village.talk(device)

    await day(village, device, 3)

    assert (await village.meter(device)).arrears == "trickle"


async def test_money_on_the_account_pays_the_bill_before_supply_is_limited(village: Village) -> None:
    await village.decide_policy()
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.pay(1_000_000, "ahead")
    async with village.database.begin() as session:
        asked = await refund_orders.order(session, ANNA, village.customer, "KES", None, "r", 0, village.now)
    await village.run(JULY_31)
    async with village.database.begin() as session:
        await refund_orders.decline(session, ANNA, asked.id, village.now)

    await day(village, device, 45)

    (bill,) = await village.bills()
    assert (await village.meter(device)).arrears == "none"
    assert await village.holds(f"customer:{village.customer}") == bill.total_minor - 1_000_000
    await village.check()


async def test_a_critical_need_that_is_on_its_way_to_the_meter_is_not_overwritten(village: Village) -> None:
    await village.decide_policy()
    device = await billed(village)
    await day(village, device, 23)
    village.now += DAY_S // 2
    protected = {"payment": "credit", "critical_need": True, "meter_group": 0, "reason": "a machine that breathes"}
    async with village.database.begin() as session:
        order = await orders.mode(session, await village.meter(device), arrears="none", **protected)  # type: ignore[arg-type]
        await orders.give(session, ANNA, order, village.now)

    village.days(device, 1, 1_000)  # to the day on which the trickle falls due; nothing reached the meter before
    await village.billing.review()
    await village.talk(device)

    meter = await village.meter(device)
    assert (meter.critical_need, meter.arrears) == (True, "none")


async def test_one_customer_whose_review_fails_keeps_nobody_else_from_being_let_go(village: Village) -> None:
    await village.decide_policy()
    broken = await billed(village)
    first, village.customer = village.customer, await another_customer(village)
    device = await village.billed_device()
    village.mode |= kinds.MODE_CRITICAL
    async with village.database.begin() as session:  # protected by its ledger alone
        order = await orders.mode(
            session, await village.meter(broken), payment="credit", arrears="none", critical_need=True, meter_group=0,
            reason="protected",
        )  # fmt: skip
        await orders.give(session, ANNA, order, village.now)
    await village.talk(broken)
    async with village.database.begin() as session:
        meter = await session.get_one(Meter, (await village.meter(broken)).id)
        meter.mode &= ~kinds.MODE_CRITICAL
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31 + 32)

    await day(village, device, 30)

    assert first < village.customer
    assert (await village.meter(device)).arrears == "trickle"


async def another_customer(village: Village) -> int:
    async with village.database.begin() as session:
        customer = Customer(
            utility_id=village.utility, name="Ruth", phone="+254700000002", language="en", created_at=village.now
        )
        return (await accounts.add(session, ANNA, customer)).id
