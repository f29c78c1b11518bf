"""The group of Ed25519: -x**2 + y**2 = 1 + d x**2 y**2 modulo 2**255 - 19 (RFC 8032 section 5.1).

A point is a tuple (X, Y, Z, T) with x = X/Z, y = Y/Z, x y = T/Z. An addend is prepared once as
(Y + X, Y - X, 2 d T, 2 Z), because the formulas (RFC 8032 section 5.1.4) use it only in that form.
"""

from shared.compat import const
from shared.ed25519_comb import COMB
from shared.field25519 import P, invert_steps, power_p58_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    Point = tuple[int, int, int, int]
    Addend = tuple[int, int, int, int]

# Order of the base point, 2**252 + 27742317777372353535851937790883648493.
L = 0x1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED
D = 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
_SQRT_MINUS_1 = 0x2B8324804FC1DF0B2B4D00993DFBD7A72F431806AD2FE478C4EE1B274A0EA0B0
_SIGN_BIT = 1 << 255
IDENTITY = (0, 1, 1, 0)

# The comb: the 258 signs of a scalar stand in 6 rows (teeth) of 43 columns; a column is one addition.
# Column c is looked up in table c // 8, which is why 7 doublings suffice: one per step within a table.
COMB_TEETH = const(6)
COMB_COLUMNS = const(43)
COMB_STEPS = const(8)
_COMB_ENTRIES = const(32)
_COMB_ENTRY_LENGTH = const(96)
_COMB_SIGNS = const(258)
_ADDITIONS_PER_SLICE = const(3)


def add(point: "Point", addend: "Addend") -> "Point":
    """Return point + addend; the formula is complete, so equal points and the identity need no special case."""
    x, y, z, t = point
    y_plus_x, y_minus_x, t_2d, z_2 = addend
    a = (y - x) * y_minus_x % P
    b = (y + x) * y_plus_x % P
    c = t * t_2d % P
    d = z * z_2 % P if z_2 != 2 else z + z
    e = b - a
    f = d - c
    g = d + c
    h = b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point: "Point") -> "Point":
    """Return point + point."""
    x, y, z, _ = point
    a = x * x % P
    b = y * y % P
    e = x * y % P * 2
    g = b - a
    h = b + a
    f = (z * z * 2 - g) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def prepared(point: "Point") -> "Addend":
    """Return the point as add() takes it."""
    x, y, z, t = point
    return y + x, y - x, t * 2 * D % P, z * 2


def negated(addend: "Addend") -> "Addend":
    """Return the addend of the opposite point."""
    y_plus_x, y_minus_x, t_2d, z_2 = addend
    return y_minus_x, y_plus_x, -t_2d, z_2


def encode_steps(point: "Point") -> "Generator[None, None, bytes]":
    """Return the 32-byte encoding: y, little-endian, with the lowest bit of x on top (RFC 8032 section 5.1.2)."""
    x, y, z, _ = point
    inverse = yield from invert_steps(z)
    sign = (x * inverse % P & 1) << 255
    return (y * inverse % P | sign).to_bytes(32, "little")


def decode_steps(encoding: bytes) -> "Generator[None, None, Point | None]":
    """Return the point of a 32-byte encoding, or None where there is none (RFC 8032 section 5.1.3).

    None also for y >= P and for x = 0 with the sign bit set: every point has one encoding.
    """
    y = int.from_bytes(encoding, "little")
    sign = y >> 255
    y &= _SIGN_BIT - 1
    if y >= P:
        return None
    u = (y * y - 1) % P
    v = (D * y * y + 1) % P
    v_3 = v * v * v % P
    x = u * v_3 * (yield from power_p58_steps(u * v_3 * v_3 * v)) % P
    square = v * x * x % P
    if square == P - u or square == u == 0:
        x = x * _SQRT_MINUS_1 % P
    elif square != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def times_base_steps(scalar: int) -> "Generator[None, None, Point]":
    """Return scalar times the base point; scalar is from 0 to L - 1. Always 43 additions and 7 doublings."""
    signs = comb_signs(scalar)
    point = IDENTITY
    for step in range(COMB_STEPS - 1, -1, -1):
        if step < COMB_STEPS - 1:
            point = double(point)
        point = yield from add_comb_step(point, signs, step)
    return point


def comb_signs(scalar: int) -> bytes:
    """Return the 258 bits b with scalar = sum of (2 b - 1) 2**i modulo L, little-endian.

    Only odd numbers are such a sum; an even scalar becomes odd by adding L, which changes no multiple.
    """
    if scalar & 1 == 0:
        scalar += L
    return (scalar + (1 << _COMB_SIGNS) - 1 >> 1).to_bytes(33, "little")


def add_comb_step(point: "Point", signs: bytes, step: int) -> "Generator[None, None, Point]":
    """Return point plus what columns step, step + 8, ... of the signs stand for; yields before every third."""
    for i, column in enumerate(range(step, COMB_COLUMNS, COMB_STEPS)):
        if i % _ADDITIONS_PER_SLICE == 0:
            yield
        point = add(point, _comb_addend(signs, column))
    return point


def _comb_addend(signs: bytes, column: int) -> "Addend":
    """Return the entry for a column. A table holds only the half with a positive top tooth; the rest is negated."""
    entry = 0
    position = column + COMB_COLUMNS * (COMB_TEETH - 1)
    top = signs[position >> 3] >> (position & 7) & 1
    for _ in range(COMB_TEETH - 1):
        position -= COMB_COLUMNS
        entry = entry * 2 + ((signs[position >> 3] >> (position & 7) & 1) ^ top ^ 1)
    offset = ((column // COMB_STEPS) * _COMB_ENTRIES + entry) * _COMB_ENTRY_LENGTH
    addend = (_number(offset), _number(offset + 32), _number(offset + 64), 2)
    return addend if top else negated(addend)


def _number(offset: int) -> int:
    return int.from_bytes(COMB[offset : offset + 32], "little")
