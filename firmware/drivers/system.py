"""The chip itself: watchdog, reset and its cause, unique number, and the clock that TLS reads."""

import sys

import machine

from shared import kinds
from shared.civil import DAY_S, date_of, weekday
from shared.compat import const

# RP2040 datasheet 4.7.6 and 2.10.7: what machine.reset_cause() there does not tell apart.
_WATCHDOG_REASON = const(0x40058008)
_TIMER = const(1)
_FORCED = const(2)
_CHIP_RESET = const(0x40064008)
_HAD_POWER_ON = const(0x100)
_HAD_RUN = const(0x10000)


class Watchdog:
    """Resets the chip unless feed() is called at least every timeout_ms; it cannot be stopped once started."""

    def __init__(self, timeout_ms: int) -> None:
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        self._watchdog.feed()


def reset() -> None:
    """Start the board afresh, at once; does not return."""
    machine.reset()


def start_cause() -> "tuple[int, bool]":
    """(kinds.RESET_* of this start, whether the firmware may have crashed before it), as far as the chip knows."""
    if sys.platform == "rp2":
        return _rp2_cause()
    cause = machine.reset_cause()
    if cause == machine.WDT_RESET:
        return kinds.RESET_WATCHDOG, True
    if cause == machine.HARD_RESET:  # machine.reset(), and on the ESP32 a panic too
        return kinds.RESET_TOOL, True
    return (kinds.RESET_TOOL if cause == machine.SOFT_RESET else kinds.RESET_POWER), False


def _rp2_cause():
    """machine.reset() uses the watchdog, too, but forces it; a timer that ran out is a firmware that hung."""
    reason = machine.mem32[_WATCHDOG_REASON]
    if reason & _TIMER:
        return kinds.RESET_WATCHDOG, True
    if reason & _FORCED:
        return kinds.RESET_TOOL, False
    chip = machine.mem32[_CHIP_RESET]
    if chip & _HAD_RUN and not chip & _HAD_POWER_ON:
        return kinds.RESET_EXTERNAL, False
    return kinds.RESET_POWER, False


def unique_id() -> bytes:
    """The chip's own number, a few bytes."""
    return machine.unique_id()


def set_rtc(unix_s: int) -> None:
    """Set the chip's clock, by which TLS judges certificates, to seconds since 1970 in UTC.

    By our own calendar: time.gmtime() of a 32-bit board ends in January 2038.
    """
    day, second = unix_s // DAY_S, unix_s % DAY_S
    year, month, day_of_month = date_of(day)
    hour, minute = second // 3600, second // 60 % 60
    machine.RTC().datetime((year, month, day_of_month, weekday(day), hour, minute, second % 60, 0))
