"""MISTY1 (RFC 2994, eight rounds) in viper, for boards: 16-bit words, one call a block, nothing allocated in it.

Constants stay below 2**30, so that 32-bit builds compile them too; a viper function takes four arguments at most.
"""

import struct

from shared.sts.misty1_schedule import expand
from shared.sts.misty1_tables import S7, S9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.misty1_schedule import Words
    from shared.sts.viper_types import micropython, ptr8, ptr16


@micropython.viper
def _fi(x: int, key: int, s7: ptr8, s9: ptr8) -> int:
    d9 = (x >> 7) << 1
    d9 = ((s9[d9] << 8) | s9[d9 + 1]) ^ (x & 0x7F)
    d7 = s7[x & 0x7F] ^ (d9 & 0x7F) ^ (key >> 9)
    d9 = (d9 ^ (key & 0x1FF)) << 1
    return (d7 << 9) | (((s9[d9] << 8) | s9[d9 + 1]) ^ d7)  # type: ignore[no-any-return]


@micropython.viper
def _crypt(block: ptr8, words: ptr16, s7: ptr8, s9: ptr8):  # type: ignore[no-untyped-def]
    """Run a block, in place, through 76 key words: FL, FO, FO, FL ... FL. Word 76 is FFFF if FL is to be undone."""
    lh, ll = (block[0] << 8) | block[1], (block[2] << 8) | block[3]
    rh, rl = (block[4] << 8) | block[5], (block[6] << 8) | block[7]
    undo = words[76]
    do = undo ^ 0xFFFF
    k = 0
    while True:
        lh ^= (ll | words[k + 1]) & undo
        ll ^= lh & words[k]
        lh ^= (ll | words[k + 1]) & do
        rh ^= (rl | words[k + 3]) & undo
        rl ^= rh & words[k + 2]
        rh ^= (rl | words[k + 3]) & do
        k += 4
        if k == 76:
            break
        second = k + 14
        while k < second:
            a = lh
            b = ll
            last = k + 6
            while k < last:
                x = a ^ words[k]
                d9 = (x >> 7) << 1
                d9 = ((s9[d9] << 8) | s9[d9 + 1]) ^ (x & 0x7F)
                d7 = s7[x & 0x7F] ^ (d9 & 0x7F) ^ (words[k + 1] >> 9)
                d9 = (d9 ^ (words[k + 1] & 0x1FF)) << 1
                x = ((d7 << 9) | (((s9[d9] << 8) | s9[d9 + 1]) ^ d7)) ^ b
                a = b
                b = x
                k += 2
            a ^= rh ^ words[k]
            b ^= rl
            rh, lh = lh, a
            rl, ll = ll, b
            k += 1
    block[0], block[1] = rh >> 8, rh
    block[2], block[3] = rl >> 8, rl
    block[4], block[5] = lh >> 8, lh
    block[6], block[7] = ll >> 8, ll


class Misty1:
    """One key's schedule; blocks are 8 bytes, big-endian, and the key is 16 bytes."""

    ea = 11

    def __init__(self, key: bytes) -> None:
        fo, fl = expand(key, _fi_of_tables)
        backward = [_exchanged(fl[4])]
        for i in range(4):
            backward += [fo[7 - 2 * i], fo[6 - 2 * i], _exchanged(fl[3 - i])]
        self._backward = _buffer(backward + [(0xFFFF,)])
        self._key = key
        self._forward: bytearray | None = None  # made when it is asked for: a meter never encrypts

    def encrypt(self, block: bytes) -> bytes:
        """Return the encryption of one 8-byte block."""
        if self._forward is None:
            self._forward = _forward_of(self._key)
        work = bytearray(block)
        _crypt(work, self._forward, S7, S9)
        return bytes(work)

    def decrypt(self, block: bytes) -> bytes:
        """Return the decryption of one 8-byte block."""
        work = bytearray(block)
        _crypt(work, self._backward, S7, S9)
        return bytes(work)


def _forward_of(key: bytes) -> bytearray:
    fo, fl = expand(key, _fi_of_tables)
    forward = [fl[0]]
    for i in range(4):
        forward += [fo[2 * i], fo[2 * i + 1], fl[i + 1]]
    return _buffer(forward + [(0,)])


def _fi_of_tables(x: int, key: int) -> int:
    return _fi(x, key, S7, S9)


def _exchanged(fl: "Words") -> "Words":
    """Return the FL words of two halves in the order of decryption, where the right half comes first."""
    return fl[2:] + fl[:2]


def _buffer(groups: "list[Words]") -> bytearray:
    """Return the words of all groups, 16 bits each, in the byte order of this machine, as ptr16 reads them."""
    return bytearray(b"".join([struct.pack("{}H".format(len(words)), *words) for words in groups]))
