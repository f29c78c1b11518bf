"""The gateway's own readings against the cloud: hours that were metered are listed, and its ledger verifies them."""

import pytest
from sqlalchemy import select

from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest
from cloud.readings.models import HourlyReading
from cloud.readings.rules import RUNNING, VERIFIED
from tests.cloud.ledger.books import cases
from tests.cloud.ledger.test_with_gateway import Link, connected
from tests.fakes.utility import Town

HOUR_S = 3600


@pytest.fixture
async def link(town: Town, ingest: Ingest) -> Link:
    """A gateway whose one meter has credit, and whose clock stands at a midnight of UTC."""
    made = await connected(town, ingest)
    made.house.type((await made.sell()).digits)
    made.house.step(86400 - made.house.clock.time_s % 86400, 10000)
    return made


async def use(link: Link, *litres: int) -> None:
    """An hour each, at the start of which water flows."""
    for flowed in litres:
        link.house.flow(flowed)
        link.house.step(HOUR_S, 100000)
        link.town.now = max(link.town.now, link.house.clock.time_s)


async def send_readings(link: Link) -> int:
    """Carry messages of readings until none is due; how many there were."""
    count = 0
    while data := link.house.gateway.messages.readings.due(link.house.now_ms):
        await link._carry(data)
        count += 1
    return count


async def hours(link: Link) -> list[tuple[int, int]]:
    """(litres, proof) of each hour."""
    async with link.town.database.read() as session:
        rows = (await session.scalars(select(HourlyReading).order_by(HourlyReading.hour))).all()
    assert [row.hour for row in rows] == list(range(rows[0].hour, rows[0].hour + len(rows)))
    return [(row.volume_ml // 1000, row.proof) for row in rows]


async def test_hours_go_up_while_the_day_runs_and_are_verified_when_it_is_over(link: Link) -> None:
    await link.talk()
    await send_readings(link)
    await use(link, 3, 0, 12)
    await link.talk()
    await send_readings(link)
    running = (await hours(link))[-3:]

    await use(link, *([1] * 21), 40)
    await link.talk()
    await send_readings(link)

    assert running == [(3, RUNNING), (0, RUNNING), (12, RUNNING)]
    assert (await hours(link))[-25:] == [(litres, VERIFIED) for litres in [3, 0, 12, *([1] * 21)]] + [(40, RUNNING)]
    assert [case.detail for case in await cases(link.town, link.known)] == []
    assert [name for name in link.house.flash.names() if name.startswith("rseg")] == []


async def test_weeks_without_a_link_arrive_whole(link: Link) -> None:
    await link.talk()
    await send_readings(link)

    await use(link, *reversed(range(24)), *([2, 2, 0] * 160))
    await link.talk()
    await send_readings(link)

    found = (await hours(link))[-21 * 24 :]
    assert found == [(litres, VERIFIED) for litres in [*reversed(range(24)), *([2, 2, 0] * 160)]]
    assert [case.detail for case in await cases(link.town, link.known)] == []


async def test_an_answer_that_is_lost_changes_nothing(link: Link) -> None:
    await use(link, *([2, 0] * 12))
    await link.talk()
    lost = link.house.gateway.messages.readings.due(link.house.now_ms)
    await link.ingest.process([Message(link.known.gateway, lost, link.town.now)], link.town.now)
    before = await hours(link)
    link.house.now_ms += HOUR_S * 1000

    await send_readings(link)

    assert (await hours(link))[: len(before)] == before
    assert [case.detail for case in await cases(link.town, link.known)] == []
    assert link.house.gateway.messages.readings.due(link.house.now_ms) == b""
