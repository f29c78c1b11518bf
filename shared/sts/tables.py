"""The tables of EA07 as data: two substitutions of 0..15 and a permutation of 0..63, checked when they are made.

The production tables belong to licensees of the STS Association; an operator loads them from a file of the form
{"s1": [16 numbers], "s2": [16 numbers], "p": [64 numbers]}.
"""

from shared.sts.errors import TablesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = ("s1", "s2", "p")


class Tables:
    """S1, S2 (16 entries each) and P (64): bit i of a block moves to bit P[i], bit 0 being the lowest."""

    def __init__(self, s1: "Sequence[int]", s2: "Sequence[int]", p: "Sequence[int]") -> None:
        self.s1 = _permutation("s1", s1, 16)
        self.s2 = _permutation("s2", s2, 16)
        self.p = _permutation("p", p, 64)
        self.prepared: dict[str, object] = {}  # what a cipher works out of the tables once, for every key

    def inverse_s1(self) -> bytes:
        """Return the substitution that undoes s1."""
        return _inverse(self.s1)

    def inverse_s2(self) -> bytes:
        """Return the substitution that undoes s2, which is not s1 in general."""
        return _inverse(self.s2)

    def inverse_p(self) -> bytes:
        """Return the permutation that undoes p."""
        return _inverse(self.p)


def tables_from_json(loaded: object) -> Tables:
    """Return the tables of a loaded JSON document. TablesError says which line of it is wrong."""
    if not isinstance(loaded, dict) or set(loaded) != set(_NAMES):
        raise TablesError('tables are an object with "s1", "s2" and "p" and nothing else')
    return Tables(loaded["s1"], loaded["s2"], loaded["p"])


def _permutation(name: str, values: object, length: int) -> bytes:
    if not isinstance(values, (list, tuple, bytes)) or len(values) != length:
        raise TablesError("{} must have {} numbers".format(name, length))
    seen = bytearray(length)
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < length:
            raise TablesError("{} must hold whole numbers 0..{} only".format(name, length - 1))
        if seen[value]:
            raise TablesError("{} holds {} twice; it must be a permutation of 0..{}".format(name, value, length - 1))
        seen[value] = 1
    return bytes(values)


def _inverse(permutation: bytes) -> bytes:
    inverse = bytearray(len(permutation))
    for position, value in enumerate(permutation):
        inverse[value] = position
    return bytes(inverse)
