"""Bill runs over signed ledgers: priced from proven registers, once, released by another person, never edited."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cloud.billing import runs
from cloud.billing.document import Content
from cloud.billing.models import BillDraft
from cloud.errors import CloudError, Conflict, Forbidden, Refused
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.billing.village import ANNA, BEN, MONTH_BEGIN, Village, release_seen

JULY_1 = MONTH_BEGIN // DAY_S
JULY_31 = JULY_1 + 30


async def drafts(village: Village, run: int) -> list[BillDraft]:
    async with village.database.read() as session:
        return list(await session.scalars(select(BillDraft).where(BillDraft.run_id == run).order_by(BillDraft.id)))


async def test_a_month_is_billed_from_the_registers_of_the_ledger(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 1, 0)
    await village.month(device, 300_000)

    await village.run(JULY_31)

    (bill,) = await village.bills()
    content = Content.model_validate(bill.content)
    june, july = content.stretches
    assert (june.volume_ml, june.fixed_minor, june.total_minor) == (0, 100, 116)
    assert (july.volume_ml, july.from_day, july.until_day) == (9_300_000, JULY_1, JULY_31 + 1)
    assert [(block.volume_ml, block.amount_minor) for block in july.blocks] == [
        (6_000_000, 60_000),
        (3_300_000, 82_500),
    ]
    assert july.total_minor == 142_500 + 22_800 + 3_000 + 480
    assert (bill.number, bill.total_minor, bill.volume_ml) == (1, 168_896, 9_300_000)
    assert await village.holds(f"receivable:{village.customer}") == 168_896
    assert await village.holds("revenue:water") == -142_500
    assert await village.holds("tax:VAT") == -23_296
    assert await village.holds("billed:water") == -9_300_000
    await village.check()


async def test_the_same_run_again_bills_nothing_twice(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    run = await village.run(JULY_31)

    async with village.database.begin() as session:
        again = await runs.begin(session, ANNA, village.utility, 1, JULY_31, village.now)
        await runs.recount(session, ANNA, again.id, village.now)
    await village.billing.work_due()
    async with village.database.begin() as session:
        await release_seen(session, BEN, run, village.now)
    await village.billing.work_due()

    assert again.id == run
    assert len(await village.bills()) == 1
    await village.check()


async def test_a_second_month_goes_on_from_the_first(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    await village.run(JULY_31)
    await village.month(device, 100_000)

    await village.run(JULY_31 + 31)

    first, second = await village.bills()
    assert (second.from_day, second.from_register_ml) == (first.until_day, first.until_register_ml)
    assert (second.volume_ml, second.number, second.part) == (3_100_000, 2, 2)
    await village.check()


async def test_two_bills_of_one_month_share_its_blocks_and_fixed_charge(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 1, 0)
    await village.month(device, 400_000, days=15)
    await village.run(JULY_1 + 14)
    await village.month(device, 400_000, days=16)

    await village.run(JULY_31)

    parts = [part for bill in await village.bills() for part in Content.model_validate(bill.content).stretches]
    july = [part for part in parts if part.from_day >= JULY_1]
    assert [part.volume_ml for part in july] == [6_000_000, 6_400_000]
    assert [[block.number for block in part.blocks] for part in july] == [[1], [2]]
    assert sum(part.fixed_minor for part in july) == 3_000
    await village.check()


async def test_a_meter_whose_reading_has_not_come_is_listed_and_billed_when_it_has(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 32, 300_000)
    run = await village.run(JULY_31)
    (left_out,) = await drafts(village, run)

    await village.talk(device)
    async with village.database.begin() as session:
        await runs.recount(session, ANNA, run, village.now)
    await village.billing.work_due()
    async with village.database.begin() as session:
        await release_seen(session, BEN, run, village.now)
    await village.billing.work_due()

    assert left_out.code == "reading_missing" and left_out.reason is not None and "2025-07-31" in left_out.reason
    assert [bill.volume_ml for bill in await village.bills()] == [9_600_000]


async def test_a_gateway_that_was_off_at_midnight_is_billed_by_its_next_reading_and_says_so(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 30, 300_000)
    device.clock_s += 5 * DAY_S
    device.write(kinds.DAY, 0, detail=device.clock_s // DAY_S - 1, rule=kinds.RULE_DAY)
    village.now = device.clock_s + 60
    await village.talk(device)

    await village.run(JULY_31)

    (bill,) = await village.bills()
    last = Content.model_validate(bill.content).stretches[-1]
    assert (last.until_day, last.read_day) == (JULY_31 + 1, device.clock_s // DAY_S - 1)
    assert bill.volume_ml == 9_000_000


async def test_what_the_ledger_refutes_is_left_out(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 20, 300_000)
    register = device.state.meters[0].register + 5_000_000
    device.write(kinds.CHARGE, 0, register=register, rule=kinds.RULE_CONSUMPTION)
    await village.month(device, 300_000, days=12)

    run = await village.run(JULY_31)

    assert [draft.code for draft in await drafts(village, run)] == ["ledger_contradicted"]
    assert await village.bills() == []


async def test_a_class_that_counts_purchases_prices_no_bill(village: Village) -> None:
    village.billed = village.tariff
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)

    run = await village.run(JULY_31)

    assert [draft.code for draft in await drafts(village, run)] == ["basis_wrong"]


async def test_who_had_the_drafts_counted_does_not_release_them(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    run = await village.run(JULY_31, release=False)

    async with village.database.begin() as session:
        with pytest.raises(Forbidden) as refusal:
            await release_seen(session, ANNA, run, village.now)

    assert refusal.value.code == "own_request"
    assert await village.bills() == []


async def test_a_day_that_is_not_over_is_not_billed(village: Village) -> None:
    async with village.database.begin() as session:
        with pytest.raises(Refused) as refusal:
            await runs.begin(session, ANNA, village.utility, 1, village.now // DAY_S, village.now)

    assert refusal.value.code == "day_not_over"


async def test_a_credit_note_takes_the_newest_bill_back_and_the_days_are_billed_again(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    run = await village.run(JULY_31)
    (bill,) = await village.bills()
    await village.pay(50_000, "p1")

    note = await village.credit(bill.id)
    await village.check()

    assert (note.number, note.total_minor, note.corrects_id) == (2, -bill.total_minor, bill.id)
    assert await village.holds(f"receivable:{village.customer}") == 0
    assert await village.holds(f"customer:{village.customer}") == -50_000
    assert await village.holds("revenue:water") == await village.holds("tax:VAT") == 0
    async with village.database.begin() as session:
        await runs.recount(session, ANNA, run, village.now)
    await village.billing.work_due()
    async with village.database.begin() as session:
        await release_seen(session, BEN, run, village.now)
    await village.billing.work_due()
    again = (await village.bills())[-1]
    assert (again.total_minor, again.from_day, again.number) == (bill.total_minor, bill.from_day, 3)
    assert await village.holds(f"receivable:{village.customer}") == bill.total_minor - 50_000
    await village.check()


async def test_several_workers_issue_each_bill_once(village: Village) -> None:
    devices = [await village.billed_device() for _ in range(5)]
    for device in devices:
        village.days(device, 32, 100_000)
    for device in devices:
        await village.talk(device)
    run = await village.run(JULY_31, release=False)
    async with village.database.begin() as session:
        await release_seen(session, BEN, run, village.now)

    await asyncio.gather(*(village.billing.work_due() for _ in range(4)))

    found = await village.bills()
    assert sorted(bill.number for bill in found) == [1, 2, 3, 4, 5]
    assert len({bill.meter_id for bill in found}) == 5
    async with village.database.read() as session:
        assert await runs.due(session, runs.RELEASED) == [run]
    await village.check()


async def test_only_the_newest_bill_of_a_meter_is_taken_back_and_only_once(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    await village.run(JULY_31)
    await village.month(device, 300_000)
    await village.run(JULY_31 + 31)
    first, second = await village.bills()

    codes = [await refused(village, first.id)]
    note = await village.credit(second.id)
    codes += [await refused(village, second.id), await refused(village, note.id)]

    assert codes == ["bill_not_last", "bill_credited", "bill_credited"]
    await village.check()


async def refused(village: Village, bill_id: int) -> str:
    with pytest.raises(Conflict) as refusal:
        await village.credit(bill_id)
    return refusal.value.code


@pytest.mark.parametrize("verb", ["UPDATE bill SET total_minor = 0", "DELETE FROM bill_settlement"])
async def test_the_database_lets_nobody_change_a_bill(village: Village, verb: str) -> None:
    device = await village.billed_device()
    await village.month(device, 300_000, days=32)
    await village.run(JULY_31)
    await village.pay(1_000, "p1")

    with pytest.raises((DBAPIError, CloudError), match="append-only"):
        async with village.database.begin() as session:
            await session.execute(text(verb))
