"""A street in a fresh database of each kind."""

import pytest

from cloud.db import Database
from tests.cloud.accounts.street import Street
from tests.fakes.utility import Town


@pytest.fixture
async def street(any_database: Database) -> Street:
    """A street of a small town."""
    return Street(await Town(any_database).found())
