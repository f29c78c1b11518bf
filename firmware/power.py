"""What a failing supply does: motors off, what has flowed made durable, and a mark that says why the next start came.

A supply that flutters would wear out the flash, so it is written at most once a minute; motors stop each time.
"""

import asyncio

from shared import kinds
from shared.compat import const

REPORT_MS = const(2000)
BACK_MS = const(2000)  # good for so long: it is back
LOOK_MS = const(100)
WRITE_EVERY_MS = const(60000)


class PowerWatch:
    """`power_fail` is the input (firmware/drivers/power_fail.py), `resets` keeps the cause over a reset.

    resets.leave(cause, reason) is durable when it returns, resets.take_back() undoes it; take_pulses() brings what has
    flowed by now into the registers, which otherwise come to it in their turn.
    """

    def __init__(self, power_fail, gateway, resets, take_pulses, uptime_ms, report, note) -> None:
        self._power_fail = power_fail
        self._gateway = gateway
        self._resets = resets
        self._take_pulses = take_pulses
        self._uptime_ms = uptime_ms
        self._report = report
        self._note = note
        self._written_ms = -WRITE_EVERY_MS

    async def run(self) -> None:
        """Wait for the supply to fail, for ever; reports while it waits."""
        while True:
            self._report()
            try:
                await asyncio.wait_for_ms(self._power_fail.wait(), REPORT_MS)
            except asyncio.TimeoutError:  # noqa: UP041  MicroPython has no other
                if not self._power_fail.failing():
                    continue
            self._save()
            await self._until_back()
            self._resets.take_back()
            self._gateway.power_is_back()

    def _save(self):
        now_ms = self._uptime_ms()
        durable = now_ms - self._written_ms >= WRITE_EVERY_MS
        self._take_pulses()
        self._gateway.power_fails(durable)
        if durable:
            self._written_ms = now_ms
            self._resets.leave(kinds.RESET_BROWN_OUT, "")
        self._note("power fails")

    async def _until_back(self):
        good_ms = 0
        while good_ms < BACK_MS:
            await asyncio.sleep_ms(LOOK_MS)
            self._report()
            good_ms = 0 if self._power_fail.has_failed() else good_ms + LOOK_MS
