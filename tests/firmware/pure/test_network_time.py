"""The task that asks a real time server on the loopback, and a clock that follows it only as far as it may."""

import asyncio
import os

from firmware.clock import DRIFTING, UNKNOWN, Clock
from firmware.net import network_time
from firmware.net.network_time import EVERY_MS, RETRY_MS, NetworkTime
from tests.fakes.ticks import Ticks
from tests.fakes.time_server import HOST, TimeServer

START_S = 1_700_000_000
DAYS = 30
DAY_MS = 86400000


class Hasty:
    """Stands for asyncio in the module under test: its sleeps make the time of the world pass."""

    def __init__(self, ticks):
        self._ticks = ticks

    async def sleep_ms(self, duration_ms):
        self._ticks.advance(duration_ms)
        await asyncio.sleep(0)


class World:
    """A clock that time was signed for long ago, the task, and a server; time passes while the task sleeps."""

    def __init__(self, signed=True, ready=True, off_s=0, host=HOST):
        self.ticks = Ticks()
        network_time.asyncio = Hasty(self.ticks)
        self.clock = Clock(self.ticks, START_S)
        if signed:
            self.clock.set_signed(START_S)
        for _ in range(DAYS):
            self.ticks.advance(DAY_MS)
            self.clock.now()
        self.off_s = off_s
        self.ready = ready
        self.server = TimeServer()
        self.said = []
        self.asked_ms = []
        self.reports = 0
        self._task = NetworkTime(
            host,
            lambda: HOST,
            self.clock.nudge,
            self._ready,
            self._uptime,
            os.urandom,
            self._report,
            self.said.append,
            self.server.port,
        )

    def run(self, until, turns=200000):
        """Run the task until a condition holds; AssertionError when it never does."""
        try:
            asyncio.run(self._run(until, turns))
        finally:
            self.server.close()

    async def _run(self, until, turns):
        task = asyncio.create_task(self._task.run())
        for _ in range(turns):
            if until():
                task.cancel()
                return
            await asyncio.sleep(0)
            self._serve()
        task.cancel()
        raise AssertionError("it never came true; said: " + repr(self.said))

    def _serve(self):
        before = len(self.server.questions)
        self.server.time_s = self.real_s() + self.off_s
        self.server.serve(0)
        if len(self.server.questions) > before:
            self.asked_ms.append(self.ticks.now_ms)

    def real_s(self):
        """What a perfect clock would show."""
        return START_S + self.ticks.now_ms // 1000

    def _uptime(self):
        return self.ticks.now_ms

    def _ready(self):
        return self.ready and self.clock.quality() != UNKNOWN

    def _report(self):
        self.reports += 1


def test_the_clock_follows_a_server_within_what_may_have_drifted():
    there = World(off_s=100)

    there.run(lambda: there.said)

    assert there.said == ["network time: the clock was off by 100 s"]
    assert 99 <= there.clock.now() - there.real_s() <= 101
    assert there.clock.quality() == DRIFTING


def test_a_server_that_is_far_off_is_not_followed():
    there = World(off_s=3600)

    there.run(lambda: there.said)

    assert "not followed" in there.said[0]
    assert there.clock.now() == there.real_s()


def test_it_asks_again_after_six_hours():
    there = World()

    there.run(lambda: len(there.asked_ms) == 3)

    assert EVERY_MS <= there.asked_ms[1] - there.asked_ms[0] < EVERY_MS + 60000
    assert there.reports > 2 * EVERY_MS // 1000


def test_a_server_that_is_silent_stale_or_refuses_is_asked_again_after_a_quarter_of_an_hour():
    lies = ({"silent": True}, {"originate": bytes(8)}, {"stratum": 0}, {"leap": 3}, {"mode": 5})
    for lie in lies:
        there = World()
        for name, value in lie.items():
            setattr(there.server, name, value)

        there.run(lambda there=there: len(there.asked_ms) == 2)

        assert there.said and all(line.startswith("no network time: ") for line in there.said)
        assert RETRY_MS <= there.asked_ms[1] - there.asked_ms[0] < RETRY_MS + 60000
        assert there.clock.now() == there.real_s()


def test_a_name_that_cannot_be_one_costs_the_network_time_and_no_restart():
    there = World(host="time.example.")

    there.run(lambda: there.said)

    assert there.said == ["no network time: the name of the host cannot be one"]


def test_nobody_is_asked_without_a_network_or_before_time_was_signed():
    for there in (World(ready=False), World(signed=False)):
        there.run(lambda there=there: there.reports > 1000)

        assert not there.asked_ms and not there.said


def test_it_asks_as_soon_as_there_is_a_network():
    there = World(ready=False)

    def joined():
        there.ready = there.ready or there.reports > 10
        return len(there.asked_ms) == 1

    there.run(joined)

    assert there.asked_ms[0] < DAYS * DAY_MS + 60000
