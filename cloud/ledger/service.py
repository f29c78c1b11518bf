"""Taking messages in: who sent them, how they continue a ledger, what they claim; all in one transaction.

A message that fails is set aside and never stops another. What a gateway is told is told after the commit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession
from structlog import get_logger

from cloud.commands import service as commands
from cloud.db import Database
from cloud.errors import Unavailable
from cloud.ledger import cases, intake, store
from cloud.ledger.directory import Directory
from cloud.ledger.messages import (
    FROZEN,
    INTERNAL,
    UNKNOWN_GATEWAY,
    Author,
    Document,
    Hello,
    ImageRequest,
    Message,
    Readings,
    Refusal,
    SignedBatch,
    authenticate,
)
from cloud.ledger.pace import Pace
from cloud.ledger.rules import Position
from cloud.updates import releases
from cloud.vending.store import KeyStore
from shared import kinds
from shared.in_force import InForce

TOO_MUCH = "too much"
_HELLO_WEIGHT = 8
_log = get_logger("ledger")


@dataclass(frozen=True)
class Reply:
    """A document for `gw.<gateway>.down`."""

    gateway: int
    data: bytes


@dataclass
class Outcome:
    """What is to be sent now that messages are held, and the gateways that may take their next command.

    `later` are the places of messages that must come again: the database or the key store is away, or another worker
    was faster.
    """

    replies: list[Reply] = field(default_factory=list)
    heard: set[int] = field(default_factory=set)
    later: set[int] = field(default_factory=set)


@dataclass
class _Received:
    """A message with what became of it before the transaction: a document, or a refusal."""

    message: Message
    author: Author | None
    document: Document | None = None
    refusal: Refusal | None = None


class Ingest:
    """Takes messages in; one per process. Several processes may work on one stream."""

    def __init__(self, database: Database, key_store: KeyStore, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._database = database
        self._key_store = key_store
        self._directory = Directory(key_store)
        self._states = store.States()

    async def process(self, messages: Sequence[Message], now: int) -> Outcome:
        """Take messages in, in their order. Afterwards each is held, set aside, or in `later`; no error gets out."""
        try:
            return await self._together(messages, now)
        except Exception as error:
            # A key that cannot be used may be one gateway's: its messages wait, and hold up no other's.
            if len(messages) > 1 and (isinstance(error, Unavailable) or not _is_transient(error)):
                _log.warning("messages fail together", count=len(messages), exc_info=error)
                return await self._one_by_one(messages, now)
            return await self._alone(messages, error, now)

    async def _one_by_one(self, messages: Sequence[Message], now: int) -> Outcome:
        whole = Outcome()
        for index, message in enumerate(messages):
            part = await self.process([message], now)
            whole.replies += part.replies
            whole.heard |= part.heard
            whole.later |= {index} if part.later else set()
        return whole

    async def _alone(self, messages: Sequence[Message], error: Exception, now: int) -> Outcome:
        if _is_transient(error):
            _log.warning("messages come again", count=len(messages), error=type(error).__name__)
            return Outcome(later=set(range(len(messages))))
        try:
            return await self._set_aside(messages[0], error, now)
        except Exception:
            _log.exception("a message cannot even be set aside", gateway=messages[0].gateway)
            return Outcome(later={0})

    async def _set_aside(self, message: Message, error: Exception, now: int) -> Outcome:
        _log.error("a message fails", gateway=message.gateway, exc_info=error)
        reason = f"the cloud failed on it: {type(error).__name__}; see the log of {now}"
        async with self._database.begin() as session:
            await _refuse(session, message, None, Refusal(INTERNAL, reason, is_case=True), now)
        return Outcome()

    async def _together(self, messages: Sequence[Message], now: int) -> Outcome:
        admitted = [message for message in messages if self._pace.has_room(message.gateway, now)]
        if len(admitted) < len(messages):
            await self._report({message.gateway for message in messages} - {one.gateway for one in admitted}, now)
        return await self._admitted(admitted, now) if admitted else Outcome()

    async def _report(self, gateways: set[int], now: int) -> None:
        """Open a case about gateways that send too much, once an hour; what they sent is as if it had been lost."""
        news = [gateway for gateway in sorted(gateways) if self._pace.is_news(gateway, now)]
        if not news:
            return
        async with self._database.read() as session:
            authors = await self._directory.authors(session, set(news))
        async with self._database.begin() as session:
            for gateway in news:
                _log.warning("a gateway sends too much", gateway=gateway)
                author = authors.get(gateway)
                await cases.open_case(
                    session,
                    utility_id=author.utility if author else None,
                    gateway_id=gateway,
                    kind=TOO_MUCH,
                    detail="it sends more than any meter has to tell; what is above the limit is not taken in",
                    now=now,
                )

    async def _admitted(self, messages: Sequence[Message], now: int) -> Outcome:
        async with self._database.read() as session:
            authors = await self._directory.authors(session, {message.gateway for message in messages})
            known = await self._directory.documents(session)
        received = [_receive(message, authors.get(message.gateway)) for message in messages]
        async with self._database.begin() as session:
            outcome, positions = await self._take_in(session, received, known, now)
        for position in positions:
            self._states.put(position)
        for one in received:
            self._pace.spend(one.message.gateway, _weight(one), now)
        return outcome

    async def _take_in(
        self, session: AsyncSession, received: list[_Received], known: dict[int, InForce], now: int
    ) -> tuple[Outcome, list[Position]]:
        genuine = [one.document.author for one in received if one.document is not None]
        positions = await store.lock(session, self._states, genuine, now) if genuine else {}
        outcome = Outcome()
        carried_out: dict[tuple[int, int], int] = defaultdict(int)
        for one in received:
            author = one.author
            try:
                if one.document is None or author is None:
                    raise one.refusal or Refusal(UNKNOWN_GATEWAY, "no author")
                key = (author.gateway, author.epoch)
                desk = intake.Desk(
                    session, self._key_store, positions[key], known.get(author.utility) or InForce(), now
                )
                outcome.replies += [
                    Reply(author.gateway, data) for data in await _answer(desk, one.document, one.message.arrived_at)
                ]
                if isinstance(one.document, Hello):
                    outcome.heard.add(author.gateway)
                elif isinstance(one.document, SignedBatch):
                    if any(entry.kind == kinds.COMMAND for entry in one.document.entries):
                        outcome.heard.add(author.gateway)
                    carried_out[key] = max(carried_out[key], one.document.batch.fields["command_counter"])
            except Refusal as refusal:
                await _refuse(session, one.message, author, refusal, now)
        await store.save(session, positions.values(), now)
        await commands.resume_above(session, {key: number for key, number in carried_out.items() if number})
        return outcome, list(positions.values())


def _weight(one: _Received) -> int:
    """Return what a message costs its gateway, in entries; a hello is answered with a signature."""
    if isinstance(one.document, SignedBatch):
        return len(one.document.entries)
    if isinstance(one.document, Readings):
        return len(one.document.records)
    if isinstance(one.document, ImageRequest):
        return one.document.count
    return _HELLO_WEIGHT


async def _answer(desk: intake.Desk, document: Document, arrived_at: int) -> list[bytes]:
    if desk.position.frozen:
        raise Refusal(FROZEN, f"epoch {desk.position.epoch} is frozen; close its case and enrol the gateway again")
    if isinstance(document, Hello):
        return await intake.hello(desk, document)
    if isinstance(document, Readings):
        return await intake.readings(desk, document)
    if isinstance(document, ImageRequest):
        wanted = (document.image, document.offset, document.count)
        return await releases.serve(desk.session, document.author.gateway, *wanted, desk.now)
    return await intake.batch(desk, document, arrived_at)


def _receive(message: Message, author: Author | None) -> _Received:
    try:
        return _Received(message, author, authenticate(message, author))
    except Refusal as refusal:
        return _Received(message, author, refusal=refusal)


async def _refuse(session: AsyncSession, message: Message, author: Author | None, refusal: Refusal, now: int) -> None:
    utility_id = author.utility if author else None
    kept = await cases.quarantine(session, message, refusal, utility_id=utility_id, now=now)
    _log.warning("message set aside", gateway=message.gateway, code=refusal.code, quarantine=kept)
    if refusal.is_case:
        await cases.open_case(
            session,
            utility_id=utility_id,
            gateway_id=message.gateway,
            kind=refusal.code,
            detail=refusal.reason,
            now=now,
            epoch=author.epoch if author else 0,
            quarantine_id=kept,
        )


def _is_transient(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        text = str(error.orig).lower()
        return error.connection_invalidated or any(word in text for word in _TRANSIENT)
    return isinstance(error, (Unavailable, store.HeadMoved, OSError, PoolTimeout))


_TRANSIENT = ("locked", "busy", "connection", "deadlock", "serializ", "shutting down", "starting up", "is full")
