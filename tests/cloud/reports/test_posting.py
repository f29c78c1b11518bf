"""What meters consume comes into the books, once, and what the books owe to meters is what their ledgers say."""

import pytest
from sqlalchemy import select

from cloud.api.fields import PageQuery
from cloud.books import reports
from cloud.db import Database
from cloud.ledger.models import LedgerHead
from cloud.meters.models import Meter
from cloud.reports import posting
from cloud.reports.consumption import net
from cloud.reports.models import MeterDay, MeterPosition
from shared import kinds
from shared.civil import DAY_S
from shared.state import from_bytes
from tests.cloud.reports.ledgers import send
from tests.fakes.device import Device
from tests.fakes.utility import ADMIN, Town


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility in a fresh database of each kind."""
    return await Town(any_database).found()


def pass_days(town: Town, device: Device, days: int) -> None:
    town.now += days * DAY_S
    device.clock_s = town.now


async def close(town: Town) -> int:
    return await posting.post_all(town.database, town.utility, town.now + 1, town.now)


async def volumes(town: Town) -> dict[str, int]:
    async with town.database.read() as session:
        found = await reports.trial_balance(session, ADMIN, town.utility)
    assert not any(reports.left_over(found).values())
    return {one.account.code: one.balance for one in found if one.account.unit == "ml" and one.balance}


async def days(town: Town) -> list[MeterDay]:
    async with town.database.read() as session:
        return list(await session.scalars(select(MeterDay).order_by(MeterDay.meter_id, MeterDay.day)))


async def agree(town: Town) -> None:
    """Each position is the state that the ledger proves."""
    async with town.database.read() as session:
        for row in await session.scalars(select(MeterPosition)):
            head = await session.get_one(LedgerHead, (row.gateway_id, row.epoch))
            state = from_bytes(head.state).meters[row.channel]
            assert (net(posting.state_of(row)), row.register) == (net(state), state.register)


async def test_what_a_meter_charged_leaves_its_credit_for_consumed(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.charge(0, 1_200_000)
    await send(town, device)

    await close(town)

    assert await volumes(town) == {
        "issued:water": 5_000_000,
        "meter_credit:water": -3_800_000,
        "consumed:water": -1_200_000,
    }
    (day,) = await days(town)
    assert (day.token, day.consumed, day.volume_ml, day.free_ml) == (5_000_000, 1_200_000, 1_200_000, 0)
    await agree(town)


async def test_a_repeat_posts_nothing_and_what_is_late_is_a_further_entry_of_its_day(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.charge(0, 1_000)
    await send(town, device)
    await close(town)
    assert await close(town) == 0
    device.charge(0, 500)
    pass_days(town, device, 1)
    device.charge(0, 70)
    await send(town, device)

    await close(town)
    await close(town)

    found = await days(town)
    assert [(row.consumed, row.token) for row in found] == [(1_500, 5_000_000), (70, 0)]
    async with town.database.read() as session:
        entries = await reports.entries(session, ADMIN, PageQuery(limit=100))
    keys = [shown.entry.key for shown in entries if shown.entry.kind == "consumption"]
    assert len(keys) == len(set(keys)) == 3
    assert (await volumes(town))["consumed:water"] == -1_570
    await agree(town)


async def test_only_what_arrived_before_the_end_of_the_day_is_posted(town: Town) -> None:
    device = await town.device()
    device.charge(0, 10)
    await send(town, device)

    assert await posting.post_all(town.database, town.utility, town.now, town.now) == 0
    assert await posting.post_all(town.database, town.utility, town.now + 1, town.now) == device.sequence


async def test_credit_that_nothing_explains_stands_by_itself(town: Town) -> None:
    device = await town.device()
    device.token(0, 1_000_000, 5_000_000)
    device.charge(0, 1_000)
    await send(town, device)

    await close(town)

    assert await volumes(town) == {
        "unexplained:water": 5_000_000,
        "meter_credit:water": -4_999_000,
        "consumed:water": -1_000,
    }
    await agree(town)


async def test_a_new_device_goes_on_with_what_the_meter_held_and_nothing_is_posted_twice(town: Town) -> None:
    device = await town.device(meters=2)
    sale = await town.sell(device, 1)
    device.token(1, sale.vend.tid, sale.vend.volume_ml)
    device.charge(1, 1_000)
    device.charge(0, 700)  # owed
    await send(town, device)
    await close(town)
    before = await volumes(town)
    successor = await town.enrol(device.gateway, Device())
    await send(town, successor)

    await close(town)

    assert await volumes(town) == before
    assert successor.balance(1) == 4_999_000
    successor.charge(1, 9_000)
    await send(town, successor)
    await close(town)
    assert (await volumes(town))["consumed:water"] == -10_700
    await agree(town)


async def test_what_nobody_pays_for_is_shown_and_moves_no_credit(town: Town) -> None:
    device = await town.device()
    volume = device.state.meters[0].register + 40_000
    device.write(kinds.CHARGE, 0, register=volume, rule=kinds.RULE_NOT_COLLECTED)
    await send(town, device)

    await close(town)

    (day,) = await days(town)
    assert (day.volume_ml, day.free_ml, day.consumed) == (40_000, 40_000, 0)
    assert await volumes(town) == {}


async def test_a_meter_that_is_handed_over_holds_nothing_more(town: Town) -> None:
    device = await town.device()
    sale = await town.sell(device)
    device.token(0, sale.vend.tid, sale.vend.volume_ml)
    device.charge(0, 1_000)
    await send(town, device)
    async with town.database.begin() as session:
        vend = await session.merge(sale.vend)
        meter = await session.get_one(Meter, vend.meter_id)
        held = await posting.hand_over(session, meter, town.now)
        again = await posting.hand_over(session, meter, town.now)

    assert (held, again) == (4_999_000, 0)
    (day,) = await days(town)
    assert day.carried == -held
    device.charge(0, 2_000)
    await send(town, device)
    await close(town)
    assert [row.consumed for row in await days(town)] == [3_000]
    await agree(town)
