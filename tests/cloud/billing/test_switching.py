"""A meter's way between prepayment and bills: two people, the ledger's proof, and the account settled both ways."""

import pytest

from cloud.billing import switching
from cloud.billing.switch_models import ModeSwitch
from cloud.billing.switching import Wanted
from cloud.commands import approval, orders
from cloud.commands.orders import Limits
from cloud.errors import CloudError
from shared import command_results, kinds
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, BEN, MONTH_BEGIN, Village
from tests.cloud.ledger.books import cases, verdicts
from tests.fakes.device import Device

JULY_31 = MONTH_BEGIN // DAY_S + 30


async def prepaid(village: Village) -> Device:
    """A prepaid meter that took in 5 m3 for 500.00 and has 3 m3 of them left."""
    village.mode = 0
    device = await village.device()
    await village.talk(device)
    sale = await village.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.drive(0)
    device.charge(0, 2_000_000)
    await village.talk(device)
    return device


async def switch(village: Village, device: Device, payment: str) -> int:
    """Ask, approve, and carry it out as far as the device answers."""
    meter = await village.meter(device)
    tariff = village.billed if payment == "credit" else village.tariff
    async with village.database.begin() as session:
        asked = await switching.ask(session, ANNA, meter.drn, Wanted(payment, tariff, 1, "wished"), village.now)
    async with village.database.begin() as session:
        await switching.approve(session, BEN, asked.id, village.now)
    for _ in range(4):
        await village.talk(device)
        await village.billing.work_due()
    return asked.id


async def of_id(village: Village, number: int) -> ModeSwitch:
    async with village.database.read() as session:
        return await session.get_one(ModeSwitch, number)


async def test_to_credit_the_credit_left_is_worth_what_was_paid_for_it(village: Village) -> None:
    device = await prepaid(village)

    number = await switch(village, device, "credit")

    done = await of_id(village, number)
    assert (done.state, done.credit_ml, done.value_minor) == ("done", 3_000_000, 30_000)
    assert device.balance(0) == 0 and device.state.meters[0].has(kinds.MODE_CREDIT)
    assert await village.holds(f"customer:{village.customer}") == -30_000
    meter = await village.meter(device)
    assert (meter.payment, meter.tariff_id) == ("credit", village.billed)
    assert {found.verdict for found in await verdicts(village, device)} == {"explained"}
    assert [case.detail for case in await cases(village, device)] == []
    await village.check()


async def test_the_credit_of_before_pays_the_first_bill(village: Village) -> None:
    device = await prepaid(village)
    await switch(village, device, "credit")
    await village.month(device, 100_000, days=32)

    await village.run(JULY_31)

    (bill,) = await village.bills()
    assert bill.from_register_ml == 2_000_000
    used = min(bill.total_minor, 30_000)
    assert await village.holds(f"receivable:{village.customer}") == bill.total_minor - used
    assert await village.holds(f"customer:{village.customer}") == -(30_000 - used)
    await village.check()


async def test_what_was_owed_at_the_meter_is_in_the_first_bill(village: Village) -> None:
    device = await prepaid(village)
    device.charge(0, 3_000_000)
    owed, meter = 700_000, await village.meter(device)
    async with village.database.begin() as session:
        order = await orders.adjustment(session, meter, "accumulated_debt", owed, "r", Limits(owed, 0))
        await orders.give(session, ANNA, order, village.now)
    await village.talk(device)
    assert device.state.meters[0].pots[kinds.ACCUMULATED_DEBT] == owed

    number = await switch(village, device, "credit")
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)

    done = await of_id(village, number)
    assert (done.state, done.credit_ml, done.value_minor) == ("done", -owed, 0)
    (bill,) = await village.bills()
    assert bill.volume_ml == bill.until_register_ml - bill.from_register_ml + owed
    assert not any(device.state.meters[0].pots)
    await village.check()


async def test_nothing_is_billed_before_the_switch_is_settled(village: Village) -> None:
    device = await prepaid(village)
    meter = await village.meter(device)
    async with village.database.begin() as session:
        wanted = Wanted("credit", village.billed, 1, "wished")
        asked = await switching.ask(session, ANNA, meter.drn, wanted, village.now)
        await switching.approve(session, BEN, asked.id, village.now)
    await village.talk(device)
    village.days(device, 32, 100_000)
    while device.acknowledged < device.sequence:
        await village._carry(device, device.batch())

    await village.run(JULY_31)

    assert await village.bills() == []


