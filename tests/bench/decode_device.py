"""Runs under MicroPython and prints `name value` lines: microseconds per operation, and bytes of heap per decode.

The bit-list versions are the algorithm as the standard words it, one list item per bit; none of it is in the product.
Every operation has a loop of its own that calls it directly: a call by `function(*args)` costs as much as a cipher.
"""

import gc
import hashlib
import sys
import time

from shared.hmac import hmac_sha256
from shared.sts.cipher import make_cipher
from shared.sts.fields import TransferCredit
from shared.sts.sample_tables import sample_tables
from shared.sts.token import decode, encode
from tests.bench import reference_misty1, reference_sta

KEY = bytes(range(16))
BLOCK = b"\x05\x01\x4e\xec\x00\x01\x31\x88"
TABLES = sample_tables()
CREDIT = TransferCredit(1, 5, 85740, 15)
MESSAGE = bytes(64)
_SPAN_US = 100000
_RUNS = 5


class BitLists:
    """A cipher for decode() that computes each block bit by bit."""

    def __init__(self, ea, decrypt, *more):
        self.ea = ea
        self._decrypt = decrypt
        self._more = more

    def decrypt(self, block):
        return self._decrypt(KEY[: 16 if self.ea == 11 else 8], block, *self._more)


def block_loop(cipher):
    decrypt = cipher.decrypt

    def loop(rounds):
        for _ in range(rounds):
            decrypt(BLOCK)

    return loop


def token_loop(cipher):
    digits = encode(CREDIT, make_cipher(cipher.ea, KEY[: 16 if cipher.ea == 11 else 8], TABLES))

    def loop(rounds):
        for _ in range(rounds):
            decode(digits, cipher)

    return loop


def hmac_loop(rounds):
    for _ in range(rounds):
        hmac_sha256(KEY, MESSAGE)


def ready_hmac_loop(rounds):
    """The least that an HMAC can cost: its two hashes, the padded keys being at hand."""
    inner_key, outer_key = bytes(64), bytes(64)
    for _ in range(rounds):
        inner = hashlib.sha256(inner_key)
        inner.update(MESSAGE)
        outer = hashlib.sha256(outer_key)
        outer.update(inner.digest())
        outer.digest()


def cost_us(loop):
    """The best of several runs, so that a busy machine does not count."""
    rounds = 1
    while lasts_us(loop, rounds) < _SPAN_US // 4:
        rounds *= 2
    return min([lasts_us(loop, rounds) / rounds for _ in range(_RUNS)])


def lasts_us(loop, rounds):
    gc.collect()
    start = time.ticks_us()
    loop(rounds)
    return time.ticks_diff(time.ticks_us(), start)


def garbage_bytes(loop):
    loop(1)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    loop(10)
    used = gc.mem_alloc() - before
    gc.enable()
    return used / 10


def main():
    ea07, ea11 = make_cipher(7, KEY[:8], TABLES), make_cipher(11, KEY)
    slow07, slow11 = BitLists(7, reference_sta.decrypt, TABLES), BitLists(11, reference_misty1.decrypt)
    for name, loop in (
        ("ea07_block_bits", block_loop(slow07)),
        ("ea07_block", block_loop(ea07)),
        ("ea11_block_bits", block_loop(slow11)),
        ("ea11_block", block_loop(ea11)),
        ("ea07_token_bits", token_loop(slow07)),
        ("ea07_token", token_loop(ea07)),
        ("ea11_token_bits", token_loop(slow11)),
        ("ea11_token", token_loop(ea11)),
        ("hmac", hmac_loop),
        ("ready_hmac", ready_hmac_loop),
    ):
        print(name, cost_us(loop))
    print("version {}.{}".format(*sys.implementation.version[:2]))
    print("word_bits", 64 if sys.maxsize >> 32 else 32)
    print("garbage", garbage_bytes(token_loop(ea11)))


if __name__ == "__main__":
    main()
