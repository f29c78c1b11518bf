"""HMAC-SHA-256 (RFC 2104) and the comparison of secrets; MicroPython has no hmac module, so this one is ours."""

import hashlib

from shared.compat import const

_BLOCK_LENGTH = const(64)
_INNER_PAD = const(0x36)
_OUTER_PAD = const(0x5C)


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA-256 of the parts joined, under a key of any length (RFC 2104 section 2).

    The parts are only joined: a caller whose parts vary in length must frame them itself.
    """
    if len(key) > _BLOCK_LENGTH:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK_LENGTH - len(key))
    inner = hashlib.sha256(_padded(key, _INNER_PAD))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256(_padded(key, _OUTER_PAD))
    outer.update(inner.digest())
    return outer.digest()


def same(a: bytes, b: bytes) -> bool:
    """Tell whether a equals b in a time that depends on their lengths only, never on where they first differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0


def _padded(key: bytes, pad: int) -> bytes:
    return bytes([byte ^ pad for byte in key])
