"""A sealed box: bytes that only the holder of one X25519 key can read, and only in the context they were sealed for.

Layout: version u8 = 1, ephemeral public key 32, iv 16, ciphertext (AES-256-CBC, PKCS#7), HMAC-SHA-256 32.
Rule: nothing is decrypted before the HMAC over all of it, the context and the recipient has been found right.
"""

from shared.compat import aes256_cbc_decrypt, aes256_cbc_encrypt, const
from shared.errors import SharedError
from shared.hkdf import hkdf_sha256
from shared.hmac import hmac_sha256, same
from shared.slices import finish
from shared.x25519 import PublicKeyError, x25519_steps
from shared.x25519 import public_key as x25519_public_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

_VERSION = const(1)
_KEY_LENGTH = const(32)
_IV_LENGTH = const(16)
_MAC_LENGTH = const(32)
_BLOCK_LENGTH = const(16)
_IV_OFFSET = const(33)
_CIPHERTEXT_OFFSET = const(49)
_INFO = b"penstock seal v1"

# A sealed box is longer than its plaintext by 82 to 97 bytes.
SEALED_LENGTH_MIN = const(97)


class SealError(SharedError):
    """A sealed box that cannot be opened: damaged, forged, or meant for another key or context."""


def seal(recipient_public: bytes, ephemeral_secret: bytes, iv: bytes, context: bytes, plaintext: bytes) -> bytes:
    """Return plaintext sealed to a 32-byte X25519 public key, to be opened with the same context only.

    ephemeral_secret (32 bytes) and iv (16 bytes) are fresh random bytes for every call, and forgotten after it.
    Raises PublicKeyError for a recipient key of wrong length or small order.
    """
    assert len(iv) == _IV_LENGTH, "an AES iv has 16 bytes"
    ephemeral_public = x25519_public_key(ephemeral_secret)
    shared_secret = finish(x25519_steps(ephemeral_secret, recipient_public))
    aes_key, mac_key = _keys(shared_secret, ephemeral_public, recipient_public, context)
    ciphertext = aes256_cbc_encrypt(aes_key, iv, _padded(plaintext))
    body = bytes([_VERSION]) + ephemeral_public + iv + ciphertext
    return body + hmac_sha256(mac_key, body, context, recipient_public)


def open_sealed(recipient_secret: bytes, recipient_public: bytes, context: bytes, sealed: bytes) -> bytes:
    """Return the plaintext of a sealed box; raises SealError on any change of the box, the key or the context."""
    return finish(open_steps(recipient_secret, recipient_public, context, sealed))


def open_steps(
    recipient_secret: bytes, recipient_public: bytes, context: bytes, sealed: bytes
) -> "Generator[None, None, bytes]":
    """Return what open_sealed() returns; a generator that yields between slices."""
    _check_frame(sealed)
    ephemeral_public = sealed[1:_IV_OFFSET]
    try:
        shared_secret = yield from x25519_steps(recipient_secret, ephemeral_public)
    except PublicKeyError:
        raise SealError("sealed box has a weak ephemeral key; ask for it to be sealed again")
    aes_key, mac_key = _keys(shared_secret, ephemeral_public, recipient_public, context)
    body = sealed[:-_MAC_LENGTH]
    if not same(hmac_sha256(mac_key, body, context, recipient_public), sealed[-_MAC_LENGTH:]):
        raise SealError("sealed box does not match this key and context; ask for it to be sealed again")
    padded = aes256_cbc_decrypt(aes_key, sealed[_IV_OFFSET:_CIPHERTEXT_OFFSET], body[_CIPHERTEXT_OFFSET:])
    return _unpadded(padded)


def _check_frame(sealed: bytes) -> None:
    if len(sealed) < SEALED_LENGTH_MIN:
        raise SealError(f"sealed box has {len(sealed)} bytes, at least {SEALED_LENGTH_MIN} are needed")
    if (len(sealed) - _CIPHERTEXT_OFFSET - _MAC_LENGTH) % _BLOCK_LENGTH:
        raise SealError(f"sealed box of {len(sealed)} bytes is not made of whole blocks; it was cut")
    if sealed[0] != _VERSION:
        raise SealError(f"sealed box has version {sealed[0]}, only {_VERSION} is known")


def _keys(
    shared_secret: bytes, ephemeral_public: bytes, recipient_public: bytes, context: bytes
) -> tuple[bytes, bytes]:
    """Return the AES key and the MAC key, 32 bytes each, of this box alone."""
    both = hkdf_sha256(shared_secret, ephemeral_public + recipient_public, _INFO + context, 2 * _KEY_LENGTH)
    return both[:_KEY_LENGTH], both[_KEY_LENGTH:]


def _padded(plaintext: bytes) -> bytes:
    """Return plaintext with 1 to 16 bytes added, each telling how many (PKCS#7, RFC 5652 section 6.3)."""
    count = _BLOCK_LENGTH - len(plaintext) % _BLOCK_LENGTH
    return plaintext + bytes([count]) * count


def _unpadded(padded: bytes) -> bytes:
    """Return the plaintext. The HMAC was right, so wrong padding is the sealer's mistake and no oracle."""
    count = padded[-1]
    if not 0 < count <= _BLOCK_LENGTH or padded[-count:] != bytes([count]) * count:
        raise SealError("sealed box was padded wrongly by its sealer; ask for it to be sealed again")
    return padded[:-count]
