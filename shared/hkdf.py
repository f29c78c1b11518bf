"""HKDF with SHA-256 (RFC 5869): turns one secret into keys that are independent of each other."""

from shared.compat import const
from shared.hmac import hmac_sha256

_HASH_LENGTH = const(32)
_LENGTH_MAX = const(255 * 32)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Return length bytes (1 to 8160) from secret; info names the use, salt may be empty (RFC 5869 section 2)."""
    assert 0 < length <= _LENGTH_MAX, "HKDF-SHA-256 gives 1 to 8160 bytes"
    pseudorandom_key = hmac_sha256(salt or bytes(_HASH_LENGTH), secret)
    output = block = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac_sha256(pseudorandom_key, block, info, bytes([counter]))
        output += block
    return output[:length]
