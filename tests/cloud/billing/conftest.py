"""A village in a fresh database of each kind."""

import pytest

from cloud.db import Database
from tests.cloud.billing.village import Village


@pytest.fixture
async def village(any_database: Database) -> Village:
    """A utility that bills."""
    return await Village(any_database).found()
