"""Writes shared/ed25519_comb.py, the multiples of the Ed25519 base point that signing adds up.

The table is shipped as data because a board would take seconds to compute it.
Usage: python -m tools.make_comb > shared/ed25519_comb.py
"""

import sys

D = -121665 * pow(121666, -1, 2**255 - 19)
P = 2**255 - 19
BASE_Y = 4 * pow(5, -1, P) % P
TEETH, COLUMNS, STEPS, TABLES = 6, 43, 8, 6

Affine = tuple[int, int]


def base_point() -> Affine:
    """Return the base point: y = 4/5 and the even x (RFC 8032 section 5.1)."""
    square = (BASE_Y * BASE_Y - 1) * pow(D * BASE_Y * BASE_Y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x), BASE_Y


def add(left: Affine, right: Affine) -> Affine:
    """Return the sum by the curve's own addition law, as slow and as plain as it stands in RFC 8032."""
    x_1, y_1 = left
    x_2, y_2 = right
    product = D * x_1 * x_2 * y_1 * y_2
    x = (x_1 * y_2 + x_2 * y_1) * pow(1 + product, -1, P) % P
    y = (y_1 * y_2 + x_1 * x_2) * pow(1 - product, -1, P) % P
    return x, y


def doubled(point: Affine, times: int) -> Affine:
    """Return 2**times times the point."""
    for _ in range(times):
        point = add(point, point)
    return point


def entries() -> list[bytes]:
    """Return the 192 entries of 96 bytes: y + x, y - x and 2 d x y, each 32 bytes little-endian.

    Entry m of table q is 2**(8 q) times the sum over the teeth j of (+ or -) 2**(43 j) B, where the top tooth is
    positive and tooth j is positive if bit j of m is set.
    """
    teeth = [doubled(base_point(), COLUMNS * tooth) for tooth in range(TEETH)]
    result = []
    for table in range(TABLES):
        moved = [doubled(point, STEPS * table) for point in teeth]
        result += [_packed(_signed_sum(moved, entry)) for entry in range(2 ** (TEETH - 1))]
    return result


def module_text() -> str:
    """Return the whole text of shared/ed25519_comb.py."""
    lines = [
        '"""Multiples of the Ed25519 base point, 6 tables of 32 entries of 96 bytes; made by tools/make_comb.py."""',
        "",
        "# fmt: off",
        "COMB = (",
    ]
    lines += ['    b"' + "".join(f"\\x{byte:02x}" for byte in entry) + '"' for entry in entries()]
    return "\n".join([*lines, ")", "# fmt: on"]) + "\n"


def _signed_sum(teeth: list[Affine], entry: int) -> Affine:
    total = teeth[-1]
    for tooth, (x, y) in enumerate(teeth[:-1]):
        total = add(total, (x, y) if entry >> tooth & 1 else (P - x, y))
    return total


def _packed(point: Affine) -> bytes:
    x, y = point
    numbers = ((y + x) % P, (y - x) % P, 2 * D * x * y % P)
    return b"".join(number.to_bytes(32, "little") for number in numbers)


if __name__ == "__main__":
    sys.stdout.write(module_text())
