"""EA07 (STA) on plain integers: for CPython, and for ports of MicroPython without viper.

Substitution and permutation of one nibble are one look-up: 16 places of 16 values for each of the two substitutions,
worked out once per set of tables. A key picks one of the two for each round and place. Bits count from the lowest.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.tables import Tables

    Row = tuple[int, ...]

_ROUNDS = range(16)
_PLACES = range(16)


class _Prepared:
    """The look-ups of one set of tables: rows[substitution][place][nibble], substitution 0 being S1."""

    def __init__(self, tables: "Tables") -> None:
        inverses = (tables.inverse_s1(), tables.inverse_s2())
        back = tables.inverse_p()
        self.forward = [[_moved(s, place, tables.p) for place in _PLACES] for s in (tables.s1, tables.s2)]
        self.backward = [[_moved(s, place, back) for place in _PLACES] for s in inverses]
        self.last = [[tuple([s[n] << 4 * place for n in range(16)]) for place in _PLACES] for s in inverses]
        self.unpermute = [_moved(bytes(range(16)), place, back) for place in _PLACES]


def _moved(substitution: bytes, place: int, permutation: bytes) -> "Row":
    """Return, for each nibble at a place, where the bits of its substitute end up in the block."""
    row = []
    for nibble in range(16):
        substitute = substitution[nibble]
        row.append(sum([1 << permutation[4 * place + bit] for bit in range(4) if substitute >> bit & 1]))
    return tuple(row)


def _apply(rows: "list[Row]", bits: int) -> int:
    result = 0
    for row in rows:
        result |= row[bits & 15]
        bits >>= 4
    return result


class Sta:
    """One key at work; blocks and keys are 8 bytes, big-endian."""

    ea = 7

    def __init__(self, key: bytes, tables: "Tables") -> None:
        prepared = tables.prepared.get("sta")
        if not isinstance(prepared, _Prepared):
            prepared = tables.prepared["sta"] = _Prepared(tables)
        bits = int.from_bytes(key, "big")
        self._unpermute = prepared.unpermute
        self._forward = [_chosen(prepared.forward, bits, 15 - r) for r in _ROUNDS]
        self._backward = [_chosen(prepared.last if r == 15 else prepared.backward, bits, r) for r in _ROUNDS]

    def encrypt(self, block: bytes) -> bytes:
        """Return the encryption of one 8-byte block."""
        bits = int.from_bytes(block, "big")
        for rows in self._forward:
            bits = _apply(rows, bits)
        return bits.to_bytes(8, "big")

    def decrypt(self, block: bytes) -> bytes:
        """Return the decryption of one 8-byte block."""
        bits = _apply(self._unpermute, int.from_bytes(block, "big"))
        for rows in self._backward:
            bits = _apply(rows, bits)
        return bits.to_bytes(8, "big")


def _chosen(rows: "list[list[Row]]", key: int, first_bit: int) -> "list[Row]":
    """Return one round's rows: S1 where the key bit 4 * place + first_bit is 1, which rotates with the round."""
    return [rows[1 - (key >> (4 * place + first_bit) % 64 & 1)][place] for place in _PLACES]
