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
from cloud.notify.models import DELIVERED, FAILED, QUEUED, Message
from cloud.notify.provider import DeliveryFailed, NobodyToDeliver, Outgoing, Provider
from cloud.notify.texts import grouped
from cloud.vending import service as vending
from cloud.vending.store import KeyStore

ATTEMPTS_MAX = 12
_BATCH = 50
_LEASE_S = 120
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

    def __init__(self, database: Database, key_store: KeyStore, provider: Provider, clock: Clock) -> None:
        self._database = database
        self._key_store = key_store
        self._provider = provider
        self._clock = clock

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
        for message in due:
            await self._deliver(message)
        return len(due)

    async def _take(self, session: AsyncSession) -> Sequence[Message]:
        now = self._clock.now()
        due = select(Message).where(Message.state == QUEUED, Message.next_attempt_at <= now)
        due = due.order_by(Message.next_attempt_at, Message.id).limit(_BATCH).with_for_update(skip_locked=True)
        messages = (await session.scalars(due)).all()
        for message in messages:
            message.next_attempt_at = now + _LEASE_S
        return messages

    async def _deliver(self, message: Message) -> None:
        try:
            text = await self._text(message)
            await self._provider.send(Outgoing(message.id, message.kind, message.address, text))
        except (DeliveryFailed, CloudError) as error:
            waits = isinstance(error, (NobodyToDeliver, Unavailable))
            await self._note(message.id, str(error)[:_REASON_LENGTH_MAX], waits)
        except Exception as error:  # whatever is wrong with one message, those behind it go out
            _log.exception("a message fails", message=message.id)
            await self._note(message.id, f"the cloud failed on it: {type(error).__name__}")
        else:
            await self._note(message.id, None)

    async def _text(self, message: Message) -> str:
        if message.vend_id is None or _PLACE_OF_DIGITS not in message.text:
            return message.text
        async with self._database.begin() as session:
            tokens = await vending.tokens_of(
                session, self._key_store, system("outbox"), message.vend_id, self._clock.now()
            )
        return message.text.replace(_PLACE_OF_DIGITS, ", ".join(grouped(digits) for digits in tokens))

    async def _note(self, message_id: int, reason: str | None, waits: bool = False) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            message = await session.get_one(Message, message_id)
            message.attempts = min(message.attempts + 1, ATTEMPTS_MAX - 1) if waits else message.attempts + 1
            message.last_error = reason
            if reason is None:
                message.state, message.delivered_at = DELIVERED, now
            elif message.attempts >= ATTEMPTS_MAX:
                message.state = FAILED
                _log.error("message given up", message=message.id, utility=message.utility_id, reason=reason)
            else:
                message.next_attempt_at = now + retry_after_s(message.attempts)
