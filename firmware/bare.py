"""Joins what is left in the last resort: pulse inputs, a display if it works, flash, watchdog; imports little else."""

import time

import board

from firmware.clock import Uptime
from firmware.drivers import hardware, system
from firmware.last_resort import Counting
from shared.compat import const
from shared.kinds import RESET_OWN

_LOOK_MS = const(100)


def run(resets) -> None:
    """Count pulses until safe mode is tried again."""
    print(resets.text())
    uptime_ms = Uptime(time.ticks_ms)
    watchdog = system.Watchdog(board.WATCHDOG_MS)
    inputs, lcd = hardware.counting_parts(board)
    counting = Counting(resets.flash, inputs)
    reason = ""
    while not reason:
        now_ms = uptime_ms()
        counting.tick(now_ms)
        lcd = _shown(lcd)
        watchdog.feed()
        time.sleep_ms(_LOOK_MS)
        reason = resets.lived(now_ms)
    counting.save()
    resets.leave(RESET_OWN, reason)
    system.reset()


def _shown(lcd):
    """The display, or None once it has failed: it may be what crashes."""
    try:
        if lcd is not None:
            lcd.show(("SERVICE NEEDED",))
    except Exception:
        return None
    return lcd
