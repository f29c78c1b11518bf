"""The heads of the audit chains, published to a file outside the database: a line of JSON a day, on the one before.

Who can write the database can write a chain anew from any entry on, with hashes that fit; the heads that were
published before, kept where that person cannot write, show it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAY_S = 86400
_NOTHING_BEFORE = "0" * 64


@dataclass(frozen=True)
class Published:
    """What a heads file says: of each chain the hash at a sequence and when it was published; and what is wrong."""

    at: int | None = None
    hash: str = _NOTHING_BEFORE
    heads: dict[int, dict[int, tuple[bytes, int]]] = field(default_factory=dict)
    fault: str | None = None

    def of_chain(self, chain: int) -> Mapping[int, tuple[bytes, int]]:
        """Return the published heads of a chain: sequence to (hash, time)."""
        return self.heads.get(chain, {})

    def is_due(self, now: int) -> bool:
        """Tell whether another day (UTC) has begun since the last line."""
        return self.at is None or now // DAY_S > self.at // DAY_S


def read(path: Path) -> Published:
    """Return what the file says; one that is not there says nothing. OSError if it cannot be read."""
    try:
        return _parsed(path.read_text(errors="replace"))
    except FileNotFoundError:
        return Published()


def publish(path: Path, heads: Iterable[tuple[int, int, bytes]], now: int) -> bool:
    """Append the heads (chain, sequence, hash) and sync them; False when another process has done so today."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    with os.fdopen(descriptor, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read()
        last = _parsed(before.decode(errors="replace"))
        if not last.is_due(now):
            return False
        line = {"at": now, "previous": last.hash, "heads": [[chain, at, digest.hex()] for chain, at, digest in heads]}
        torn = b"\n" if before and not before.endswith(b"\n") else b""  # by a crash, in the middle of a line
        file.write(torn + json.dumps({**line, "hash": _hash(line)}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def _parsed(text: str) -> Published:
    found = Published()
    for number, raw in enumerate(text.splitlines(), 1):
        line = _line(raw)
        if line is None:  # torn by a crash, or damaged: then the next line does not follow from the one before
            found = Published(found.at, found.hash, found.heads, f"line {number} of the published heads is damaged")
            continue
        if line["previous"] != found.hash:
            told = found.fault or f"line {number} of the published heads does not follow from the line before it"
            return Published(found.at, found.hash, found.heads, told)
        for chain, sequence, digest in line["heads"]:
            found.heads.setdefault(chain, {})[sequence] = (bytes.fromhex(digest), line["at"])
        found = Published(line["at"], line["hash"], found.heads)
    return found


def _line(raw: str) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
        said = line.pop("hash")
        return {**line, "hash": said} if said == _hash(line) else None
    except (ValueError, KeyError, AttributeError):
        return None


def _hash(line: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
