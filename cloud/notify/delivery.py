"""Delivering messages: take what is due, hand it over, and write down what came of it.

A message is handed over at least once. It is taken with a lease: if this process dies, another tries after the lease.
"""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import system
from cloud.clock import Clock
from cloud.db import Database
from cloud.errors import CloudError, Unavailable
from cloud.notify import dead_letters
from cloud.notify.carriers import Carrier, Carriers, single
from cloud.notify.models import DELIVERED, QUEUED, SENT, Message
from cloud.notify.provider import DeliveryFailed, NobodyToDeliver, Outgoing, Provider
from cloud.notify.texts import grouped
from cloud.vending import service as vending
from cloud.vending.store import KeyStore

ATTEMPTS_MAX = 12
RECEIPT_WAIT_S = 3600
"""How long a receipt may take before the next provider is asked to bring the message."""
_BATCH = 50
_AT_ONCE = 10
_LEASE_S = 300
_RETRY_FIRST_S = 10
_RETRY_LONGEST_S = 3600
_POLL_S = 1.0
_REASON_LENGTH_MAX = 200
_PLACE_OF_DIGITS = "{token}"

_log = structlog.get_logger("outbox")


def retry_after_s(attempts: int) -> int:
    """Return the wait after this many failed attempts: 10 s, doubling up to an hour."""
    return min(_RETRY_FIRST_S << min(attempts - 1, 20), _RETRY_LONGEST_S)


class Outbox:
    """The loop that delivers; several may run side by side."""

    def __init__(self, database: Database, key_store: KeyStore, carriers: Carriers | Provider, clock: Clock) -> None:
        self._database = database
        self._key_store = key_store
        self._carriers = carriers if isinstance(carriers, Carriers) else single(carriers)
        self._clock = clock
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Deliver until cancelled; trouble with the database is logged and tried again."""
        while True:
            try:
                delivered = await self.deliver_due()
            except Exception:
                _log.exception("delivery stopped; it goes on in a moment")
                delivered = 0
            if delivered < _BATCH:
                await asyncio.sleep(_POLL_S)

    async def deliver_due(self) -> int:
        """Try every message of one batch that is due; return how many there were."""
        async with self._database.begin() as session:
            due = await self._take(session)
        await asyncio.gather(*(self._deliver(message) for message in due))
        return len(due)

    async def _take(self, session: AsyncSession) -> Sequence[Message]:
        now = self._clock.now()
        due = select(Message).where(Message.state.in_((QUEUED, SENT)), Message.next_attempt_at <= now)
        due = due.order_by(Message.next_attempt_at, Message.id).limit(_BATCH).with_for_update(skip_locked=True)
        messages = (await session.scalars(due)).all()
        taken = []
        for message in messages:
            if message.state == SENT:  # no receipt in time
                await undelivered(session, message, self._carriers, f"{message.provider} gave no receipt", now)
            if message.state == QUEUED:
                message.next_attempt_at = now + _LEASE_S
                taken.append(message)
        return taken

    async def _deliver(self, message: Message) -> None:
        async with self._turn:
            try:
                outgoing = Outgoing(message.id, message.kind, message.address, await self._text(message))
                now = self._clock.now()
                took = await self._carriers.hand_over(outgoing, message.channel, message.provider, now)
            except (DeliveryFailed, CloudError) as error:
                waits = isinstance(error, (NobodyToDeliver, Unavailable))
                await self._failed(message.id, str(error)[:_REASON_LENGTH_MAX], waits)
            except Exception as error:  # whatever is wrong with one message, those behind it go out
                _log.exception("a message fails", message=message.id)
                await self._failed(message.id, f"the cloud failed on it: {type(error).__name__}")
            else:
                await self._handed_over(message.id, took)

    async def _text(self, message: Message) -> str:
        if message.vend_id is None or _PLACE_OF_DIGITS not in message.text:
            return message.text
        async with self._database.begin() as session:
            tokens = await vending.tokens_of(
                session, self._key_store, system("outbox"), message.vend_id, self._clock.now()
            )
        return message.text.replace(_PLACE_OF_DIGITS, ", ".join(grouped(digits) for digits in tokens))

    async def _handed_over(self, message_id: int, took: Carrier) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            message = await session.get_one(Message, message_id, with_for_update=True)
            if message.state != QUEUED:  # its receipt was faster
                return
            message.attempts, message.last_error = message.attempts + 1, None
            message.provider, message.sent_at = took.name, now
            if took.receipt_key is None:
                message.state, message.delivered_at = DELIVERED, now
            else:
                message.state, message.next_attempt_at = SENT, now + RECEIPT_WAIT_S

    async def _failed(self, message_id: int, reason: str, waits: bool = False) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            message = await session.get_one(Message, message_id, with_for_update=True)
            if message.state != QUEUED:
                return
            message.attempts = min(message.attempts + 1, ATTEMPTS_MAX - 1) if waits else message.attempts + 1
            message.last_error = reason
            if message.attempts >= ATTEMPTS_MAX:
                await dead_letters.give_up(session, message, self._carriers, reason, now)
            else:
                message.next_attempt_at = now + retry_after_s(message.attempts)


async def undelivered(session: AsyncSession, message: Message, carriers: Carriers, reason: str, now: int) -> None:
    """A provider that took a locked message did not bring it: the next one does, or it is given up."""
    message.tried += 1
    message.last_error = reason[:_REASON_LENGTH_MAX]
    if message.tried < carriers.count(message.channel):
        message.state, message.next_attempt_at = QUEUED, now
    else:
        await dead_letters.give_up(session, message, carriers, message.last_error, now)
