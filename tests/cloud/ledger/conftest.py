"""A town in a fresh database of each kind, and an ingest over it."""

import pytest

from cloud.db import Database
from cloud.ledger.service import Ingest
from tests.fakes.utility import Town


@pytest.fixture
async def town(any_database: Database) -> Town:
    """A utility."""
    return await Town(any_database).found()


@pytest.fixture
def ingest(town: Town) -> Ingest:
    """The ingest of one worker."""
    return Ingest(town.database, town.key_store)
