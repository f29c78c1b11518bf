"""Keeps the link to the cloud: hello, one batch at a time, and what comes down. A link that is down is normal.

Every wait has a deadline, and long arithmetic runs in slices, so that metering and the keypad never wait for the net.
"""

import asyncio

from firmware.net.errors import LinkDown, NoMemory
from shared.compat import const

POLL_MS = const(100)
CONNECT_POLL_MS = const(20)
FAILURES_MAX = const(5)  # attempts in a row that led nowhere; then the network is made anew
RESEND_MS = const(15000)  # a batch without an acknowledgement is sent again
RESENDS_MAX = const(4)  # then the connection is made anew
HELLO_MS = const(3600000)  # it asks for the time again
HELLO_UNTRUSTED_MS = const(60000)
STARVED_MS = const(86400000)  # so long a gateway runs at least before it restarts to have room for a connection again
BACKOFF_FIRST_MS = const(1000)
BACKOFF_MAX_MS = const(300000)
_SLICE_MS = const(0)
_TAKEN_MAX = const(8)  # messages in a row; then hello and batch have their turn


class Sync:
    """`messages` is the gateway's; `report()` is called at least once a second while the task lives.

    `network` has is_up() and restart(): without a network nothing is tried, and one that leads nowhere is made anew.
    `random(n)` spreads the attempts of many gateways; `trusted()` tells whether the clock is.
    """

    def __init__(self, link, network, messages, uptime_ms, random, trusted, report, log) -> None:
        self._link = link
        self._network = network
        self._messages = messages
        self._uptime_ms = uptime_ms
        self._random = random
        self._trusted = trusted
        self._report = report
        self._log = log
        self._backoff_ms = BACKOFF_FIRST_MS
        self._failures = 0
        self._starved = 0  # attempts since the last connection that the heap had no room for
        self._forget()

    async def run(self) -> None:
        """For ever: connect, talk until the link breaks, wait a growing while. MemoryError: only a restart can help."""
        while True:
            while not self._network.is_up():
                await self._rest(POLL_MS)
            try:
                await self._talk()
            except LinkDown as error:
                self._log("link down: {}".format(error))
                if isinstance(error, NoMemory):
                    self._starve()
            self._link.close()
            self._doubt()
            await self._pause()

    async def _talk(self):
        await self._sliced(self._link.connect_steps(), CONNECT_POLL_MS)
        self._log("link up")
        self._starved = 0
        self._forget()
        while True:
            if not self._network.is_up():
                raise LinkDown("the network is gone")
            self._say_hello()
            await self._take_in()
            await self._send_batch()
            self._send_readings()
            self._report()
            await asyncio.sleep_ms(POLL_MS)

    def _say_hello(self):
        now_ms = self._uptime_ms()
        every_ms = HELLO_MS if self._trusted() else HELLO_UNTRUSTED_MS
        if self._hello_ms is None or now_ms - self._hello_ms >= every_ms:
            self._link.send(self._messages.hello())
            self._hello_ms = now_ms

    async def _take_in(self):
        """What has come down, with room for other tasks behind each message; what came proves that the link is good."""
        for _ in range(_TAKEN_MAX):
            data = self._link.poll()
            if data is None:
                return
            self._log(await self._sliced(self._messages.receive_steps(data, self._uptime_ms())))
            self._backoff_ms = BACKOFF_FIRST_MS
            self._failures = 0
            self._report()
            await asyncio.sleep_ms(_SLICE_MS)

    async def _send_batch(self):
        """The next batch as soon as the one before is acknowledged, the same again after a while."""
        batch = await self._sliced(self._messages.batch_steps())
        now_ms = self._uptime_ms()
        self._idle = not batch
        if not batch or (batch is self._sent and now_ms - self._sent_ms < RESEND_MS):
            return
        self._resends = self._resends + 1 if batch is self._sent else 0
        if self._resends > RESENDS_MAX:
            raise LinkDown("no acknowledgement")
        self._link.send(batch)
        self._sent = batch
        self._sent_ms = now_ms

    def _send_readings(self):
        """Readings, or what an update asks for, once no entry waits; without an answer nothing is held up."""
        if not self._idle:
            return
        now_ms = self._uptime_ms()
        data = self._messages.readings.due(now_ms) or self._messages.update_request(now_ms)
        if data:
            self._link.send(data)

    async def _sliced(self, steps, slice_ms=_SLICE_MS):
        """Run a generator to its end, with room for other tasks between its slices.

        Where this is broken off, so is the generator, at once: a file that it holds open must not be written later.
        """
        try:
            while True:
                try:
                    next(steps)
                except StopIteration as stop:
                    return stop.value
                await self._rest(slice_ms)
        finally:
            steps.close()

    def _starve(self):
        """A heap that is too scattered for a connection stays so."""
        self._starved += 1
        if self._starved >= FAILURES_MAX and self._uptime_ms() >= STARVED_MS:
            raise MemoryError("no room for a connection")

    def _doubt(self):
        """An attempt led nowhere; nothing that came down since the last ones says otherwise."""
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            self._failures = 0
            self._network.restart()

    async def _pause(self):
        """Wait for half to all of the present back-off, and double it."""
        half_ms = self._backoff_ms // 2
        wait_ms = half_ms + int.from_bytes(self._random(2), "big") * half_ms // 0xFFFF
        self._backoff_ms = min(2 * self._backoff_ms, BACKOFF_MAX_MS)
        end_ms = self._uptime_ms() + wait_ms
        while self._uptime_ms() < end_ms:
            await self._rest(POLL_MS)

    async def _rest(self, wait_ms):
        self._report()
        await asyncio.sleep_ms(wait_ms)

    def _forget(self):
        """A new connection knows nothing of what was sent on the old one."""
        self._idle = False
        self._sent = None
        self._sent_ms = 0
        self._resends = 0
        self._hello_ms = None
