"""From the stream to the ledger and back: takes messages by the many, and acknowledges after the commit only."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from structlog import get_logger

from cloud.broker.names import gateway_of_uplink
from cloud.clock import Clock
from cloud.ledger.messages import Message
from cloud.ledger.service import Ingest

FETCH = 128
_WAIT_S = 5
_LATER_S = 2
_log = get_logger("ingest")

Publish = Callable[[int, bytes], Awaitable[None]]
Wake = Callable[[], None]


class Worker:
    """One loop. `publish` sends to a gateway, `wake` tells the dispatcher to look."""

    def __init__(
        self,
        ingest: Ingest,
        uplinks: JetStreamContext.PullSubscription,
        clock: Clock,
        publish: Publish,
        wake: Wake,
    ) -> None:
        self._ingest = ingest
        self._uplinks = uplinks
        self._clock = clock
        self._publish = publish
        self._wake = wake

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                messages = await self._uplinks.fetch(FETCH, timeout=_WAIT_S)
                await self.work(messages)
            except TimeoutError:
                continue
            except ConnectionClosedError:
                raise
            except NatsError as error:
                _log.warning("the stream is away", error=type(error).__name__)
                await asyncio.sleep(_LATER_S)

    async def work(self, received: Sequence[Msg]) -> None:
        """Take these messages in, answer the gateways, and acknowledge; what could not be stored comes again later."""
        uplinks = [one for one in received if await _is_uplink(one)]
        outcome = await self._ingest.process([_message(one) for one in uplinks], self._clock.now())
        for reply in outcome.replies:
            await self._publish(reply.gateway, reply.data)
        for index, one in enumerate(uplinks):
            if index in outcome.later:
                await one.nak(_LATER_S)
            else:
                await one.ack()
        if outcome.heard:
            self._wake()
        if uplinks and len(outcome.later) == len(uplinks):
            await asyncio.sleep(_LATER_S)


async def _is_uplink(received: Msg) -> bool:
    if gateway_of_uplink(received.subject) is not None:
        return True
    # No gateway can publish there: the callout lets in none with such a name.
    _log.error("a message on no gateway's subject is thrown away", subject=received.subject)
    await received.term()
    return False


def _message(received: Msg) -> Message:
    gateway = gateway_of_uplink(received.subject)
    assert gateway is not None, "it was looked at"
    return Message(gateway, received.data, int(received.metadata.timestamp.timestamp()))
