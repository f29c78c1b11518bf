"""EA07 (STA) in viper, for boards: the block as two 32-bit words, moved bit by bit, with no table but the operator's.

Bits are numbered from the lowest. Each round of the standard rotates the key; here the place of the key bit moves
instead. Constants stay below 2**30, so that 32-bit builds compile them too.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.tables import Tables
    from shared.sts.viper_types import micropython, ptr8


@micropython.viper
def _encrypt(block: ptr8, key: ptr8, p: ptr8, s: ptr8):  # type: ignore[no-untyped-def]
    """Encrypt block in place. s holds S1, then S2; S1 is used where the aligned key bit is 0, the plain one 1."""
    r = 0
    while r < 16:
        low = 0
        high = 0
        i = 0
        while i < 16:
            place = (4 * i + 15 - r) & 63
            n = (block[7 - (i >> 1)] >> ((i & 1) << 2)) & 15
            n = s[n + 16 - (((key[7 - (place >> 3)] >> (place & 7)) & 1) << 4)]
            q = i << 2
            while n:
                if n & 1:
                    if p[q] < 32:
                        low |= 1 << p[q]
                    else:
                        high |= 1 << (p[q] - 32)
                n >>= 1
                q += 1
            i += 1
        i = 0
        while i < 4:
            block[7 - i] = (low >> (i << 3)) & 255
            block[3 - i] = (high >> (i << 3)) & 255
            i += 1
        r += 1


@micropython.viper
def _decrypt(block: ptr8, key: ptr8, p: ptr8, s: ptr8):  # type: ignore[no-untyped-def]
    """Decrypt block in place. s holds the inverse of S1, then that of S2."""
    r = 0
    while r < 16:
        low = (block[4] << 24) | (block[5] << 16) | (block[6] << 8) | block[7]
        high = (block[0] << 24) | (block[1] << 16) | (block[2] << 8) | block[3]
        i = 0
        while i < 16:
            n = 0
            j = 3
            while j >= 0:
                q = p[4 * i + j]
                if q < 32:
                    n = (n << 1) | ((low >> q) & 1)
                else:
                    n = (n << 1) | ((high >> (q - 32)) & 1)
                j -= 1
            place = (4 * i + r) & 63
            n = s[n + 16 - (((key[7 - (place >> 3)] >> (place & 7)) & 1) << 4)]
            if i & 1:
                block[7 - (i >> 1)] |= n << 4
            else:
                block[7 - (i >> 1)] = n
            i += 1
        r += 1


class Sta:
    """One key at work; blocks and keys are 8 bytes, big-endian."""

    ea = 7

    def __init__(self, key: bytes, tables: "Tables") -> None:
        self._key = key
        self._p = tables.p
        self._s = tables.s1 + tables.s2
        self._inverse_s = tables.inverse_s1() + tables.inverse_s2()

    def encrypt(self, block: bytes) -> bytes:
        """Return the encryption of one 8-byte block."""
        work = bytearray(block)
        _encrypt(work, self._key, self._p, self._s)
        return bytes(work)

    def decrypt(self, block: bytes) -> bytes:
        """Return the decryption of one 8-byte block."""
        work = bytearray(block)
        _decrypt(work, self._key, self._p, self._inverse_s)
        return bytes(work)
