"""A real broker, a town, and the cloud's connected parts, one by one."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cloud.broker.callout import Callout
from cloud.broker.connection import connect_auth
from cloud.broker.nkeys import AccountKey
from cloud.clock import SystemClock
from cloud.db import Database
from tests.fakes.device import Device
from tests.fakes.mqtt import MqttGateway
from tests.fakes.utility import Town
from tests.system.nats import NatsServer
from tools.authority import Paths

Join = Callable[[Device], Awaitable[MqttGateway]]


@pytest.fixture
async def broker(tmp_path: Path, certificates: Paths) -> AsyncIterator[NatsServer]:
    """A running nats-server."""
    server = NatsServer(tmp_path / "broker", certificates)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def town(database: Database) -> Town:
    """A utility."""
    return await Town(database).found()


@pytest.fixture
async def callout(broker: NatsServer, town: Town) -> AsyncIterator[None]:
    """The auth callout, at work."""
    client = await connect_auth(broker.url, broker.credentials, broker.authority)
    await Callout(town.database, SystemClock(), AccountKey(broker.credentials.issuer_seed)).start(client)
    await client.flush()
    yield
    await client.close()


@pytest.fixture
async def join(broker: NatsServer, callout: None) -> AsyncIterator[Join]:
    """Connects a device as its gateway, listening to its downlink."""
    async with contextlib.AsyncExitStack() as joined:

        async def connect(device: Device) -> MqttGateway:
            user = f"gw-{device.gateway}"
            client = await MqttGateway(broker.mqtt_port, broker.authority, user, device.password).connect()
            joined.push_async_callback(client.close)
            assert await client.subscribe(f"gw/{device.gateway}/down")
            return client

        yield connect
