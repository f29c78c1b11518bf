"""What is gathered from flash for a message is one piece from the start, and fits where little is free in one piece."""

import gc
import sys

from firmware.ledger.readings import SEGMENT_MAX, ReadingStore
from firmware.ledger.store import Store
from shared import kinds, readings
from shared.entries import BODY_SIZE, Entry
from shared.kinds import TIME_TRUSTED
from tests.fakes.flash import Flash

_BATCH = 24
_SIZES = (65536, 4096, 512, 64)
_HELD_MAX = 4096
_FREE = 24 * 1024  # three times a block of flash and what is made of it: stale words on the stack may hold one more
_ON_MICROPYTHON = sys.implementation.name == "micropython"


def fill_heap():
    """Take the heap but for one piece; what is returned holds the rest."""
    gc.collect()
    left = bytearray(_FREE)
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


def where_little_is_free(work):
    """What work() returns when the rest of the heap is taken; CPython has no end of it."""
    held = fill_heap() if _ON_MICROPYTHON else []
    try:
        return work()
    finally:
        held.clear()


def test_a_batch_is_read_where_few_segments_would_fit():
    store = Store(Flash(), 7, 9, 1, bytes(32))
    for _ in range(20):
        store.append([Entry(0, 1000, kinds.BOOT) for _ in range(3)])

    lengths = where_little_is_free(lambda: [len(store.run(first, _BATCH)[1]) for first in range(1, 31, 3)])

    assert lengths == [_BATCH * BODY_SIZE] * 10


def test_readings_are_read_where_few_segments_would_fit():
    store = ReadingStore(Flash(), 1)
    record = readings.encode(readings.Reading(0, 20717, 497208, 1000, 500, TIME_TRUSTED, list(range(24))))
    count = 0
    while store.waiting() < 2:
        store.append(record)
        count += 1

    length = where_little_is_free(lambda: len(store.oldest()[2]))

    assert length == (count - 1) * len(record)
    assert count > SEGMENT_MAX // len(record) // 2
