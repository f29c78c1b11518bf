"""A receipt as lines of text, 40 columns, as a small printer takes them."""

import textwrap
from collections.abc import Iterable, Iterator

from cloud.vending.receipt_lines import Row

_WIDTH = 40


def text(rows: Iterable[Row]) -> str:
    """Return the receipt; what does not fit one line goes on in the next."""
    return "\n".join(line for row in rows for line in _lines(row)) + "\n"


def _lines(row: Row) -> Iterator[str]:
    if row.look == "rule":
        yield "-" * _WIDTH
    elif len(row.left) + len(row.right) < _WIDTH:
        yield f"{row.left} {row.right.rjust(_WIDTH - len(row.left) - 1)}" if row.right else row.left
    else:
        yield from _wrapped(row.left)
        yield from (line.rjust(_WIDTH) for line in _wrapped(row.right))


def _wrapped(words: str) -> list[str]:
    """Broken at spaces: a hyphen belongs to a name or a number that somebody may have to type."""
    return textwrap.wrap(words, _WIDTH, break_on_hyphens=False)
