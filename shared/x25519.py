"""X25519 key agreement (RFC 7748 section 5), whole or in slices.

Not constant-time, since Python's integers are not; the ladder does the same operations for every secret.
"""

from shared.compat import const
from shared.errors import SharedError
from shared.field25519 import P, invert_steps
from shared.slices import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

KEY_LENGTH = const(32)
_BASE_U = const(9)
_A24 = const(121665)  # (486662 - 2) / 4
_BITS_PER_SLICE = const(4)
_ALL_BITS_BUT_TOP = (1 << 255) - 1


class PublicKeyError(SharedError):
    """The other side's public key cannot be used: wrong length, or of small order, which would make the secret zero."""


def x25519(scalar: bytes, u: bytes) -> bytes:
    """Return the 32-byte secret shared by our 32-byte secret key and their 32-byte public key u.

    Raises PublicKeyError where it would be all zero (RFC 7748 section 6.1).
    """
    return finish(x25519_steps(scalar, u))


def public_key(secret: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte secret key."""
    return finish(x25519_steps(secret, _BASE_U.to_bytes(KEY_LENGTH, "little")))


def x25519_steps(scalar: bytes, u: bytes) -> "Generator[None, None, bytes]":
    """Return what x25519() returns; a generator that yields between slices."""
    assert len(scalar) == KEY_LENGTH, "an X25519 secret key has 32 bytes"
    if len(u) != KEY_LENGTH:
        raise PublicKeyError(f"X25519 public key must have 32 bytes, not {len(u)}")
    clamped = int.from_bytes(scalar, "little") & ((1 << 254) - 8) | (1 << 254)
    numerator, denominator = yield from _ladder(clamped, int.from_bytes(u, "little") & _ALL_BITS_BUT_TOP)
    shared_u = numerator * (yield from invert_steps(denominator)) % P
    if shared_u == 0:
        raise PublicKeyError("X25519 public key has small order; ask its owner for a new one")
    return shared_u.to_bytes(KEY_LENGTH, "little")


def _ladder(scalar: int, u: int) -> "Generator[None, None, tuple[int, int]]":
    """Return X and Z of scalar times the point with the coordinate u (RFC 7748 section 5, Montgomery's ladder).

    The pair is (n point, (n + 1) point) with n the bits of scalar read so far.
    """
    x_2, z_2, x_3, z_3 = 1, 0, u, 1
    for i in range(254, -1, -1):
        bit = scalar >> i & 1
        if bit:
            x_2, z_2, x_3, z_3 = x_3, z_3, x_2, z_2
        x_2, z_2, x_3, z_3 = _ladder_step(x_2, z_2, x_3, z_3, u)
        if bit:
            x_2, z_2, x_3, z_3 = x_3, z_3, x_2, z_2
        if i % _BITS_PER_SLICE == 0:
            yield
    return x_2, z_2


def _ladder_step(x_2: int, z_2: int, x_3: int, z_3: int, u: int) -> tuple[int, int, int, int]:
    """Return the double of the first point and the sum of both, whose difference has the coordinate u."""
    a = x_2 + z_2
    b = x_2 - z_2
    aa = a * a % P
    bb = b * b % P
    da = (x_3 - z_3) * a % P
    cb = (x_3 + z_3) * b % P
    e = aa - bb
    s = da + cb
    d = da - cb
    return aa * bb % P, e * (aa + _A24 * e) % P, s * s % P, d * d % P * u % P
