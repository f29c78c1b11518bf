"""The chip itself: watchdog, reset and its cause, unique number, and the clock that TLS reads."""

import time

import machine


class Watchdog:
    """Resets the chip unless feed() is called at least every timeout_ms; it cannot be stopped once started."""

    def __init__(self, timeout_ms: int) -> None:
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        self._watchdog.feed()


def reset() -> None:
    """Start the board afresh, at once; does not return."""
    machine.reset()


def was_watchdog() -> bool:
    """Whether the watchdog caused this start."""
    return machine.reset_cause() == machine.WDT_RESET


def unique_id() -> bytes:
    """The chip's own number, a few bytes."""
    return machine.unique_id()


def set_rtc(unix_s: int) -> None:
    """Set the chip's clock, by which TLS judges certificates, to seconds since 1970 in UTC."""
    epoch_s = 946684800 if time.gmtime(0)[0] == 2000 else 0
    year, month, day, hour, minute, second, weekday = time.gmtime(unix_s - epoch_s)[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
