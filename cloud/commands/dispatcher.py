"""Sends commands: to each gateway its oldest outstanding one, when queued, at a hello, and again until it is done.

A command is signed when it is sent, under the nonce of the gateway's present start, so no signed token rests anywhere.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession
from structlog import get_logger

from cloud.auth.actor import system
from cloud.clock import Clock
from cloud.commands import service
from cloud.commands.models import Command
from cloud.db import Database
from cloud.vending import voiding
from cloud.vending.key_change import section_of
from cloud.vending.models import Vend
from cloud.vending.service import token_of
from cloud.vending.store import COMMAND, KeyStore
from shared import documents
from shared.documents import COMMAND_TOKEN, TOKEN_PAYLOAD

_LOOK_EVERY_S = 1
_TIDY_EVERY_S = 15
_RETRY_FIRST_S = 15
_RETRY_LONGEST_S = 3600
_GATEWAYS_A_ROUND = 500
_log = get_logger("commands")

Publish = Callable[[int, bytes], Awaitable[None]]
"""Sends a document to `gw.<gateway>.down`."""


async def signed(session: AsyncSession, key_store: KeyStore, command: Command, now: int) -> bytes:
    """The PScmd001 document of a command with its signature, for the gateway's present start; notes its predecessor."""
    payload = await _payload(session, key_store, command, now)  # before the counter: a sale locks in this order too
    counter = await service.locked_counter(session, command.gateway_id, command.epoch)
    command.previous = min(counter.carried_out, command.counter - 1)
    document = documents.COMMAND.encode(
        utility=command.utility_id,
        gateway=command.gateway_id,
        epoch=command.epoch,
        counter=command.counter,
        previous=command.previous,
        issued_s=command.issued_at,
        expires_s=command.expires_at,
        boot_nonce=counter.boot_nonce or documents.NO_NONCE,
        kind=command.kind,
        payload=payload,
    )
    return document + await key_store.sign(session, command.utility_id, COMMAND, document)


async def _payload(session: AsyncSession, key_store: KeyStore, command: Command, now: int) -> bytes:
    if command.kind != COMMAND_TOKEN:
        assert command.payload is not None, "a document travels as it was queued"
        return command.payload
    assert command.channel is not None, "a token is for a meter"
    check, digits = await _token(session, key_store, command, now)
    return TOKEN_PAYLOAD.encode(channel=command.channel, key_check=check, token=int(digits))


async def _token(session: AsyncSession, key_store: KeyStore, command: Command, now: int) -> tuple[int, str]:
    """The check value of the key that a token is under, and its digits."""
    actor = system("commands")
    if command.key_change_id is not None and command.section is not None:
        made = await section_of(session, key_store, actor, command.key_change_id, command.section, now)
        return made.key_check, made.digits
    if command.void_vend_id is not None:
        made = await voiding.token_of(session, key_store, actor, command.void_vend_id, now)
        return made.key_check, made.digits
    vend = await session.get_one(Vend, command.vend_id)
    return vend.key_check, await token_of(session, key_store, actor, vend.id, now)


class Dispatcher:
    """One per process; several may run, as a command that arrives twice is carried out once. `looks` ends a wait."""

    def __init__(
        self, database: Database, key_store: KeyStore, clock: Clock, publish: Publish, looks: asyncio.Event
    ) -> None:
        self._database = database
        self._key_store = key_store
        self._clock = clock
        self._publish = publish
        self._looks = looks
        self._tidied_at = 0

    async def run(self) -> None:
        """Send until cancelled; trouble with one round is logged and tried again in the next."""
        while True:
            self._looks.clear()
            try:
                await self.round()
            except Exception:
                _log.exception("a round of commands failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._looks.wait()

    async def round(self) -> None:
        """Send the next command of each gateway that is due."""
        now = self._clock.now()
        await self._tidy(now)
        async with self._database.read() as session:
            due = await service.gateways_due(session, now, _GATEWAYS_A_ROUND)
        for gateway_id in due:
            try:
                await self._send_next(gateway_id, now)
            except Exception:
                _log.exception("a command was not sent", gateway=gateway_id)
                await self._put_off(gateway_id, now)

    async def _put_off(self, gateway_id: int, now: int) -> None:
        # What cannot be signed goes behind the others, or it would be first in every round.
        async with self._database.begin() as session:
            await service.set_due(session, gateway_id, now + _RETRY_FIRST_S)

    async def _tidy(self, now: int) -> None:
        if now - self._tidied_at >= _TIDY_EVERY_S:
            async with self._database.begin() as session:
                await service.tidy(session, now)
            self._tidied_at = now

    async def _send_next(self, gateway_id: int, now: int) -> None:
        async with self._database.begin() as session:
            command = await service.next_for(session, gateway_id, now)
            if command is None:
                return
            if command.due_at > now:
                await service.set_due(session, gateway_id, command.due_at)
                return
            data = await signed(session, self._key_store, command, now)
            command.status, command.sent_at = service.SENT, now
            command.sent_times += 1
            await session.flush()
            await service.set_due(session, gateway_id, now + _wait_s(command.sent_times))
        await self._publish(gateway_id, data)
        _log.info("command sent", gateway=gateway_id, counter=command.counter, kind=command.kind)


def _wait_s(sent_times: int) -> int:
    # A gateway that is away says hello when it is back; until then there is no point in asking often.
    return min(_RETRY_FIRST_S << min(sent_times - 1, 10), _RETRY_LONGEST_S)
