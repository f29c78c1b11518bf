"""The link to the broker: MQTT 3.1.1 over verified TLS, QoS 0, clean session; it connects in steps, never waits long.

umqtt.simple speaks the protocol. It waits for ever on boards, checks with asserts, and reads whatever length it is
told; Stream gives it whole packets only; whatever goes wrong becomes LinkDown. Acknowledgement is the layer above's.
"""

import gc
import sys
import time

import umqtt.simple  # pyright: ignore[reportMissingImports]  the stubs of the RP2 lack it

from firmware.net.errors import LinkDown, down
from firmware.net.stream import NotYet, dial_steps, trust
from shared.compat import const

# lwIP of the RP2 keeps for 10 s what a closed connection has not delivered, and has room for little more: a write to
# the next one then waits as long inside the port, though it is not to wait (8.4 s on the emulated chip).
LINGER_MS = 11000 if sys.platform == "rp2" else 0
_PUBLISH = const(0x30)
_CONNACK = b"\x20\x02"
_SUBACK = const(0x90)
_NOT_GRANTED = const(0x80)
_TOPIC_BYTES_MAX = const(64)
_REFUSED = {1: "protocol version", 2: "client id", 3: "server unavailable", 4: "user or password", 5: "not allowed"}


class Broker:
    """Where the broker is, and how it is known: ca is the certificate of its authority, DER or PEM."""

    def __init__(self, host: str, port: int, ca: bytes, server_hostname: str = "") -> None:
        self.host = host
        self.port = port
        self.ca = ca
        self.server_hostname = server_hostname or host


