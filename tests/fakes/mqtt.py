"""A gateway's MQTT client, by paho: signs in, publishes its uplink, and collects its downlink, over verified TLS."""

import asyncio
import ssl
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage, MQTTProtocolVersion
from paho.mqtt.enums import CallbackAPIVersion

WAIT_S = 30


class NotLetIn(Exception):
    """The broker refused the connection, or ended it."""


class MqttGateway:
    """`received` fills with what comes down. `subscribe` answers whether the broker granted the subscription."""

    def __init__(self, port: int, authority: Path, user: str, password: str, client_id: str | None = None) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._connected: asyncio.Future[int] = self._loop.create_future()
        self._granted: asyncio.Queue[bool] = asyncio.Queue()
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id or user,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,  # two of one name would throw each other out
        )
        client.username_pw_set(user, password)
        client.tls_set_context(ssl.create_default_context(cafile=authority))
        client.on_connect = lambda *given: self._tell(self._on_connect, given[3])
        client.on_disconnect = lambda *_: self._tell(self.ended.set)
        client.on_message = lambda _client, _data, message: self._tell(self._on_message, message)
        client.on_subscribe = lambda *given: self._tell(self._granted.put_nowait, not given[3][0].is_failure)
        self._client = client

    def _tell(self, act, *values) -> None:  # type: ignore[no-untyped-def]
        self._loop.call_soon_threadsafe(act, *values)

    def _on_connect(self, reason) -> None:  # type: ignore[no-untyped-def]
        if not self._connected.done():
            self._connected.set_result(reason.value)

    def _on_message(self, message: MQTTMessage) -> None:
        self.received.put_nowait(message.payload)

    async def connect(self) -> "MqttGateway":
        """Sign in; NotLetIn when the broker does not want it."""
        await asyncio.to_thread(self._client.connect, "localhost", self._port, 30)
        self._client.loop_start()
        waits = [asyncio.ensure_future(self.ended.wait()), self._connected]
        await asyncio.wait(waits, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        waits[0].cancel()
        if not self._connected.done() or self._connected.result() != 0:
            await self.close()
            raise NotLetIn
        return self

    async def subscribe(self, topic: str) -> bool:
        """Ask for a topic; False when the broker refuses it."""
        self._client.subscribe(topic, 0)
        async with asyncio.timeout(WAIT_S):
            return await self._granted.get()

    def publish(self, topic: str, data: bytes) -> None:
        """Send at QoS 0."""
        self._client.publish(topic, data, 0)

    async def next(self) -> bytes:
        """The next document that comes down."""
        async with asyncio.timeout(WAIT_S):
            return await self.received.get()

    async def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
