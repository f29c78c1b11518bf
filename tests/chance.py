"""Chance in tests: its seed is printed, and PENSTOCK_SEED repeats it.

In CI a test keeps its seed, so that a change is judged by what it changes; elsewhere each run looks at something new.
"""

import os
import random
import zlib


def chance_of(test: str) -> random.Random:
    """Return the source of chance of the test with that name."""
    seed = os.environ.get("PENSTOCK_SEED")
    if seed is None:
        seed = zlib.crc32(test.encode()) if os.environ.get("CI") else random.SystemRandom().getrandbits(32)
    print(f"PENSTOCK_SEED={seed}")
    return random.Random(int(seed))
