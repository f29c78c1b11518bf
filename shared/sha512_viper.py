"""SHA-512 (FIPS 180-4) in viper for boards: a 64-bit word is two 32-bit words in a buffer, the high half first.

A sum is made of 16-bit pieces, so that its carries never depend on whether a viper integer has 32 bits, as on the
boards, or 64, as on a PC; a store to a buffer drops what is above 32 bits.
"""

import struct

from shared.sha512_tables import BLOCK_LENGTH, INITIAL, ROUND_CONSTANTS, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from shared.sts.viper_types import micropython

    ptr32 = Any
    uint = int


def digest_steps(message: bytes) -> "Generator[None, None, bytes]":
    """Return the 64-byte SHA-512 of message; yields after every block."""
    data = padded(message)
    constants = _words(ROUND_CONSTANTS)
    state = _words(INITIAL)
    for offset in range(0, len(data), BLOCK_LENGTH):
        schedule = _words(data[offset : offset + BLOCK_LENGTH])
        working = bytearray(state)
        for first in range(0, 160, 32):
            if first:
                _extend(schedule)
            _rounds(working, schedule, constants, first)
        _accumulate(state, working)
        yield
    return struct.pack(">16I", *struct.unpack("16I", state))


def _words(data: bytes) -> bytearray:
    """Return big-endian 32-bit words in the byte order of this machine, aligned, as ptr32 reads them."""
    count = len(data) // 4
    return bytearray(struct.pack(f"{count}I", *struct.unpack(f">{count}I", data)))


@micropython.viper
def _extend(w: ptr32):  # type: ignore[no-untyped-def]
    """Replace the 16 schedule words by the next 16, in place (section 6.4.2 step 1)."""
    for i in range(0, 32, 2):
        j = (i + 2) & 31
        hi = uint(w[j])
        lo = uint(w[j + 1])
        s_hi = ((hi >> 1) | (lo << 31)) ^ ((hi >> 8) | (lo << 24)) ^ (hi >> 7)
        s_lo = ((lo >> 1) | (hi << 31)) ^ ((lo >> 8) | (hi << 24)) ^ ((lo >> 7) | (hi << 25))
        j = (i + 28) & 31
        hi = uint(w[j])
        lo = uint(w[j + 1])
        t_hi = ((hi >> 19) | (lo << 13)) ^ ((lo >> 29) | (hi << 3)) ^ (hi >> 6)
        t_lo = ((lo >> 19) | (hi << 13)) ^ ((hi >> 29) | (lo << 3)) ^ ((lo >> 6) | (hi << 26))
        j = (i + 18) & 31
        hi = uint(w[i + 1])
        lo = uint(w[j + 1])
        low = (hi & 0xFFFF) + (lo & 0xFFFF) + (s_lo & 0xFFFF) + (t_lo & 0xFFFF)
        high = (hi >> 16) + (lo >> 16) + ((s_lo >> 16) & 0xFFFF) + ((t_lo >> 16) & 0xFFFF) + (low >> 16)
        w[i + 1] = (high << 16) | (low & 0xFFFF)
        w[i] = uint(w[i]) + uint(w[j]) + s_hi + t_hi + (high >> 16)


# The eight variables do not move by one place: each round begins one place further down in v instead, so that d becomes
# e and h becomes a where they stand. After 16 rounds, and so after every call, a is back in place 0.
@micropython.viper
def _rounds(v: ptr32, w: ptr32, k: ptr32, first: int):  # type: ignore[no-untyped-def]
    """Do 16 rounds on the working variables v, with the constants from k[first] on (section 6.4.2 step 3)."""
    for t in range(0, 32, 2):
        p = (32 - t) & 15
        a_hi = uint(v[p])
        a_lo = uint(v[p + 1])
        s_hi = ((a_hi >> 28) | (a_lo << 4)) ^ ((a_lo >> 2) | (a_hi << 30)) ^ ((a_lo >> 7) | (a_hi << 25))
        s_lo = ((a_lo >> 28) | (a_hi << 4)) ^ ((a_hi >> 2) | (a_lo << 30)) ^ ((a_hi >> 7) | (a_lo << 25))
        p = (34 - t) & 15
        b_hi = uint(v[p])
        b_lo = uint(v[p + 1])
        p = (36 - t) & 15
        majority_hi = (a_hi & b_hi) | (uint(v[p]) & (a_hi | b_hi))
        majority_lo = (a_lo & b_lo) | (uint(v[p + 1]) & (a_lo | b_lo))
        p = (40 - t) & 15
        e_hi = uint(v[p])
        e_lo = uint(v[p + 1])
        z_hi = ((e_hi >> 14) | (e_lo << 18)) ^ ((e_hi >> 18) | (e_lo << 14)) ^ ((e_lo >> 9) | (e_hi << 23))
        z_lo = ((e_lo >> 14) | (e_hi << 18)) ^ ((e_lo >> 18) | (e_hi << 14)) ^ ((e_hi >> 9) | (e_lo << 23))
        p = (42 - t) & 15
        g = (44 - t) & 15
        choice_hi = uint(v[g]) ^ (e_hi & (uint(v[p]) ^ uint(v[g])))
        choice_lo = uint(v[g + 1]) ^ (e_lo & (uint(v[p + 1]) ^ uint(v[g + 1])))
        h = (46 - t) & 15
        x = uint(v[h + 1])
        y = uint(k[first + t + 1])
        z = uint(w[t + 1])
        low = (x & 0xFFFF) + (y & 0xFFFF) + (z & 0xFFFF) + (z_lo & 0xFFFF) + (choice_lo & 0xFFFF)
        high = (x >> 16) + (y >> 16) + (z >> 16) + ((z_lo >> 16) & 0xFFFF) + (choice_lo >> 16) + (low >> 16)
        sum_hi = uint(v[h]) + uint(k[first + t]) + uint(w[t]) + z_hi + choice_hi + (high >> 16)
        sum_lo = ((high & 0xFFFF) << 16) | (low & 0xFFFF)
        d = (38 - t) & 15
        x = uint(v[d + 1])
        low = (x & 0xFFFF) + (sum_lo & 0xFFFF)
        high = (x >> 16) + (sum_lo >> 16) + (low >> 16)
        v[d + 1] = (high << 16) | (low & 0xFFFF)
        v[d] = uint(v[d]) + sum_hi + (high >> 16)
        low = (sum_lo & 0xFFFF) + (s_lo & 0xFFFF) + (majority_lo & 0xFFFF)
        high = (sum_lo >> 16) + ((s_lo >> 16) & 0xFFFF) + (majority_lo >> 16) + (low >> 16)
        v[h + 1] = (high << 16) | (low & 0xFFFF)
        v[h] = sum_hi + s_hi + majority_hi + (high >> 16)


@micropython.viper
def _accumulate(state: ptr32, v: ptr32):  # type: ignore[no-untyped-def]
    """Add the working variables to the state (section 6.4.2 step 4)."""
    for i in range(0, 16, 2):
        x = uint(state[i + 1])
        y = uint(v[i + 1])
        low = (x & 0xFFFF) + (y & 0xFFFF)
        high = (x >> 16) + (y >> 16) + (low >> 16)
        state[i + 1] = (high << 16) | (low & 0xFFFF)
        state[i] = uint(state[i]) + uint(v[i]) + (high >> 16)
