"""Asks the time server every six hours and moves the clock by its answer, as far as the clock lets it."""

import asyncio

from firmware.net.errors import LinkDown
from firmware.net.names import Lookup, is_address
from firmware.net.ntp import NTP_PORT, Question
from shared.compat import const

EVERY_MS = const(21600000)  # two seconds of drift at most, and no burden for the server
RETRY_MS = const(900000)  # RFC 4330, 10: never more often than every 15 s; a quarter of an hour will do
TIMEOUT_MS = const(2000)  # a later answer would also be a wrong one
POLL_MS = const(100)  # while an answer is due
_IDLE_MS = const(500)


class NetworkTime:
    """`nudge(real_s)` is the clock's; `ready()` tells whether there is a network, and a clock that may be nudged.

    `name_server()` is whom to ask for the host's address; "" leaves it to the network stack, which may wait.
    `report()` is called at least once a second. `random(n)` gives random bytes.
    """

    def __init__(self, host: str, name_server, nudge, ready, uptime_ms, random, report, log, port=NTP_PORT) -> None:
        self._host = host
        self._name_server = name_server
        self._nudge = nudge
        self._ready = ready
        self._uptime_ms = uptime_ms
        self._random = random
        self._report = report
        self._log = log
        self._port = port

    async def run(self) -> None:
        """For ever: wait until there is somebody to ask, ask, wait."""
        while True:
            if not self._ready():
                await self._idle(_IDLE_MS)
            elif await self._ask():
                await self._idle(EVERY_MS)
            else:
                await self._idle(RETRY_MS)

    async def _ask(self):
        """Whether there was an answer."""
        try:
            question = Question(await self._address(), self._random, self._port)
        except (LinkDown, OSError, ValueError) as error:  # no socket is left, or the map's name cannot be one
            return self._failed(error)
        try:
            self._take(await self._answer(question))
        except LinkDown as error:
            return self._failed(error)
        finally:
            question.close()
        return True

    async def _address(self):
        """The server's, looked up anew each time."""
        server = "" if is_address(self._host) else self._name_server()
        if not server:
            return self._host
        lookup = Lookup(self._host, server, self._random)
        try:
            lookup.ask()
            return await self._polled(lookup.poll, "the name server does not answer")
        finally:
            lookup.close()

    async def _answer(self, question):
        return await self._polled(question.poll, "the time server did not answer in time")

    async def _polled(self, poll, otherwise):
        """What poll() gives once it gives something."""
        end_ms = self._uptime_ms() + TIMEOUT_MS
        while self._uptime_ms() < end_ms:
            found = poll()
            if found:
                return found
            self._report()
            await asyncio.sleep_ms(POLL_MS)
        raise LinkDown(otherwise)

    def _take(self, real_s):
        off_s = self._nudge(real_s)
        if off_s is None:
            self._log("network time is further off than the clock can be, and is not followed")
        else:
            self._log("network time: the clock was off by {} s".format(off_s))

    def _failed(self, error):
        self._log("no network time: {}".format(error))
        return False

    async def _idle(self, wait_ms):
        end_ms = self._uptime_ms() + wait_ms
        while self._uptime_ms() < end_ms:
            self._report()
            await asyncio.sleep_ms(_IDLE_MS)
