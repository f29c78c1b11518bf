"""Aliases: what the customers of a town are used to type, as queries of this meter. The table comes with the policy.

A typed entry that ends in `#` is looked up whole; 20 digits are a token whatever the table says.
"""

from shared.compat import const
from shared.errors import WireError
from shared.wire import write_unsigned

LENGTH_MAX = const(19)  # one digit less than a token

_HEAD = const(2)
_HASH = const(0x23)


def encode(rows: "list[tuple[int, str]]") -> bytes:
    """Rows of (query code, characters) as they stand in a policy; WireError says which row is wrong.

    Characters are digits, with `#` before them, behind them, both or neither; `7#` and `7` are the same entry.
    """
    data = b""
    for code, text in rows:
        data += write_unsigned(code, 1, "alias code") + write_unsigned(len(text), 1, "alias length") + text.encode()
    check(data)
    return data


def find(data: bytes, typed: str) -> int:
    """The query code for what was typed before the closing `#`, or -1. A query's opening `#` belongs to it."""
    wanted = typed.encode()
    at = 0
    while at < len(data):
        end = at + _HEAD + data[at + 1]
        if _typed(data[at + _HEAD : end]) == wanted:
            return data[at]
        at = end
    return -1


def check(data: bytes) -> None:
    """WireError says which row is none, or is there twice."""
    seen: list[bytes] = []
    at = 0
    while at < len(data):
        number = len(seen)
        if at + _HEAD > len(data) or at + _HEAD + data[at + 1] > len(data):
            raise WireError(f"aliases: row {number} is cut off")
        end = at + _HEAD + data[at + 1]
        typed = _typed(data[at + _HEAD : end])
        digits = typed[1:] if typed[:1] == b"#" else typed
        if not digits or not all(0x30 <= digit <= 0x39 for digit in digits):
            raise WireError(f"aliases: row {number} must be digits, with # before or behind them or not")
        if len(digits) > LENGTH_MAX:
            raise WireError(f"aliases: row {number} has {len(digits)} digits, {LENGTH_MAX} is the most")
        if typed in seen:
            raise WireError(f"aliases: row {number} is there twice")
        seen.append(typed)
        at = end


def _typed(characters: bytes) -> bytes:
    """What is typed before the `#` that ends every entry."""
    return characters[:-1] if len(characters) > 1 and characters[-1] == _HASH else characters