class Link:
    """One gateway's connection: it publishes on topic_up and listens on topic_down.

    timeout_ms is how long a call may wait for room to send, patience_ms how long an answer may take, while others run;
    keepalive_s is how long the broker may be silent before the link counts as down (a ping goes out after half of it).
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        password: str,
        topic_up: str,
        topic_down: str,
        name_server,
        timeout_ms: int = 2000,
        patience_ms: int = 30000,
        keepalive_s: int = 60,
        payload_limit_bytes: int = 8192,
    ) -> None:
        """The user name is the client id; name_server() is asked for the broker's address, see dial_steps().

        Raises ValueError if the authority's certificate is none.
        """
        self._broker = broker
        self._context = trust(broker.ca)
        self._client = umqtt.simple.MQTTClient(
            client_id, broker.host, broker.port, client_id, password, keepalive=keepalive_s
        )
        self._client.set_callback(self._received)
        self._topic_up = topic_up
        self._topic_down = topic_down.encode()
        self._name_server = name_server
        self._timeout_ms = timeout_ms
        self._patience_ms = patience_ms
        self._keepalive_ms = keepalive_s * 1000
        self._payload_limit_bytes = payload_limit_bytes
        self._stream = None
        self._inbox = []
        self._heard_ms = self._spoke_ms = self._pinged_ms = 0
        self._closed_ms = None

    def is_up(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._stream is not None

    def connect_steps(self):
        """Connect, verify the broker, log in and subscribe: a generator that yields while it waits. Raises LinkDown."""
        self.close()
        while self._lingers():
            yield
        gc.collect()
        threshold = gc.threshold()
        gc.threshold(-1)  # a handshake takes so much memory in passing that it would last half as long again
        try:
            yield from self._connect_steps()
        finally:
            gc.threshold(threshold)

    def _connect_steps(self):
        limit_bytes = self._payload_limit_bytes + _TOPIC_BYTES_MAX
        broker = self._broker
        dial = dial_steps(
            self._context,
            *(broker.host, broker.port, broker.server_hostname),
            *(self._name_server, self._patience_ms, limit_bytes),
        )
        self._stream = yield from self._guarded(dial)
        yield from self._guarded(self._log_in())
        self._heard_ms = self._spoke_ms = self._pinged_ms = time.ticks_ms()

    def send(self, payload: bytes) -> None:
        """Publish one document; it has left when this returns, and may still be lost. Raises LinkDown."""
        assert len(payload) <= self._payload_limit_bytes, "a document is bounded"
        self._need()
        self._guard(self._client.publish, self._topic_up, payload)
        self._spoke_ms = time.ticks_ms()

    def poll(self) -> bytes | None:
        """Return a document that has come in, or None; also keeps the link alive, so call it often. Raises LinkDown."""
        stream = self._need()
        if not self._inbox:
            if self._guard(stream.has_packet):
                self._guard(self._take)
                self._heard_ms = time.ticks_ms()
            self._keep_alive()
        return self._inbox.pop(0) if self._inbox else None

    def close(self) -> None:
        """Let go of the connection, if there is one; never fails. The broker notices by itself."""
        if self._stream is not None:
            self._stream.close()
            self._closed_ms = time.ticks_ms()
        self._stream = None
        self._inbox = []

    def _lingers(self) -> bool:
        """Whether the connection before may still take memory."""
        if self._closed_ms is None:
            return False
        since_ms = time.ticks_diff(time.ticks_ms(), self._closed_ms)  # negative: it was days ago
        if not 0 <= since_ms < LINGER_MS:
            self._closed_ms = None
        return self._closed_ms is not None

    def _log_in(self):
        """Let umqtt write its questions to the open connection; their answers are read here, when they come.

        What umqtt takes for the socket module gives the connection out.
        """
        stream = self._need()
        umqtt.simple.socket = _Ready(stream)  # pyright: ignore[reportAttributeAccessIssue]
        _gather(self._client.connect, True)
        yield from stream.packet_steps()
        answer = stream.read(4)
        if answer[:2] != _CONNACK:
            raise LinkDown("the broker is none: it does not answer as one")
        if answer[3]:
            raise umqtt.simple.MQTTException(answer[3])
        _gather(self._client.subscribe, self._topic_down)
        kind = None
        while kind != _SUBACK:  # what was kept for us may come first
            yield from stream.packet_steps()
            kind = self._client.wait_msg()
        if stream.read(4)[3] == _NOT_GRANTED:
            raise LinkDown("the broker refuses the subscription")

    def _take(self) -> None:
        kind = self._client.check_msg()
        if kind is not None and kind & 0xF0 != _PUBLISH:
            raise LinkDown("the broker sent a packet of kind " + hex(kind))

    def _received(self, topic: bytes, payload: bytes) -> None:
        if topic == self._topic_down:
            self._inbox.append(payload)

    def _keep_alive(self) -> None:
        """Ping when either side has been quiet for half the time; the broker's answer counts as heard."""
        now_ms = time.ticks_ms()
        unheard_ms = time.ticks_diff(now_ms, self._heard_ms)
        if unheard_ms > self._keepalive_ms:
            self.close()
            raise LinkDown("the broker has been silent for too long")
        quiet_ms = max(unheard_ms, time.ticks_diff(now_ms, self._spoke_ms))
        if quiet_ms > self._keepalive_ms // 2 and time.ticks_diff(now_ms, self._pinged_ms) > self._keepalive_ms // 4:
            self._guard(self._client.ping)
            self._pinged_ms = self._spoke_ms = now_ms

    def _need(self):
        if self._stream is None:
            raise LinkDown("there is no connection")
        return self._stream

    def _guard(self, action, *arguments):
        """Do it, send what it wrote, and turn whatever goes wrong into LinkDown."""
        try:
            outcome = action(*arguments)
            self._need().flush(self._timeout_ms)
            return outcome
        except _WRONG as error:
            self.close()
            raise _down(error)

    def _guarded(self, steps):
        """The same for a generator, which sends by itself."""
        try:
            return (yield from steps)
        except _WRONG as error:
            self.close()
            raise _down(error)


class _Ready:
    """Stands for the socket module inside umqtt: its one socket is connected and verified already."""

    def __init__(self, stream) -> None:
        self._stream = stream

    def socket(self):
        return self._stream

    def getaddrinfo(self, _host, _port):
        return ((None,),)


_WRONG = (
    LinkDown,
    NotYet,
    umqtt.simple.MQTTException,
    OSError,
    AssertionError,
    IndexError,
    ValueError,
    TypeError,
    MemoryError,
)


def _down(error):
    """The LinkDown that tells of whatever went wrong."""
    if isinstance(error, LinkDown):
        return error
    if isinstance(error, NotYet):
        return LinkDown("the broker sent a broken packet")
    if isinstance(error, umqtt.simple.MQTTException):
        return LinkDown("the broker refused us: " + _REFUSED.get(error.args[0], str(error)))
    return down(error, "the connection failed: " + repr(error))


def _gather(question, *arguments):
    """Let umqtt write a question; it cannot read the answer yet."""
    try:
        question(*arguments)
    except NotYet:
        pass
