"""However messages are lost, doubled and swapped, every hour ends as the gateway metered it, and as its ledger says."""

import random

from cloud.ledger.service import Ingest
from cloud.readings.rules import VERIFIED
from shared.readings import NOT_CLOSED
from tests.cloud.ledger.books import cases, quarantined
from tests.cloud.readings.uplink import DAY, HOUR, Link, close, message, record
from tests.fakes.utility import Town

DAYS = 20


async def test_a_bad_network_ends_with_every_hour_verified(town: Town, chance: random.Random) -> None:
    workers = [Ingest(town.database, town.key_store) for _ in range(2)]
    link = Link(town, workers[0], await town.device())
    truth, whole, up = [], [], []
    for day in range(DAYS):
        litres = [chance.choice((0, 1, 200, 20_000)) for _ in range(24)]
        truth += litres
        running = [record(litres[:known], NOT_CLOSED, HOUR + 24 * day) for known in (8, 16)]
        up += [message(link.device, packed, segment=0) for packed in running]
        packed = record(litres, DAY + day, HOUR + 24 * day)
        close(link.device, packed, sum(litres), day=DAY + day)
        whole.append(message(link.device, packed, segment=day + 1))
        up += [whole[-1], link.device.batch(max(1, link.device.sequence - 3))]

    for data in chance.choices(up, k=3 * len(up)):
        link.ingest = chance.choice(workers)
        await link.send(*chance.sample((data, chance.choice(up)), k=2))
    await link.send_ledger()
    await link.send(*whole)

    assert await link.hours() == [(hour, litres, VERIFIED) for hour, litres in enumerate(truth)]
    assert await cases(town, link.device) == [] and await quarantined(town, link.device) == []
