"""Named tasks: the watchdog is fed only while all of them report, and the end of one stops the machine."""

import asyncio

from firmware.supervise import SILENT_MS, Supervisor
from tests.helpers import raises


class Board:
    """Remembers how often it was fed and why it was stopped."""

    def __init__(self):
        self.fed = 0
        self.stopped = []
        self.lost = []
        self.supervisor = Supervisor(self.feed, self.stop, self.lose)

    def feed(self):
        self.fed += 1

    def lose(self, name, reason):
        self.lost.append((name, reason))

    def stop(self, name, reason):
        self.stopped.append((name, reason))


async def for_ever():
    while True:
        await asyncio.sleep(60)


async def fails():
    raise OSError(5)


async def returns():
    return None


async def turn():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_watchdog_is_fed_once_every_task_has_reported():
    board = Board()
    board.supervisor.start("pulses", for_ever())
    board.supervisor.start("panel", for_ever())

    board.supervisor.report("pulses")
    assert not board.supervisor.feed_if_all_reported()
    assert board.supervisor.silent() == ["panel"]
    board.supervisor.report("panel")

    assert board.supervisor.feed_if_all_reported()
    assert not board.supervisor.feed_if_all_reported()  # each feed needs fresh reports
    assert board.fed == 1


async def test_a_task_that_raises_stops_the_machine_with_its_reason():
    board = Board()

    board.supervisor.start("sync", fails())
    await turn()

    assert [name for name, _ in board.stopped] == ["sync"]
    assert "OSError" in board.stopped[0][1]


async def test_a_task_that_returns_stops_the_machine_too():
    board = Board()

    board.supervisor.start("panel", returns())
    await turn()

    assert board.stopped == [("panel", "returned")]


async def test_after_a_stop_the_watchdog_starves_and_the_first_reason_stands():
    board = Board()
    board.supervisor.start("one", returns())
    board.supervisor.start("two", fails())
    await turn()

    board.supervisor.report("one")
    board.supervisor.report("two")

    assert not board.supervisor.feed_if_all_reported()
    assert board.stopped == [("one", "returned")]


async def turns(board, count):
    """The supervisor's own loop for some turns; CPython has no sleep_ms, and time does not matter here."""
    sleep_ms = getattr(asyncio, "sleep_ms", None)
    asyncio.sleep_ms = lambda _ms: asyncio.sleep(0)
    run = asyncio.create_task(board.supervisor.run())
    try:
        for _ in range(count):
            board.supervisor.report("meter")
            await asyncio.sleep(0)
    finally:
        run.cancel()
        asyncio.sleep_ms = sleep_ms


async def test_a_task_that_says_nothing_while_others_run_is_named_and_stops_the_machine():
    board = Board()
    board.supervisor.start("sync", for_ever())
    board.supervisor.start("meter", for_ever())

    await turns(board, SILENT_MS // 500 - 2)
    early = list(board.stopped)
    await turns(board, 2 * SILENT_MS // 500)

    assert early == [] and board.stopped == [("sync", "is silent")] and board.fed == 0


async def test_a_spare_task_that_ends_or_is_silent_is_given_up_and_the_rest_is_fed():
    board = Board()
    board.supervisor.start("meter", for_ever())
    board.supervisor.start("display", returns(), True)
    board.supervisor.start("sync", for_ever(), True)
    await turn()

    await turns(board, 2 * SILENT_MS // 500)

    assert board.lost == [("display", "returned"), ("sync", "is silent")]
    assert board.stopped == [] and board.fed > 0


async def test_names_are_unique_and_known():
    board = Board()
    board.supervisor.start("one", for_ever())
    spare = for_ever()

    raises(AssertionError, board.supervisor.start, "one", spare)
    raises(AssertionError, board.supervisor.report, "two")

    spare.close()
