"""The hash of an audit entry: SHA-256 over the hash before it and the entry as canonical JSON."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GENESIS = bytes(32)


def entry_hash(
    previous: bytes,
    chain: int,
    sequence: int,
    at: int,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
) -> bytes:
    """Return the 32-byte hash that commits to this entry and, through `previous`, to all before it."""
    fields = [chain, sequence, at, actor, action, subject, detail]
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(previous + canonical.encode()).digest()
