"""The key schedule of MISTY1 (RFC 2994 section 2.2), laid out in the order in which the rounds use it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Words = tuple[int, ...]


def expand(key: bytes, fi: "Callable[[int, int], int]") -> "tuple[list[Words], list[Words]]":
    """Return what a 16-byte key gives: for FO eight times seven words, for FL five times four.

    FO takes KO1 KI1 KO2 KI2 KO3 KI3 KO4 a round; FL takes two words for the left half and two for the right.
    """
    k = [key[i] << 8 | key[i + 1] for i in range(0, 16, 2)]
    d = [fi(k[i], k[(i + 1) % 8]) for i in range(8)]
    k += k  # twice, instead of indices modulo 8
    d += d
    fo_keys: list[Words] = [(k[i], d[i + 5], k[i + 2], d[i + 1], k[i + 7], d[i + 3], k[i + 4]) for i in range(8)]
    fl_keys: list[Words] = [(k[i], d[i + 6], d[i + 2], k[i + 4]) for i in range(5)]
    return fo_keys, fl_keys
