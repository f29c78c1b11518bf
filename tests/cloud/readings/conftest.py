"""The fixtures of the ledger's tests: readings come by the same door."""

from tests.cloud.ledger.conftest import ingest, town

__all__ = ["ingest", "town"]
