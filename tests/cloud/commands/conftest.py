"""A town in a fresh database of each kind, an ingest, and a dispatcher whose sendings are collected."""

import asyncio

import pytest

from cloud.commands.dispatcher import Dispatcher
from cloud.db import Database
from cloud.ledger.service import Ingest
from tests.fakes.utility import Town


class Sent:
    """A dispatcher, and what it has sent to whom."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.documents: list[tuple[int, bytes]] = []
        self.dispatcher = Dispatcher(town.database, town.key_store, self, self._publish, asyncio.Event())

    def now(self) -> int:
        """The town's time."""
        return self._town.now

    async def _publish(self, gateway: int, data: bytes) -> None:
        self.documents.append((gateway, data))

    async def round(self) -> list[tuple[int, bytes]]:
        """Let it look once; what it sent."""
        self.documents.clear()
        await self.dispatcher.round()
        return list(self.documents)


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility."""
    return await Town(any_database).found()


@pytest.fixture
def ingest(town: Town) -> Ingest:
    """The ingest of one worker."""
    return Ingest(town.database, town.key_store)


@pytest.fixture
def sent(town: Town) -> Sent:
    """A dispatcher at work."""
    return Sent(town)
