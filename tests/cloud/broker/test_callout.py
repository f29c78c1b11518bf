"""Who is let in by a real broker, and what it may do there."""

import asyncio
import ssl

import nats
import pytest
from nats.aio.client import Client

from cloud.broker.connection import connect_auth, connect_cloud, uplinks
from shared.documents import MESSAGE_MAX
from tests.cloud.broker.conftest import Join
from tests.fakes.device import Device
from tests.fakes.mqtt import MqttGateway, NotLetIn
from tests.fakes.utility import Town
from tests.system.nats import NatsServer


@pytest.fixture
async def cloud(broker: NatsServer):  # type: ignore[no-untyped-def]
    """The cloud's own connection."""
    client = await connect_cloud(broker.url, broker.credentials, broker.authority)
    yield client
    await client.close()


async def attempt(broker: NatsServer, user: str, password: str, client_id: str | None = None) -> None:
    """Try to sign in."""
    await MqttGateway(broker.mqtt_port, broker.authority, user, password, client_id).connect()


async def test_an_enrolled_gateway_is_let_in_and_its_uplink_lands_in_the_stream(
    town: Town, join: Join, cloud: Client
) -> None:
    subscription = await uplinks(cloud.jetstream())
    device = await town.device()

    (await join(device)).publish(f"gw/{device.gateway}/up", b"an uplink")

    found = await subscription.fetch(1, timeout=10)
    assert [(one.subject, one.data) for one in found] == [(f"gw.{device.gateway}.up", b"an uplink")]


async def test_a_downlink_arrives_at_its_gateway_and_at_no_other(town: Town, join: Join, cloud: Client) -> None:
    one, other = await town.device(), await town.device()
    first, second = await join(one), await join(other)

    await cloud.publish(f"gw.{one.gateway}.down", b"for one")
    await cloud.publish(f"gw.{other.gateway}.down", b"for the other")

    assert await first.next() == b"for one"
    assert await second.next() == b"for the other"
    assert first.received.empty()


async def test_a_wrong_password_is_refused(town: Town, broker: NatsServer, callout: None) -> None:
    device = await town.device()

    with pytest.raises(NotLetIn):
        await attempt(broker, f"gw-{device.gateway}", device.password[:-1])


async def test_the_password_of_another_gateway_is_refused(town: Town, broker: NatsServer, callout: None) -> None:
    one, other = await town.device(), await town.device()

    with pytest.raises(NotLetIn):
        await attempt(broker, f"gw-{one.gateway}", other.password)


async def test_another_client_id_is_refused(town: Town, broker: NatsServer, callout: None) -> None:
    device = await town.device()

    with pytest.raises(NotLetIn):
        await attempt(broker, f"gw-{device.gateway}", device.password, client_id="gw-999")


async def test_the_password_of_an_earlier_epoch_is_refused(town: Town, broker: NatsServer, callout: None) -> None:
    device = await town.device()
    await town.enrol(device.gateway, Device())

    with pytest.raises(NotLetIn):
        await attempt(broker, f"gw-{device.gateway}", device.password)


@pytest.mark.parametrize(
    "user", ["cloud", "cloud-auth", "gw-0", "gw-", "gw-1x", "admin", "gw-99999999999", "gw-2147483648"]
)
async def test_a_name_that_is_no_gateways_is_refused(broker: NatsServer, callout: None, user: str) -> None:
    with pytest.raises(NotLetIn):
        await attempt(broker, user, "x" * 43)


async def test_the_clouds_own_passwords_do_not_open_the_mqtt_door(broker: NatsServer, callout: None) -> None:
    with pytest.raises(NotLetIn):
        await attempt(broker, "cloud", broker.credentials.cloud_password)


async def test_a_gateways_password_does_not_open_the_nats_door(town: Town, broker: NatsServer, callout: None) -> None:
    device = await town.device()

    with pytest.raises(nats.errors.Error):
        await nats.connect(
            f"tls://gw-{device.gateway}:{device.password}@localhost:{broker.client_port}",
            tls=_tls(broker),
            allow_reconnect=False,
        )


async def test_nobody_is_let_in_while_the_callout_is_away(town: Town, broker: NatsServer) -> None:
    device = await town.device()

    with pytest.raises(NotLetIn):
        await attempt(broker, f"gw-{device.gateway}", device.password)


@pytest.mark.parametrize(
    "topic", ["gw/{other}/down", "gw/+/down", "#", "gw/#", "$MQTT/#", "$SYS/#", "$JS/#", "gw/{own}/up"]
)
async def test_a_gateway_hears_nothing_but_its_own_downlink(town: Town, join: Join, topic: str) -> None:
    device, other = await town.device(), await town.device()
    client = await join(device)

    granted = await client.subscribe(topic.format(own=device.gateway, other=other.gateway))

    assert not granted


@pytest.mark.parametrize("topic", ["gw/{other}/up", "gw/{own}/down", "elsewhere", "$JS/API/STREAM/DELETE/UP"])
async def test_a_gateway_publishes_nowhere_but_to_its_own_uplink(
    town: Town, join: Join, cloud: Client, topic: str
) -> None:
    subscription = await uplinks(cloud.jetstream())
    device, other = await town.device(), await town.device()
    client = await join(device)

    client.publish(topic.format(own=device.gateway, other=other.gateway), b"smuggled")
    own = await _still_there_or_ended(client, device)

    if own:
        found = await subscription.fetch(1, timeout=10)
        assert [(one.subject, one.data) for one in found] == [(f"gw.{device.gateway}.up", b"marker")]
    assert client.received.empty()
    assert (await cloud.jetstream().stream_info("UP")).config.name == "UP"


async def _still_there_or_ended(client: MqttGateway, device: Device) -> bool:
    client.publish(f"gw/{device.gateway}/up", b"marker")
    try:
        async with asyncio.timeout(0.5):
            await client.ended.wait()
    except TimeoutError:
        return True
    return False


async def test_a_message_above_the_limit_is_not_kept(town: Town, join: Join, cloud: Client) -> None:
    subscription = await uplinks(cloud.jetstream())
    device = await town.device()
    client = await join(device)

    client.publish(f"gw/{device.gateway}/up", bytes(2 * MESSAGE_MAX))
    client.publish(f"gw/{device.gateway}/up", bytes(MESSAGE_MAX))

    found = await subscription.fetch(2, timeout=10)
    assert [len(one.data) for one in found] == [MESSAGE_MAX]


async def test_the_auth_user_sees_no_uplinks_and_the_cloud_no_authorization_requests(
    town: Town, broker: NatsServer, join: Join, cloud: Client
) -> None:
    refusals: list[str] = []

    async def note(error: Exception) -> None:
        refusals.append(str(error))

    auth = await connect_auth(broker.url, broker.credentials, broker.authority)
    auth.options["error_cb"] = cloud.options["error_cb"] = None
    auth._error_cb = cloud._error_cb = note
    await auth.subscribe("gw.*.up")
    await cloud.subscribe("$SYS.REQ.USER.AUTH")
    await auth.flush()
    await cloud.flush()
    await auth.close()

    assert len([one for one in refusals if "permissions violation" in one.lower()]) == 2


def _tls(broker: NatsServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=broker.authority)
