"""One block of single DES (FIPS 46-3), because DKGA02 is made of it; nothing else here may use DES.

Bit by bit as the standard prints it: a vending side derives a key once per meter, so clarity wins over speed.
"""

# fmt: off
_INITIAL = (
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4,
    62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
    57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3,
    61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
)
_EXPANSION = (
    32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11,
    12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21, 20, 21,
    22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
)
_PERMUTATION = (
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
)
_KEY_CHOICE = (
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
    10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
    14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
)
_ROUND_KEY_CHOICE = (
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4,
    26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40,
    51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
)
# fmt: on
_SHIFTS = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
_SUBSTITUTIONS = (  # four rows of sixteen hexadecimal digits each
    "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
)
_FINAL = tuple([_INITIAL.index(place) + 1 for place in range(1, 65)])


def des_encrypt(key: bytes, block: bytes) -> bytes:
    """Return the encryption of an 8-byte block under an 8-byte key, whose parity bits are ignored."""
    assert len(key) == 8 and len(block) == 8, "a DES key and a block have 8 bytes"
    bits = _chosen(_bits(block), _INITIAL)
    left, right = bits[:32], bits[32:]
    for round_key in _round_keys(key):
        left, right = right, _xor(left, _round(right, round_key))
    return _bytes(_chosen(right + left, _FINAL))


def _round_keys(key: bytes) -> list[list[int]]:
    bits = _chosen(_bits(key), _KEY_CHOICE)
    c, d = bits[:28], bits[28:]
    keys = []
    for shift in _SHIFTS:
        c, d = c[shift:] + c[:shift], d[shift:] + d[:shift]
        keys.append(_chosen(c + d, _ROUND_KEY_CHOICE))
    return keys


def _round(half: list[int], round_key: list[int]) -> list[int]:
    bits = _xor(_chosen(half, _EXPANSION), round_key)
    substituted: list[int] = []
    for box in range(8):
        b = bits[6 * box : 6 * box + 6]
        row, column = b[0] << 1 | b[5], b[1] << 3 | b[2] << 2 | b[3] << 1 | b[4]
        value = int(_SUBSTITUTIONS[box][16 * row + column], 16)
        substituted += [value >> 3, value >> 2 & 1, value >> 1 & 1, value & 1]
    return _chosen(substituted, _PERMUTATION)


def _chosen(bits: list[int], places: tuple[int, ...]) -> list[int]:
    return [bits[place - 1] for place in places]  # the standard counts from 1, the highest bit first


def _xor(a: list[int], b: list[int]) -> list[int]:
    return [a[i] ^ b[i] for i in range(len(a))]


def _bits(data: bytes) -> list[int]:
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


def _bytes(bits: list[int]) -> bytes:
    number = 0
    for bit in bits:
        number = number << 1 | bit
    return number.to_bytes(len(bits) // 8, "big")
