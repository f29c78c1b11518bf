"""Ed25519 signatures (RFC 8032 section 5.1), whole or in slices.

Not constant-time: Python's integers take longer for longer numbers, and no Python code can change that. What can be
done is done: a signature always performs the same additions and doublings. Whoever can time the interpreter's single
steps may still learn something about the key; docs/crypto.md says why that is accepted here.

Stricter than RFC 8032 where the RFC leaves a choice: a scalar S >= L, an encoding with y >= P or with x = 0 and the
sign bit set, and public keys or R of small order are refused. The equation is the one without the cofactor.
"""

from shared.compat import const
from shared.edwards25519 import (
    COMB_STEPS,
    IDENTITY,
    L,
    add,
    add_comb_step,
    comb_signs,
    decode_steps,
    double,
    encode_steps,
    negated,
    prepared,
    times_base_steps,
)
from shared.field25519 import P
from shared.sha512 import sha512_steps
from shared.slices import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from shared.edwards25519 import Addend, Point

SEED_LENGTH = const(32)
PUBLIC_LENGTH = const(32)
SIGNATURE_LENGTH = const(64)

_SCALAR_BITS = const(253)
_WINDOW = const(16)  # digits of k are odd and between -15 and 15
_DOUBLINGS_PER_SLICE = const(4)
_SIGN_BIT = 1 << 255
# y of one point of order 8; the others have -y, and the orders 4, 2 and 1 have y = 0, -1 and 1.
_Y_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = (0, 1, P - 1, _Y_ORDER_8, P - _Y_ORDER_8)


def public_key(seed: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte seed."""
    return finish(public_key_steps(seed))


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of message; computes the public key first, which doubles the time."""
    return finish(sign_steps(seed, public_key(seed), message))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether signature is public's on message; False, never an error, for anything malformed."""
    return finish(verify_steps(public, message, signature))


def public_key_steps(seed: bytes) -> "Generator[None, None, bytes]":
    """Return the 32-byte public key of a 32-byte seed; a generator that yields between slices."""
    scalar, _ = yield from _expanded(seed)
    return (yield from _times_base_encoded(scalar))


def sign_steps(seed: bytes, public: bytes, message: bytes) -> "Generator[None, None, bytes]":
    """Return the 64-byte signature of message; a generator that yields between slices.

    public must be the seed's own public key, from public_key(): two signatures of one message under different public
    keys give the secret scalar away, so it must never come from outside the device.
    """
    assert len(public) == PUBLIC_LENGTH, "an Ed25519 public key has 32 bytes"
    scalar, prefix = yield from _expanded(seed)
    nonce = _scalar_of((yield from sha512_steps(prefix, message)))
    commitment = yield from _times_base_encoded(nonce)
    challenge = _scalar_of((yield from sha512_steps(commitment, public, message)))
    return commitment + ((nonce + challenge * scalar) % L).to_bytes(32, "little")


def verify_steps(public: bytes, message: bytes, signature: bytes) -> "Generator[None, None, bool]":
    """Tell whether signature is public's on message; a generator that yields between slices."""
    if not well_formed(public, signature):
        return False
    key = yield from decode_steps(public)
    if key is None:
        return False
    commitment = signature[:32]
    challenge = _scalar_of((yield from sha512_steps(commitment, public, message)))
    scalar = int.from_bytes(signature[32:], "little")
    point = yield from _commitment_steps(key, challenge, scalar)
    return bytes(commitment) == (yield from encode_steps(point))


def well_formed(public: bytes, signature: bytes) -> bool:
    """Tell whether the pair passes the tests that need no curve arithmetic.

    They are: the lengths, S < L, and neither the public key nor R of small order or with y >= P. A verifier that
    uses another library asks this first, so that both accept exactly the same signatures.
    """
    if len(public) != PUBLIC_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    return _acceptable_y(public) and _acceptable_y(signature[:32])


def _acceptable_y(encoding: bytes) -> bool:
    y = int.from_bytes(encoding, "little") & (_SIGN_BIT - 1)
    return y < P and y not in _SMALL_ORDER_Y


def _expanded(seed: bytes) -> "Generator[None, None, tuple[int, bytes]]":
    """Return the secret scalar modulo L and the 32-byte prefix (RFC 8032 section 5.1.5)."""
    assert len(seed) == SEED_LENGTH, "an Ed25519 seed has 32 bytes"
    digest = yield from sha512_steps(seed)
    clamped = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return clamped % L, digest[32:]


def _scalar_of(digest: bytes) -> int:
    return int.from_bytes(digest, "little") % L


def _times_base_encoded(scalar: int) -> "Generator[None, None, bytes]":
    point = yield from times_base_steps(scalar)
    return (yield from encode_steps(point))


def _commitment_steps(key: "Point", challenge: int, scalar: int) -> "Generator[None, None, Point]":
    """Return scalar B - challenge key, which is R if the signature is good.

    One chain of doublings serves both: the comb's eight steps fall on the last eight of them.
    """
    multiples = yield from _odd_multiples(key)
    digits = _window_digits(challenge)
    signs = comb_signs(scalar)
    yield
    point = IDENTITY
    for i in range(len(digits) - 1, -1, -1):
        point = double(point)
        digit = digits[i] - _WINDOW
        if digit > 0:
            point = add(point, negated(multiples[digit >> 1]))
        elif digit < 0:
            point = add(point, multiples[-digit >> 1])
        if i < COMB_STEPS:
            point = yield from add_comb_step(point, signs, i)
        elif i % _DOUBLINGS_PER_SLICE == 0:
            yield
    return point


def _odd_multiples(point: "Point") -> "Generator[None, None, list[Addend]]":
    """Return the point times 1, 3, 5 ... 15."""
    twice = prepared(double(point))
    multiples = [prepared(point)]
    for i in range(1, _WINDOW // 2):
        if i % 3 == 0:
            yield
        point = add(point, twice)
        multiples.append(prepared(point))
    yield
    return multiples


def _window_digits(scalar: int) -> bytearray:
    """Return digits d, each stored as d + 16, with scalar = sum of d 2**i; d is 0 or odd, nonzero at most every 5th."""
    digits = bytearray(bytes([_WINDOW]) * (_SCALAR_BITS + 1))
    i = 0
    while scalar:
        if scalar & 1:
            digit = scalar & (2 * _WINDOW - 1)
            if digit > _WINDOW:
                digit -= 2 * _WINDOW
            scalar -= digit
            digits[i] = digit + _WINDOW
        scalar >>= 1
        i += 1
    return digits
