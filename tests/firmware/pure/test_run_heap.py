"""What is read from the ledger takes one piece of the heap, wherever in it what is free lies."""

import gc
import sys

from firmware.ledger.store import Store
from shared import kinds
from shared.entries import BODY_SIZE, Entry
from tests.fakes.flash import Flash

_BATCH = 24
_SIZES = (65536, 4096, 512, 64)
_HELD_MAX = 4096
_WHOLE = 8 * 1024  # a segment, the batch, and what checking it takes in passing
_ON_MICROPYTHON = sys.implementation.name == "micropython"


def fill_heap():
    """Take the heap but for one piece; what is returned holds the rest."""
    gc.collect()
    left = bytearray(_WHOLE)
    held = [None] * _HELD_MAX
    count = 0
    for size in _SIZES:
        try:
            while True:
                held[count] = bytearray(size)
                count += 1
        except MemoryError:
            left[0] = 1  # still needed
    return held


def test_a_batch_is_read_where_little_more_than_a_segment_is_free():
    store = Store(Flash(), 7, 9, 1, bytes(32))
    for _ in range(20):
        store.append([Entry(0, 1000, kinds.BOOT) for _ in range(3)])

    held = fill_heap() if _ON_MICROPYTHON else []
    try:
        lengths = [len(store.run(first, _BATCH)[1]) for first in range(1, 31, 3)]
    finally:
        held.clear()

    assert lengths == [_BATCH * BODY_SIZE] * 10
