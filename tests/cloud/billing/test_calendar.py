"""The calendar of bills: a cycle's run begins by itself on its day, once, and a person releases what they saw."""

import pytest
from sqlalchemy import select

from cloud.billing import calendar, runs
from cloud.billing.models import BillRun
from cloud.errors import CloudError
from shared.civil import DAY_S, Zone, day_of
from tests.cloud.billing.village import ANNA, BEN, MONTH_BEGIN, Village

JULY_31 = MONTH_BEGIN // DAY_S + 30


def at(month: int, day: int, hour: int) -> int:
    return int(day_of(2025, month, day)) * DAY_S + hour * 3600


async def set_day(village: Village, day: int | None, cycle: int = 1) -> None:
    async with village.database.begin() as session:
        await calendar.set_day(session, ANNA, village.utility, cycle, day, village.now)


async def begun(village: Village) -> list[BillRun]:
    """What there is when the calendar was looked at twice, and counted."""
    for _ in range(2):
        await village.billing.begin_due()
        await village.billing.work_due()
    async with village.database.read() as session:
        return list(await session.scalars(select(BillRun).order_by(BillRun.id)))


async def test_a_run_begins_in_the_morning_of_its_day_once_and_a_person_releases_it(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=2)
    await set_day(village, 1)
    await village.month(device, 100_000, days=30)
    village.now = at(8, 1, 5)
    early = await begun(village)
    village.now = at(8, 1, 6)

    (run,) = await begun(village)
    async with village.database.begin() as session:
        await runs.release(session, ANNA, run.id, run.content_sha256, village.now)
    await village.billing.work_due()

    (bill,) = await village.bills()
    assert early == []
    assert (run.state, run.through_day, run.made_by, run.made_by_id) == ("draft", JULY_31, "system:billing", None)
    assert (run.bills, run.left_out, run.totals) == (1, 0, {"KES": bill.total_minor})
    assert bill.until_day == JULY_31 + 1
    await village.check()


async def test_after_a_time_without_service_the_newest_day_that_was_missed_is_begun(village: Village) -> None:
    device = await village.billed_device()
    await set_day(village, 15)
    await village.month(device, 100_000, days=80)
    village.now = at(9, 20, 3)

    (run,) = await begun(village)
    async with village.database.begin() as session:
        await runs.release(session, BEN, run.id, run.content_sha256, village.now)
    await village.billing.work_due()

    (bill,) = await village.bills()
    assert run.through_day == int(day_of(2025, 9, 14))
    assert len(bill.content["stretches"]) == 4, "one for each month, June to September"
    assert [one.id for one in await begun(village)] == [run.id]


async def test_a_cycle_without_a_day_waits_for_a_person_and_another_cycle_has_no_meters(village: Village) -> None:
    device = await village.billed_device()
    await set_day(village, None)
    await set_day(village, 1, cycle=2)
    await village.month(device, 100_000, days=32)
    village.now = at(8, 1, 7)

    (run,) = await begun(village)

    assert (run.cycle, run.bills, run.state) == (2, 0, "draft")


async def test_a_meter_that_moves_to_another_cycle_is_billed_there_from_where_it_was(village: Village) -> None:
    device = await village.billed_device()
    await village.month(device, 100_000, days=32)
    await village.run(JULY_31)
    meter = await village.meter(device)
    async with village.database.begin() as session:
        await calendar.move(session, ANNA, meter.drn, 2, village.now)
    await village.month(device, 100_000, days=10)

    await village.run(JULY_31 + 5)
    await village.run(JULY_31 + 5, cycle=2)

    first, second = await village.bills()
    assert (second.from_day, second.from_register_ml) == (first.until_day, first.until_register_ml)
    await village.check()


async def test_who_releases_names_what_was_counted(village: Village) -> None:
    device = await village.billed_device()
    village.days(device, 32, 100_000)
    number = await village.run(JULY_31, release=False)
    async with village.database.read() as session:
        before = await runs.of_id(session, BEN, number)
    await village.talk(device)
    async with village.database.begin() as session:
        await runs.recount(session, ANNA, number, village.now)
    await village.billing.work_due()

    with pytest.raises(CloudError) as refused:
        async with village.database.begin() as session:
            await runs.release(session, BEN, number, before.content_sha256, village.now)

    assert (before.bills, before.left_out) == (0, 1), "its days had not been heard of"
    assert refused.value.code == "seen_differs" and "1 bills" in refused.value.message
    assert await village.bills() == []


@pytest.mark.parametrize(
    ("day", "now", "due"),
    [
        (1, at(8, 1, 5), (2025, 7, 1)),
        (1, at(8, 1, 6), (2025, 8, 1)),
        (28, at(3, 1, 0), (2025, 2, 28)),
        (15, at(1, 14, 12), (2024, 12, 15)),
    ],
)
def test_a_day_is_due_from_its_morning_on(day: int, now: int, due: tuple[int, int, int]) -> None:
    assert calendar.last_due(Zone(), day, now) == day_of(*due)
