"""The cloud's own connections to NATS, and the stream in which uplinks wait until a worker has committed them."""

import ssl
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError
from structlog import get_logger

from cloud.broker.names import CONSUMER, STREAM, UPLINK
from cloud.broker.server import AUTH_USER, CLOUD_USER, Credentials
from shared.documents import MESSAGE_MAX

_CONNECT_TIMEOUT_S = 5
_RECONNECT_WAIT_S = 1
_FOR_EVER = -1
_MESSAGES_MAX = 5_000_000
_BYTES_MAX = 4 * 1024**3
_MESSAGES_PER_GATEWAY_MAX = 5_000
_HEADERS_MAX = 256  # the broker adds a header to what comes by MQTT, and counts it
_AGE_MAX_S = 14 * 24 * 3600
_ACK_WAIT_S = 30
_ACK_PENDING_MAX = 4_096
_log = get_logger("broker")


async def connect(url: str, user: str, password: str, authority: Path | None) -> Client:
    """Sign in; NATS errors when it cannot. A connection that breaks is made again for as long as it takes."""

    async def trouble(error: Exception) -> None:
        _log.warning("broker connection", user=user, error=type(error).__name__)

    return await nats.connect(
        url,
        user=user,
        password=password,
        name=f"penstock {user}",
        tls=_tls(url, authority),
        connect_timeout=_CONNECT_TIMEOUT_S,
        reconnect_time_wait=_RECONNECT_WAIT_S,
        max_reconnect_attempts=_FOR_EVER,
        error_cb=trouble,
    )


async def connect_cloud(url: str, credentials: Credentials, authority: Path | None) -> Client:
    """The connection of ingest and dispatcher."""
    return await connect(url, CLOUD_USER, credentials.cloud_password, authority)


async def connect_auth(url: str, credentials: Credentials, authority: Path | None) -> Client:
    """The connection of the auth callout."""
    return await connect(url, AUTH_USER, credentials.auth_password, authority)


def _tls(url: str, authority: Path | None) -> ssl.SSLContext | None:
    if not url.startswith("tls://"):
        return None
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def uplinks(stream: JetStreamContext) -> JetStreamContext.PullSubscription:
    """The consumer that all workers share; stream and consumer are made, or brought to these settings.

    A message leaves the stream when it is acknowledged. When a gateway floods, its own oldest messages go first.
    """
    settings = StreamConfig(
        name=STREAM,
        subjects=[UPLINK],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_msgs=_MESSAGES_MAX,
        max_bytes=_BYTES_MAX,
        max_msgs_per_subject=_MESSAGES_PER_GATEWAY_MAX,
        max_age=_AGE_MAX_S,
        max_msg_size=MESSAGE_MAX + _HEADERS_MAX,
        duplicate_window=0,
    )
    try:
        await stream.stream_info(STREAM)
    except NotFoundError:
        await stream.add_stream(settings)
    else:
        await stream.update_stream(settings)
    consumer = ConsumerConfig(
        durable_name=CONSUMER,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=_ACK_WAIT_S,
        max_ack_pending=_ACK_PENDING_MAX,
        max_deliver=_FOR_EVER,
    )
    await stream.add_consumer(STREAM, consumer)
    return await stream.pull_subscribe_bind(consumer=CONSUMER, stream=STREAM)
