"""MISTY1 (RFC 2994, eight rounds) on plain integers: for CPython, and for ports of MicroPython without viper.

FI is linear but for its substitutions, so its first two are one look-up each, with all that follows from them: nine
bits for the third substitution, and above these the sixteen bits that go straight into the result.
"""

from shared.compat import const
from shared.sts.misty1_schedule import expand
from shared.sts.misty1_tables import S7, S9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.misty1_schedule import Words

_LOW_7 = const(0x7F)
_LOW_9 = const(0x1FF)


def _with_result(d9: int, d7: int) -> int:
    """Return nine bits for the third substitution, and above them what seven bits add to the result of FI."""
    return (d7 << 9 ^ d7) << 9 | d9


_S9_WORDS = tuple([S9[i] << 8 | S9[i + 1] for i in range(0, 1024, 2)])
_LEFT = tuple([_with_result(word, word & _LOW_7) for word in _S9_WORDS])
_RIGHT = tuple([_with_result(x, S7[x] ^ x) for x in range(128)])


def _fi_key(ki: int) -> int:
    return _with_result(ki & _LOW_9, ki >> 9)


def _fi(x: int, ki: int) -> int:
    v = _LEFT[x >> 7] ^ _RIGHT[x & _LOW_7] ^ _fi_key(ki)
    return v >> 9 ^ _S9_WORDS[v & _LOW_9]


def _fo(x: int, key: "Words") -> int:
    """Run a half through FO; its three FI stand here in full, because a call would cost as much as they do."""
    ko1, ki1, ko2, ki2, ko3, ki3, ko4 = key
    right = x & 0xFFFF
    left = x >> 16 ^ ko1
    v = _LEFT[left >> 7] ^ _RIGHT[left & _LOW_7] ^ ki1
    left = v >> 9 ^ _S9_WORDS[v & _LOW_9] ^ right
    right ^= ko2
    v = _LEFT[right >> 7] ^ _RIGHT[right & _LOW_7] ^ ki2
    right = v >> 9 ^ _S9_WORDS[v & _LOW_9] ^ left
    left ^= ko3
    v = _LEFT[left >> 7] ^ _RIGHT[left & _LOW_7] ^ ki3
    return (right ^ ko4) << 16 | v >> 9 ^ _S9_WORDS[v & _LOW_9] ^ right


def _fl(x: int, and_key: int, or_key: int) -> int:
    left = x >> 16
    right = x & 0xFFFF ^ left & and_key
    return (left ^ (right | or_key)) << 16 | right


def _fl_inverse(x: int, and_key: int, or_key: int) -> int:
    right = x & 0xFFFF
    left = x >> 16 ^ (right | or_key)
    return left << 16 | right ^ left & and_key


class Misty1:
    """One key's schedule; blocks are 8 bytes, big-endian, and the key is 16 bytes."""

    ea = 11

    def __init__(self, key: bytes) -> None:
        fo_keys, self._fl_keys = expand(key, _fi)
        self._fo_keys = [tuple([_fi_key(k[i]) if i % 2 else k[i] for i in range(7)]) for k in fo_keys]

    def encrypt(self, block: bytes) -> bytes:
        """Return the encryption of one 8-byte block."""
        left = int.from_bytes(block[:4], "big")
        right = int.from_bytes(block[4:], "big")
        fo_keys = self._fo_keys
        for i in range(4):
            and_left, or_left, and_right, or_right = self._fl_keys[i]
            left = _fl(left, and_left, or_left)
            right = _fl(right, and_right, or_right) ^ _fo(left, fo_keys[2 * i])
            left ^= _fo(right, fo_keys[2 * i + 1])
        and_left, or_left, and_right, or_right = self._fl_keys[4]
        return (_fl(right, and_right, or_right) << 32 | _fl(left, and_left, or_left)).to_bytes(8, "big")

    def decrypt(self, block: bytes) -> bytes:
        """Return the decryption of one 8-byte block."""
        and_left, or_left, and_right, or_right = self._fl_keys[4]
        right = _fl_inverse(int.from_bytes(block[:4], "big"), and_right, or_right)
        left = _fl_inverse(int.from_bytes(block[4:], "big"), and_left, or_left)
        fo_keys = self._fo_keys
        for i in (3, 2, 1, 0):
            and_left, or_left, and_right, or_right = self._fl_keys[i]
            left ^= _fo(right, fo_keys[2 * i + 1])
            right = _fl_inverse(right ^ _fo(left, fo_keys[2 * i]), and_right, or_right)
            left = _fl_inverse(left, and_left, or_left)
        return (left << 32 | right).to_bytes(8, "big")
