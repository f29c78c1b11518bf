"""Named tasks: the watchdog is fed only while all of them report, and one that ends stops the machine on purpose."""

import asyncio

from shared.compat import const

_FEED_EVERY_MS = const(500)
SILENT_MS = const(6000)  # below every board's watchdog; counted in turns, in which a call that blocks all is one


class Supervisor:
    """Starts tasks and feeds the watchdog for them.

    feed() feeds it. stop(name, reason) notes why and resets the board; it is called once, for the first task that
    ends or, while the others run, says nothing for SILENT_MS. What stops all of them is left to the watchdog.
    """

    def __init__(self, feed, stop, lost) -> None:
        """lost(name, reason) is told of a spare task that ended or said nothing: the machine goes on without it."""
        self._feed = feed
        self._stop = stop
        self._lost = lost
        self._spare = {}  # name -> its task
        self._stopped = False
        self._silent = {}  # name -> whether it owes a report since the last feed
        self._tasks = []

    def start(self, name: str, coroutine, spare: bool = False) -> None:
        """Run a coroutine that must never end as a task of that name. Call it inside the event loop."""
        assert name not in self._silent, "each task has its own name"
        self._silent[name] = True
        task = asyncio.create_task(self._watch(name, coroutine))
        self._tasks.append(task)
        if spare:
            self._spare[name] = task

    def report(self, name: str) -> None:
        """Say that a task is alive and did its work."""
        assert name in self._silent, "only a started task reports"
        self._silent[name] = False

    def silent(self) -> list[str]:
        """The tasks that have not reported since the last feed."""
        return [name for name in self._silent if self._silent[name]]

    def feed_if_all_reported(self) -> bool:
        """Feed the watchdog if every task has reported since it was last fed; tell whether it was."""
        if self._stopped or self.silent():
            return False
        for name in self._silent:
            self._silent[name] = True
        self._feed()
        return True

    async def run(self) -> None:
        """Feed for ever, as long as the tasks deserve it."""
        turns = 0
        while True:
            turns = 0 if self.feed_if_all_reported() else turns + 1
            if turns * _FEED_EVERY_MS >= SILENT_MS:
                turns = 0
                name = self.silent()[0]
                if name in self._spare:
                    self._spare[name].cancel()
                self._end(name, "is silent")
            await asyncio.sleep_ms(_FEED_EVERY_MS)

    def _end(self, name, reason):
        if name in self._spare:
            self._spare.pop(name)
            self._silent.pop(name)
            self._lost(name, reason)
        elif not self._stopped:
            self._stopped = True
            self._stop(name, reason)

    async def _watch(self, name: str, coroutine) -> None:
        try:
            await coroutine
            reason = "returned"
        except asyncio.CancelledError:
            raise
        except Exception as error:
            reason = repr(error)
        if name in self._silent:  # not given up yet
            self._end(name, reason)
