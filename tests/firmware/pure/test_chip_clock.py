"""The chip's own clock, by which TLS judges certificates, for as long as a meter hangs on a wall."""

import sys

from shared.civil import DAY_S, day_of
from tests.fakes import machine


def set_to(unix_s):
    """What the chip's clock is told: (year, month, day, weekday, hour, minute, second, subseconds)."""
    before = sys.modules.get("machine")
    sys.modules["machine"] = machine
    try:
        from firmware.drivers import system
    finally:
        if before is None:
            del sys.modules["machine"]
        else:
            sys.modules["machine"] = before
    system.machine = machine
    system.set_rtc(unix_s)
    return tuple(machine.RTC().datetime())


def test_the_clock_is_set_to_the_second():
    assert set_to(day_of(2026, 11, 22) * DAY_S + 37380) == (2026, 11, 22, 6, 10, 23, 0, 0)


def test_a_gateway_still_starts_after_january_2038_when_seconds_leave_31_bits():
    assert set_to(2**31) == (2038, 1, 19, 1, 3, 14, 8, 0)
    assert set_to(2**32 - 1) == (2106, 2, 7, 6, 6, 28, 15, 0)
