"""A gateway that floods, with signatures that are right, hurts only itself."""

from cloud.ledger.messages import Message
from cloud.ledger.pace import Allowance, Pace
from cloud.ledger.service import TOO_MUCH, Ingest
from tests.cloud.ledger.books import cases, entries, quarantined
from tests.fakes.device import Device
from tests.fakes.utility import Town

HOUR_S = 3600


def worker(town: Town) -> Ingest:
    return Ingest(town.database, town.key_store, Pace(Allowance(burst=40, per_hour=10)))


def charged(device: Device, count: int) -> None:
    while device.sequence < count:
        device.charge(0, 10)


async def send(town: Town, ingest: Ingest, device: Device, first: int, last: int, after_s: int = 0) -> int:
    """Send a part of the ledger; return how many answers came."""
    data = device.batch(first, last)
    outcome = await ingest.process([Message(device.gateway, data, town.now)], town.now + after_s)
    assert not outcome.later
    return len(outcome.replies)


async def test_what_is_above_the_limit_is_not_taken_in_until_time_has_passed(town: Town) -> None:
    device, ingest = await town.device(), worker(town)
    charged(device, 80)

    taken = [await send(town, ingest, device, first, first + 19) for first in (1, 21, 41)]
    soon = await send(town, ingest, device, 41, 60, after_s=HOUR_S // 10 - 1)
    later = await send(town, ingest, device, 41, 60, after_s=HOUR_S // 10)

    assert (taken, soon, later) == ([1, 1, 0], 0, 1)
    assert [row.body for row in await entries(town, device)] == device.entries[:60]
    assert await quarantined(town, device) == []


async def test_another_gateway_of_the_same_fetch_is_not_delayed(town: Town) -> None:
    flooding, other, ingest = await town.device(), await town.device(), worker(town)
    charged(flooding, 80)
    await send(town, ingest, flooding, 1, 40)

    both = [
        Message(flooding.gateway, flooding.batch(41, 60), town.now),
        Message(other.gateway, other.batch(), town.now),
    ]
    outcome = await ingest.process(both, town.now)

    assert [reply.gateway for reply in outcome.replies] == [other.gateway]
    assert len(await entries(town, other)) == other.sequence


async def test_a_flood_is_one_case_an_hour_of_the_gateways_utility(town: Town) -> None:
    device, ingest = await town.device(), worker(town)
    charged(device, 80)
    for first in (1, 40):
        await send(town, ingest, device, first, first + 38)

    for after_s in (0, 1, HOUR_S - 1):
        await send(town, ingest, device, 41, 60, after_s)
    (case,) = await cases(town, device)
    assert (case.kind, case.times, case.utility_id) == (TOO_MUCH, 1, town.utility)

    await send(town, ingest, device, 41, 60, HOUR_S)
    assert [one.times for one in await cases(town, device)] == [2]


async def test_the_same_batch_over_and_over_is_a_flood_too(town: Town) -> None:
    device, ingest = await town.device(), worker(town)
    charged(device, 20)

    answers = [await send(town, ingest, device, 1, 20) for _ in range(4)]

    assert answers == [1, 1, 0, 0]


def test_a_gateway_that_owes_nothing_has_the_whole_burst_however_long_it_was_away() -> None:
    pace = Pace(Allowance(burst=40, per_hour=10))
    pace.spend(7, 60, now=0)

    assert not pace.has_room(7, now=2 * HOUR_S)
    assert pace.has_room(7, now=2 * HOUR_S + HOUR_S // 10)
    pace.spend(7, 39, now=100 * HOUR_S)
    assert pace.has_room(7, now=100 * HOUR_S)
    pace.spend(7, 1, now=100 * HOUR_S)
    assert not pace.has_room(7, now=100 * HOUR_S)


def test_a_clock_that_is_set_back_neither_gives_nor_takes() -> None:
    pace = Pace(Allowance(burst=40, per_hour=10))
    pace.spend(7, 45, now=10 * HOUR_S)

    assert not pace.has_room(7, now=0)
    assert not pace.has_room(7, now=HOUR_S // 2)
    assert pace.has_room(7, now=HOUR_S)
