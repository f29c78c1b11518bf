"""The whole cloud over a real broker: enrolled by the API, connected by MQTT, credited from afar, verified."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cloud.app import build_app
from cloud.clock import SystemClock
from cloud.config import Config
from shared.documents import TOKEN_PAYLOAD
from tests.cloud.conftest import admin_api
from tests.cloud.served import Api, HandClock, Town
from tests.fakes.mqtt import MqttGateway
from tests.system.nats import NatsServer


@pytest.fixture
async def api(config: Config, broker: NatsServer) -> AsyncIterator[Api]:
    """A served cloud with all its services."""
    connected = config.model_copy(
        update={
            "nats_url": broker.url,
            "nats_ca": broker.authority,
            "nats_credentials": broker.credentials_file,
            "mqtt_port": broker.mqtt_port,
        }
    )
    async with TestClient(TestServer(build_app(connected, SystemClock()))) as client:
        yield await admin_api(client, HandClock(SystemClock().now()))


async def let_in(broker: NatsServer, town: Town) -> MqttGateway:
    device = town.device
    client = MqttGateway(broker.mqtt_port, broker.authority, f"gw-{device.gateway}", device.password)
    await client.connect()
    assert await client.subscribe(f"gw/{device.gateway}/down")
    return client


async def test_a_remote_sale_is_loaded_verified_and_told(api: Api, broker: NatsServer, tmp_path: Path) -> None:
    town = await api.town()
    device, topic = town.device, f"gw/{town.gateway}/up"
    gateway = await _until_let_in(broker, town)  # its service may still be about to begin
    gateway.publish(topic, device.hello())
    gateway.publish(topic, device.batch())

    receipt = await api.made("/vends", town.vend(delivery="remote"))
    name = ""
    while name != "command":
        name, command = device.receive(await gateway.next())
    payload = TOKEN_PAYLOAD.decode(command["payload"])
    device.carry_out(command, payload["channel"], receipt["tid"], receipt["volume_ml"])
    gateway.publish(topic, device.batch())
    while device.acknowledged < device.sequence:
        device.receive(await gateway.next())

    assert f"{payload['token']:020d}" == receipt["token"]
    assert (await api.get(f"/meters/{town.drn}")).body["balance_ml"] == receipt["volume_ml"]
    assert [one["status"] for one in (await api.get(f"/gateways/{town.gateway}/commands")).body["items"]] == ["applied"]
    assert (await api.get("/cases")).body["items"] == []
    kinds = [one["kind"] for one in (await api.get("/messages")).body["items"]]
    assert kinds == ["token", "credit_accepted"]
    await gateway.close()


async def test_the_cloud_carries_on_when_its_broker_was_away(api: Api, broker: NatsServer) -> None:
    town = await api.town()
    await broker.stop()

    await broker.start()
    gateway = await _until_let_in(broker, town)
    gateway.publish(f"gw/{town.gateway}/up", town.device.batch())
    while town.device.acknowledged < town.device.sequence:
        town.device.receive(await gateway.next())

    await gateway.close()


async def _until_let_in(broker: NatsServer, town: Town) -> MqttGateway:
    while True:
        try:
            return await let_in(broker, town)
        except Exception:
            await asyncio.sleep(0.2)
