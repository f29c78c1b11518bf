"""Runs on the board before the gateway, as boot.py, and prints how long keys waited to be taken, and the heap.

SCALE is how many times faster than the chip's time the gateway's clock runs. Above 1 the heap is collected at each turn
of the meter and of the link, so that no low is missed, and waits say nothing.
"""

import firmware.boot  # noqa: F401, I001  first, as on a board without this file, or the heap is scattered

import gc
import time

from firmware import app
from firmware.supervise import Supervisor

SCALE = 1
_MASK = 0x3FFFFFFF
_TELL_FROM_MS = 60

_looked_us = []
_plain_take = app.Tasks._take_keys
_plain_report = Supervisor.report
_plain_clock = app.Clock
_low = [1 << 29]


def _report(self, name):
    _plain_report(self, name)
    if SCALE > 1 and name in ("meter", "sync"):
        _look_at_heap()


def _take_keys(self, now_ms):
    _plain_take(self, now_ms)
    last_us = _looked_us.pop() if _looked_us else time.ticks_us()
    gap_ms = time.ticks_diff(time.ticks_us(), last_us) // 1000
    if SCALE == 1 and gap_ms >= _TELL_FROM_MS:
        print("gap {} ms".format(gap_ms))
    _looked_us.append(time.ticks_us())  # what was printed took no time of the gateway's


def _look_at_heap():
    gc.collect()
    free = gc.mem_free()
    if free < _low[0]:
        _low[0] = free
        print("heap {} bytes".format(free))


def _clock(ticks_ms, start_s):
    return _plain_clock(lambda: ticks_ms() * SCALE & _MASK, start_s)


Supervisor.report = _report
app.Tasks._take_keys = _take_keys
app.Clock = _clock
gc.collect()  # what compiling this file left
