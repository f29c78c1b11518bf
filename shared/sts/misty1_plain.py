"""MISTY1 (RFC 2994, eight rounds) on plain integers: for CPython, and for ports of MicroPython without viper."""

from shared.sts.misty1_schedule import expand
from shared.sts.misty1_tables import S7, S9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.sts.misty1_schedule import Words

_S9_WORDS = tuple([S9[i] << 8 | S9[i + 1] for i in range(0, 1024, 2)])


def _fi(x: int, key: int) -> int:
    d9 = _S9_WORDS[x >> 7] ^ x & 0x7F
    d7 = S7[x & 0x7F] ^ d9 & 0x7F ^ key >> 9
    return d7 << 9 | _S9_WORDS[d9 ^ key & 0x1FF] ^ d7


def _fo(x: int, key: "Words") -> int:
    ko1, ki1, ko2, ki2, ko3, ki3, ko4 = key
    right = x & 0xFFFF
    left = _fi(x >> 16 ^ ko1, ki1) ^ right
    right = _fi(right ^ ko2, ki2) ^ left
    left = _fi(left ^ ko3, ki3) ^ right
    return (right ^ ko4) << 16 | left


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
        self._fo_keys, self._fl_keys = expand(key, _fi)

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
