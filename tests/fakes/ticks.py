"""MicroPython's time functions and its flag of interrupts for CPython, and a hand-wound clock; importing is enough."""

import asyncio
import time

_MASK = 0x3FFFFFFF

if not hasattr(time, "ticks_ms"):
    time.ticks_ms = lambda: int(time.monotonic() * 1000) & _MASK
    time.ticks_add = lambda ticks, delta: (ticks + delta) & _MASK
    time.ticks_diff = lambda end, start: ((end - start + (_MASK + 1) // 2) & _MASK) - (_MASK + 1) // 2
    time.sleep_ms = lambda ms: None  # no device of the tests needs the pause
if not hasattr(asyncio, "ThreadSafeFlag"):

    class ThreadSafeFlag(asyncio.Event):
        """One that nobody sets from elsewhere."""

    asyncio.ThreadSafeFlag = ThreadSafeFlag


class Ticks:
    """Stands for time.ticks_ms; wraps at 2**30 as on a board."""

    def __init__(self, now_ms=0):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms & _MASK

    def advance(self, ms):
        self.now_ms += ms
        return self()
