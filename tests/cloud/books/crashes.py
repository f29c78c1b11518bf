"""Ends an operation between any two statements that it sends to the database, its commit among them."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


class Crash(Exception):
    """The program ended here."""


@contextlib.contextmanager
def crashing(engine: Engine, at: int | None) -> Iterator[None]:
    """Raise Crash before the statement or commit of this number, counted from 1; None lets everything through."""
    seen = 0

    def count(*_args: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            raise Crash

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)
