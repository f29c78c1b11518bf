"""A meter's account by days, whose closing is the next opening, and bulk meters against the meters behind them."""

import pytest
from sqlalchemy import select, text

from cloud.db import Database
from cloud.meters.models import Meter
from cloud.reports import meter_days, posting, reconciliation
from cloud.reports.meter_days import DayOfMeter
from shared import kinds
from shared.civil import DAY_S
from tests.cloud.reports.ledgers import send
from tests.cloud.served import Api
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town

EVER = (0, 40_000)


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


async def days(town: Town, device: Device, channel: int, span: tuple[int, int] = EVER) -> list[DayOfMeter]:
    async with town.database.read() as session:
        mine = select(Meter).where(Meter.gateway_id == device.gateway, Meter.channel == channel)
        return list(await meter_days.days_of(session, (await session.scalars(mine)).one(), *span))


async def week(town: Town, device: Device, *volumes: tuple[int, ...]) -> None:
    """Days on which each channel consumes a volume."""
    for volumes_of_day in volumes:
        for channel, volume in enumerate(volumes_of_day):
            if volume:
                device.charge(channel, volume)
        await send(town, device)
        town.now += DAY_S
        device.clock_s = town.now
    await posting.post_all(town.database, town.utility, town.now, town.now)


async def test_each_day_begins_with_what_the_day_before_left(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)

    await week(town, device, (1_000,), (20,), (0,), (300,))

    found = await days(town, device, 0)
    assert [(one.opening, one.row.token, one.row.consumed, one.closing) for one in found] == [
        (0, 5_000_000, 1_000, 4_999_000),
        (4_999_000, 0, 20, 4_998_980),
        (4_998_980, 0, 300, 4_998_680),
    ]
    later = await days(town, device, 0, (found[1].row.day, found[1].row.day))
    assert [(one.opening, one.closing) for one in later] == [(4_999_000, 4_998_980)]


async def test_a_bulk_meter_that_counts_more_than_those_behind_it_is_listed(town: Town) -> None:
    device = await town.device(meters=3)
    async with town.database.begin() as session:
        await session.execute(text(f"UPDATE meter SET mode = {kinds.MODE_BULK} WHERE channel = 0"))

    await week(town, device, (9_000_000, 3_000_000, 4_000_000), (1_000_000, 500_000, 400_000))
    report = await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)

    assert [(item.code, item.subject, item.amount) for item in report.items] == [
        ("bulk_missing", f"gateway:{device.gateway}", 2_100_000)
    ]
    assert report.run.holds


async def test_small_differences_of_bulk_meters_are_no_news(town: Town) -> None:
    device = await town.device(meters=2)
    async with town.database.begin() as session:
        await session.execute(text(f"UPDATE meter SET mode = {kinds.MODE_BULK} WHERE channel = 0"))

    await week(town, device, (50_000_000, 48_000_000), (1_000_000, 2_000_000))

    report = await reconciliation.run(town.database, ADMIN, town.utility, None, town.now)
    assert report.items == []


async def test_days_are_asked_for_in_a_span_that_has_an_end(api: Api) -> None:
    town = await api.town()
    path = f"/meters/{town.drn}/days"

    empty = await api.get(path, first="2025-06-01", last="2025-06-30")
    wrong = await api.get(path, first="2025-06-30", last="2025-06-01")
    long = await api.get(path, first="2020-06-30", last="2025-06-01")

    assert empty.body == {"items": []}
    assert [(answer.status, answer.code) for answer in (wrong, long)] == [(400, "invalid_query")] * 2
