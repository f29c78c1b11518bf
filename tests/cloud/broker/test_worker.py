"""From MQTT to the ledger and back through a real broker: acknowledged after the commit, redelivered, never lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from cloud.broker.connection import connect_cloud, uplinks
from cloud.broker.services import downlink
from cloud.clock import SystemClock
from cloud.ledger.service import Ingest, Outcome
from cloud.ledger.worker import Worker
from cloud.services import end
from tests.cloud.broker.conftest import Join
from tests.cloud.ledger.books import entries, quarantined
from tests.fakes.device import Device
from tests.fakes.mqtt import MqttGateway
from tests.fakes.utility import Town
from tests.system.nats import NatsServer


@contextlib.asynccontextmanager
async def working(broker: NatsServer, ingest: Ingest) -> AsyncIterator[None]:
    """A worker on a connection of its own."""
    client = await connect_cloud(broker.url, broker.credentials, broker.authority)
    worker = Worker(ingest, await uplinks(client.jetstream()), SystemClock(), downlink(client), lambda: None)
    task = asyncio.create_task(worker.run())
    yield
    await end(task)
    await client.close()


@pytest.fixture
def ingest(town: Town) -> Ingest:
    """The ingest of one worker."""
    return Ingest(town.database, town.key_store)


async def acknowledged(client: MqttGateway, device: Device, sequence: int) -> None:
    """Read what comes down until the device knows that this sequence is held."""
    while device.acknowledged < sequence:
        device.receive(await client.next())


async def test_a_batch_goes_up_and_its_acknowledgement_comes_down(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    device = await town.device()
    client = await join(device)

    async with working(broker, ingest):
        client.publish(f"gw/{device.gateway}/up", device.hello())
        client.publish(f"gw/{device.gateway}/up", device.batch())
        await acknowledged(client, device, device.sequence)

    assert [name for name, _ in device.received] == ["time", "ack", "ack"]
    assert len(await entries(town, device)) == device.sequence


async def test_uplinks_wait_in_the_stream_while_no_worker_runs(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    device = await town.device()
    client = await join(device)
    async with working(broker, ingest):
        pass
    client.publish(f"gw/{device.gateway}/up", device.batch(1, 2))
    client.publish(f"gw/{device.gateway}/up", device.batch(3, 3))

    async with working(broker, ingest):
        await acknowledged(client, device, 3)


async def test_a_worker_that_dies_after_the_commit_loses_nothing(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    device = await town.device()
    client = await join(device)
    committed = asyncio.Event()

    class Dies(Ingest):
        async def process(self, messages, now) -> Outcome:  # type: ignore[no-untyped-def]
            await super().process(messages, now)
            committed.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with working(broker, Dies(town.database, town.key_store)):
        client.publish(f"gw/{device.gateway}/up", device.batch())
        async with asyncio.timeout(10):
            await committed.wait()
    assert device.acknowledged == 0 and client.received.empty()

    async with working(broker, ingest):
        client.publish(f"gw/{device.gateway}/up", device.batch())
        await acknowledged(client, device, device.sequence)

    assert len(await entries(town, device)) == device.sequence


async def test_what_cannot_be_stored_now_comes_again_and_is_not_set_aside(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.ledger.worker._LATER_S", 0.1)
    device = await town.device()
    client = await join(device)
    failures = iter([True, True])

    class AwayAtFirst(Ingest):
        async def process(self, messages, now) -> Outcome:  # type: ignore[no-untyped-def]
            if next(failures, False):
                return Outcome(later=set(range(len(messages))))
            return await super().process(messages, now)

    async with working(broker, AwayAtFirst(town.database, town.key_store)):
        client.publish(f"gw/{device.gateway}/up", device.batch())
        await acknowledged(client, device, device.sequence)

    assert await quarantined(town, device) == []


async def test_a_poison_message_does_not_stop_those_behind_it(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    device = await town.device()
    client = await join(device)

    async with working(broker, ingest):
        for poison in (b"", b"PSbatch1", bytes(4096), b"PShello1" + bytes(111)):
            client.publish(f"gw/{device.gateway}/up", poison)
        client.publish(f"gw/{device.gateway}/up", device.batch())
        await acknowledged(client, device, device.sequence)

    assert len(await quarantined(town, device)) == 4


async def test_a_broker_killed_and_started_again_carries_on(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    device = await town.device()
    client = await join(device)

    async with working(broker, ingest):
        client.publish(f"gw/{device.gateway}/up", device.batch(1, 1))
        await acknowledged(client, device, 1)
        await broker.kill()
        await broker.start()
        again = await _until_let_in(join, device)
        again.publish(f"gw/{device.gateway}/up", device.batch())
        await acknowledged(again, device, device.sequence)

    assert len(await entries(town, device)) == device.sequence


async def _until_let_in(join: Join, device: Device) -> MqttGateway:
    while True:
        try:
            return await join(device)
        except Exception:
            await asyncio.sleep(0.2)


async def test_two_workers_share_the_stream_and_store_everything_once(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest
) -> None:
    devices = [await town.device() for _ in range(4)]
    clients = [await join(device) for device in devices]
    second = Ingest(town.database, town.key_store)

    async with working(broker, ingest), working(broker, second):
        for _ in range(10):
            for device, client in zip(devices, clients, strict=True):
                device.charge(0, 100)
                client.publish(f"gw/{device.gateway}/up", device.batch())
        for device, client in zip(devices, clients, strict=True):
            while device.acknowledged < device.sequence:
                try:
                    async with asyncio.timeout(1):
                        device.receive(await client.received.get())
                except TimeoutError:
                    client.publish(f"gw/{device.gateway}/up", device.batch())

    for device in devices:
        assert [row.body for row in await entries(town, device)] == device.entries


async def test_what_must_wait_does_not_hold_up_what_need_not(
    town: Town, join: Join, broker: NatsServer, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.ledger.worker._LATER_S", 30)
    good, waiting = await town.device(), await town.device()
    client, other = await join(good), await join(waiting)

    class WaitsForOne(Ingest):
        async def process(self, messages, now) -> Outcome:  # type: ignore[no-untyped-def]
            outcome = await super().process([one for one in messages if one.gateway == good.gateway], now)
            outcome.later = {at for at, one in enumerate(messages) if one.gateway == waiting.gateway}
            return outcome

    async with working(broker, ingest):
        pass
    other.publish(f"gw/{waiting.gateway}/up", waiting.batch())
    client.publish(f"gw/{good.gateway}/up", good.batch(1, 1))
    await _in_the_stream(broker, 2)

    async with working(broker, WaitsForOne(town.database, town.key_store)):
        await acknowledged(client, good, 1)
        client.publish(f"gw/{good.gateway}/up", good.batch())
        await acknowledged(client, good, good.sequence)


async def _in_the_stream(broker: NatsServer, count: int) -> None:
    cloud = await connect_cloud(broker.url, broker.credentials, broker.authority)
    while (await cloud.jetstream().stream_info("UP")).state.messages < count:
        await asyncio.sleep(0.01)
    await cloud.close()
