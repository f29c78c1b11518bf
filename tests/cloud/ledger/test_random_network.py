"""Whatever network and workers do, the cloud's copy ends equal to the device's ledger, and every litre adds up."""

import random
from dataclasses import dataclass, field

from sqlalchemy import func, select

from cloud.ledger.messages import Message
from cloud.ledger.models import LedgerEntry
from cloud.ledger.service import Ingest
from shared import kinds
from tests.cloud.ledger.books import cases, entries, head, quarantined, verdicts
from tests.fakes.device import Device
from tests.fakes.utility import Town

_STEPS = 150


@dataclass
class Network:
    """Loses, doubles, delays and swaps messages of both directions, as chance has it."""

    chance: random.Random
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)

    def put(self, line: list[bytes], data: bytes) -> None:
        """Send."""
        for _ in range(self.chance.choice((0, 1, 1, 1, 2))):
            line.insert(self.chance.randint(max(0, len(line) - 3), len(line)), data)

    def take(self, line: list[bytes]) -> list[bytes]:
        """What arrives now."""
        count = self.chance.randint(0, len(line))
        arrived, line[:] = line[:count], line[count:]
        return arrived


async def live(town: Town, device: Device, chance: random.Random) -> None:
    """One thing happens at the gateway; tokens are those that were sold."""
    what = chance.random()
    if what < 0.15:
        sale = await town.sell(device, volume_ml=chance.choice((100_000, 700_000, 5_000_000)))
        device.token(0, sale.vend.tid, sale.vend.volume_ml)
    elif what < 0.2:
        device.write(kinds.CHECKPOINT, digest=device.state.digest())
    elif device.balance(0) > 0 and device.state.meters[0].intent == kinds.FULL:
        device.charge(0, chance.randint(1, device.balance(0)))
    device.drive(0)


async def test_a_bad_network_and_dying_workers_lose_nothing(town: Town, chance: random.Random) -> None:
    device, network = await town.device(), Network(chance)
    workers = [Ingest(town.database, town.key_store) for _ in range(2)]

    for _ in range(_STEPS):
        town.now += 60
        await live(town, device, chance)
        if chance.random() < 0.5 and device.acknowledged < device.sequence:
            network.put(network.up, device.batch(last=chance.randint(device.acknowledged + 1, device.sequence)))
        if chance.random() < 0.1:
            network.put(network.up, device.hello())
        if chance.random() < 0.1:
            workers[chance.randrange(2)] = Ingest(town.database, town.key_store)
        arrived = [Message(device.gateway, data, town.now) for data in network.take(network.up)]
        outcome = await workers[chance.randrange(2)].process(arrived, town.now)
        for reply in outcome.replies:
            network.put(network.down, reply.data)
        for data in network.take(network.down):
            device.receive(data)
    while device.acknowledged < device.sequence:
        outcome = await workers[0].process([Message(device.gateway, device.batch(), town.now)], town.now)
        device.receive(outcome.replies[-1].data)

    assert [row.body for row in await entries(town, device)] == device.entries
    assert (await head(town, device)).state == device.state.to_bytes()
    assert {row.verdict for row in await verdicts(town, device)} == {"explained"}
    assert await cases(town, device) == [] and await quarantined(town, device) == []
    async with town.database.read() as session:
        sums = select(func.sum(LedgerEntry.delta)).where(LedgerEntry.gateway_id == device.gateway)
        assert await session.scalar(sums) == device.balance(0)
