"""SHA-512 (FIPS 180-4) on plain integers, for ports of MicroPython without viper and as the reference for the other."""

import struct

from shared.compat import const
from shared.sha512_tables import BLOCK_LENGTH, INITIAL, ROUND_CONSTANTS, padded
from shared.slices import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

_ROUNDS_PER_SLICE = const(16)
_MASK = const(0xFFFFFFFFFFFFFFFF)
_TWICE = const(0x10000000000000001)  # a word times this is the word twice, so that a rotation is one shift


def sha512_plain(*parts: bytes) -> bytes:
    """Return the 64-byte SHA-512 of the parts joined, computed by this file on every interpreter."""
    return finish(digest_steps(b"".join(parts)))


def digest_steps(message: bytes) -> "Generator[None, None, bytes]":
    """Return the 64-byte SHA-512 of message; yields every 16 rounds."""
    data = padded(message)
    state = struct.unpack(">8Q", INITIAL)
    for offset in range(0, len(data), BLOCK_LENGTH):
        words = list(struct.unpack_from(">16Q", data, offset))
        working = state
        for first_round in range(0, 80, _ROUNDS_PER_SLICE):
            if first_round:
                _extend(words)
            working = _rounds(working, words, struct.unpack_from(">16Q", ROUND_CONSTANTS, first_round * 8))
            yield
        state = tuple([(old + new) & _MASK for old, new in zip(state, working)])
    return struct.pack(">8Q", *state)


def _extend(words: list[int]) -> None:
    """Replace the 16 schedule words by the next 16, in place (FIPS 180-4 section 6.4.2 step 1)."""
    for i in range(16):
        x = words[(i + 1) & 15]
        xx = x * _TWICE
        sigma_0 = (xx >> 1) ^ (xx >> 8) ^ (x >> 7)
        y = words[(i + 14) & 15]
        yy = y * _TWICE
        sigma_1 = (yy >> 19) ^ (yy >> 61) ^ (y >> 6)
        words[i] = (words[i] + words[(i + 9) & 15] + (sigma_0 & _MASK) + (sigma_1 & _MASK)) & _MASK


def _rounds(working: tuple[int, ...], words: list[int], constants: tuple[int, ...]) -> tuple[int, ...]:
    """Return the eight working variables after 16 rounds (FIPS 180-4 section 6.4.2 step 3)."""
    a, b, c, d, e, f, g, h = working
    for i in range(16):
        ee = e * _TWICE
        sum_1 = ((ee >> 14) ^ (ee >> 18) ^ (ee >> 41)) & _MASK
        choice = g ^ (e & (f ^ g))
        temporary = h + sum_1 + choice + constants[i] + words[i]
        aa = a * _TWICE
        sum_0 = ((aa >> 28) ^ (aa >> 34) ^ (aa >> 39)) & _MASK
        majority = (a & b) | (c & (a | b))
        h = g
        g = f
        f = e
        e = (d + temporary) & _MASK
        d = c
        c = b
        b = a
        a = (temporary + sum_0 + majority) & _MASK
    return a, b, c, d, e, f, g, h
