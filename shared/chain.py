"""The hash chain over entries: each link covers the one before, so no entry can be changed, dropped or put in."""

import hashlib

from shared.entries import BODY_SIZE
from shared.errors import ChainError
from shared.wire import Layout

_GENESIS = Layout(b"PSchain1", (("utility", "u4"), ("gateway", "u4"), ("epoch", "u2"), ("device_public", "b32")))
_ENTRY_TAG = b"PSentry1"


def genesis(utility: int, gateway: int, epoch: int, device_public: bytes) -> bytes:
    """The head (32 bytes) before the first entry of an epoch; it binds the chain to one device key."""
    document = _GENESIS.encode(utility=utility, gateway=gateway, epoch=epoch, device_public=device_public)
    return hashlib.sha256(document).digest()


def link(head: bytes, body: bytes) -> bytes:
    """The head (32 bytes) after an entry of 42 bytes; on flash its first 16 bytes stand behind the entry."""
    return hashlib.sha256(_ENTRY_TAG + head + body).digest()


def run(head: bytes, bodies: bytes) -> bytes:
    """The head after entries laid end to end; ChainError when they are not whole entries."""
    if len(bodies) % BODY_SIZE:
        raise ChainError(f"{len(bodies)} bytes are not whole entries of {BODY_SIZE}")
    for at in range(0, len(bodies), BODY_SIZE):
        head = link(head, bodies[at : at + BODY_SIZE])
    return head