async def test_to_prepayment_the_last_bill_goes_up_to_the_switch(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    village.days(device, 9, 100_000)
    device.charge(0, 40_000)

    number = await switch(village, device, "prepayment")

    first, last = await village.bills()
    assert (await of_id(village, number)).state == "done"
    assert (last.volume_ml, last.until_register_ml) == (940_000, device.state.meters[0].register)
    assert last.content["final"] and last.from_day == first.until_day
    assert last.content["stretches"][-1]["fixed_minor"] == 0  # the first purchase of August takes it
    assert (await village.meter(device)).tariff_id == village.tariff
    assert await village.holds(f"receivable:{village.customer}") == first.total_minor + last.total_minor
    await village.month(device, 0, days=31)
    await village.run(JULY_31 + 31)
    assert len(await village.bills()) == 2
    await village.check()


async def test_there_and_back_and_there_again_every_litre_is_paid_once(village: Village) -> None:
    device = await prepaid(village)
    await switch(village, device, "credit")
    await village.month(device, 100_000, days=20)
    await switch(village, device, "prepayment")
    sale = await village.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    village.days(device, 5, 100_000)
    await village.talk(device)
    await switch(village, device, "credit")
    await village.month(device, 100_000, days=10)

    await village.run(device.clock_s // DAY_S - 1)

    first, second = await village.bills()
    assert (first.volume_ml, second.volume_ml) == (2_000_000, 1_000_000)
    assert second.from_register_ml == first.until_register_ml + 500_000
    await village.check()


@pytest.mark.parametrize(
    ("payment", "tariff", "code"),
    [("prepayment", "tariff", "payment_same"), ("credit", "tariff", "basis_wrong"), ("credit", "none", "not_found")],
)
async def test_what_cannot_be_is_refused(village: Village, payment: str, tariff: str, code: str) -> None:
    device = await prepaid(village)
    meter = await village.meter(device)
    number = village.tariff if tariff == "tariff" else 10**6

    async with village.database.begin() as session:
        with pytest.raises(CloudError) as refusal:
            await switching.ask(session, ANNA, meter.drn, Wanted(payment, number, 1, "r"), village.now)

    assert refusal.value.code == code


async def test_a_switch_takes_two_people_and_one_at_a_time(village: Village) -> None:
    device = await prepaid(village)
    meter = await village.meter(device)
    wanted = Wanted("credit", village.billed, 1, "r")
    async with village.database.begin() as session:
        asked = await switching.ask(session, ANNA, meter.drn, wanted, village.now)

    with pytest.raises(CloudError) as own:
        async with village.database.begin() as session:
            await switching.approve(session, ANNA, asked.id, village.now)
    with pytest.raises(CloudError) as second:
        async with village.database.begin() as session:
            await switching.ask(session, BEN, meter.drn, wanted, village.now)

    assert (own.value.code, second.value.code) == ("own_request", "switch_open")


async def test_credit_that_was_given_is_worth_nothing_and_none_is_refunded_twice(village: Village) -> None:
    device = await prepaid(village)
    await switch(village, device, "credit")
    await switch(village, device, "prepayment")
    meter = await village.meter(device)
    async with village.database.begin() as session:
        order = await orders.adjustment(session, meter, "token_credit", 900_000, "gift", Limits(10**9, 0))
        await orders.give(session, ANNA, order, village.now)
    await village.talk(device)
    assert device.balance(0) == 900_000

    number = await switch(village, device, "credit")

    done = await of_id(village, number)
    assert (done.state, done.credit_ml, done.value_minor) == ("done", 900_000, 0)
    assert await village.holds("returned:water") == -3_900_000
    await village.check()


async def test_a_mode_that_the_gateway_refuses_ends_the_switch_and_changes_nothing(village: Village) -> None:
    device = await prepaid(village)
    village.refuses = command_results.NO_POLICY

    number = await switch(village, device, "credit")

    failed = await of_id(village, number)
    assert failed.state == "failed" and failed.note is not None and "refused" in failed.note
    meter = await village.meter(device)
    assert (meter.payment, meter.tariff_id) == ("prepayment", village.tariff)
    assert device.balance(0) == 3_000_000
    assert await village.holds(f"customer:{village.customer}") == 0


async def test_an_adjustment_that_is_refused_is_given_again_hours_later(village: Village) -> None:
    device = await prepaid(village)
    meter = await village.meter(device)
    async with village.database.begin() as session:
        wanted = Wanted("credit", village.billed, 1, "r")
        asked = await switching.ask(session, ANNA, meter.drn, wanted, village.now)
        await switching.approve(session, BEN, asked.id, village.now)
    await village.talk(device)
    village.refuses = command_results.OVER_LIMIT
    for _ in range(5):
        await village.billing.work_due()
        await village.talk(device)
    refused = device.state.command_counter
    village.refuses = 0

    village.now += 7 * 3600
    for _ in range(3):
        await village.billing.work_due()
        await village.talk(device)

    assert refused == 2
    done = await of_id(village, asked.id)
    assert (done.state, done.value_minor) == ("done", 30_000)
    await village.check()


async def test_a_critical_need_that_is_on_its_way_stays_when_the_mode_is_switched(village: Village) -> None:
    device = await prepaid(village)
    protected = {"payment": "prepayment", "critical_need": True, "meter_group": 0, "reason": "a machine that breathes"}
    async with village.database.begin() as session:
        order = await orders.mode(session, await village.meter(device), arrears="none", **protected)  # type: ignore[arg-type]
        await orders.give(session, ANNA, order, village.now)

    await switch(village, device, "credit")

    meter = await village.meter(device)
    assert (meter.payment, meter.critical_need) == ("credit", True)


async def test_a_request_for_another_mode_is_not_approved_after_a_switch(village: Village) -> None:
    device = await prepaid(village)
    protected = {"payment": "prepayment", "critical_need": True, "meter_group": 0, "reason": "a machine that breathes"}
    async with village.database.begin() as session:
        order = await orders.mode(session, await village.meter(device), arrears="none", **protected)  # type: ignore[arg-type]
        await orders.give(session, ANNA, order, village.now)
    await village.talk(device)
    async with village.database.begin() as session:
        less = {**protected, "critical_need": False}
        order = await orders.mode(session, await village.meter(device), arrears="none", **less)  # type: ignore[arg-type]
        asked = await orders.give(session, ANNA, order, village.now)
    await switch(village, device, "credit")

    with pytest.raises(CloudError) as refused:
        async with village.database.begin() as session:
            await approval.approve(session, BEN, asked.id, village.now)

    assert refused.value.code == "switched_since"
    assert (await village.meter(device)).payment == "credit"
