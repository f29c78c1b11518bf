"""Runs under MicroPython and prints `name value` lines: microseconds per operation, and bytes of heap per decode.

The bit-list versions are the algorithm as the standard words it, one list item per bit; none of it is in the product.
"""

import gc
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
_SPAN_US = 200000


class BitLists:
    """A cipher for decode() that computes each block bit by bit."""

    def __init__(self, ea, decrypt, *more):
        self.ea = ea
        self._decrypt = decrypt
        self._more = more

    def decrypt(self, block):
        return self._decrypt(KEY[: 16 if self.ea == 11 else 8], block, *self._more)


def cost_us(function, *args):
    """The best of three runs, so that a busy machine does not count."""
    best = None
    for _ in range(3):
        rounds = 0
        start = time.ticks_us()
        while time.ticks_diff(time.ticks_us(), start) < _SPAN_US:
            function(*args)
            rounds += 1
        cost = time.ticks_diff(time.ticks_us(), start) / rounds
        best = cost if best is None or cost < best else best
    return best


def garbage_bytes(function, *args):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    function(*args)
    used = gc.mem_alloc() - before
    gc.enable()
    return used


def main():
    ea07, ea11 = make_cipher(7, KEY[:8], TABLES), make_cipher(11, KEY)
    token07, token11 = encode(CREDIT, ea07), encode(CREDIT, ea11)
    slow07, slow11 = BitLists(7, reference_sta.decrypt, TABLES), BitLists(11, reference_misty1.decrypt)
    for name, function, args in (
        ("ea07_block_bits", reference_sta.decrypt, (KEY[:8], BLOCK, TABLES)),
        ("ea07_block", ea07.decrypt, (BLOCK,)),
        ("ea11_block_bits", reference_misty1.decrypt, (KEY, BLOCK)),
        ("ea11_block", ea11.decrypt, (BLOCK,)),
        ("ea07_token_bits", decode, (token07, slow07)),
        ("ea07_token", decode, (token07, ea07)),
        ("ea11_token_bits", decode, (token11, slow11)),
        ("ea11_token", decode, (token11, ea11)),
        ("hmac", hmac_sha256, (KEY, bytes(64))),
    ):
        print(name, cost_us(function, *args))
    print("garbage", garbage_bytes(decode, token11, ea11))


if __name__ == "__main__":
    main()
