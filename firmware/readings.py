"""Hourly readings: notes each register at the hours of UTC, and packs a local day when it is closed.

Droppable: where flash has no room for them the hours of a day are given up, and metering does not notice.
"""

from firmware.ledger.pair import Pair
from firmware.ledger.readings import ReadingStore
from shared import readings
from shared.errors import WireError
from shared.kinds import TIME_TRUSTED
from shared.readings import HOUR_S, HOURS_MAX, NOT_CLOSED, Reading
from shared.wire import Layout

HOURS = Layout(b"PShours1", (("epoch", "u2"), ("hour", "u4"), ("records", "v2")))
NONE_KEPT = (0, 0)


class _Running:
    """The hours of a meter that no record holds yet; `hour` runs, and all before it are counted."""

    __slots__ = ("day", "hour", "register", "sum")

    def __init__(self, day: Reading, hour: int) -> None:
        self.day = day
        self.hour = hour
        self.sum = day.total()


class ReadingsDesk:
    """tick() often, close_day() when a DAY entry is about to be written.

    What a power cut takes: what had flowed in the running hour counts in it all the same once power is back, and hours
    without power count 0. `hours-a` and `hours-b` keep the running day, written once an hour.
    """

    def __init__(self, core) -> None:
        self._core = core
        self._epoch = core.settings.epoch
        self.store = ReadingStore(core.flash, self._epoch)
        self._files = Pair(core.flash, "hours")
        self._running = {}  # channel -> _Running
        self._answers = {}  # channel -> (day, check, total) of the last day that was closed
        self._changed = False  # hours that are not in the file yet
        self.hour = 0  # the last in which all meters have begun
        self._load()

    def tick(self, channel: int, now_s: int, volume_ml: int) -> None:
        """The register of a meter now; the clock may stand or jump, but for readings it never goes back."""
        hour = now_s // HOUR_S
        running = self._running.get(channel)
        if running is None:
            self._begin(channel, hour, volume_ml)
        elif hour > running.hour:
            self._complete(channel, hour, volume_ml)
        if self._changed:
            self._save(hour)

    def close_day(self, channel: int, day: int) -> "tuple[int, int]":
        """(check, total in pulses) of the record of a local day, which is durable now; (0, 0): none was kept.

        The hour that is running goes to the next record. Asked again for the same day the answer is the same.
        """
        answer = self._answers.get(channel)
        if answer is None or answer[0] != day:
            answer = self._answers[channel] = (day,) + self._store_day(channel, day)
        return answer[1:]

    def running_records(self) -> bytes:
        """The running day of each meter as a record that no DAY entry covers, end to end; it may have no hour yet."""
        return b"".join([readings.encode(self._running[channel].day) for channel in sorted(self._running)])

    def _begin(self, channel, hour, register):
        unit_ml = self._core.settings.meters[channel].pulse_volume_ml
        day = Reading(channel, NOT_CLOSED, hour, unit_ml, register, TIME_TRUSTED, [])
        self._running[channel] = _Running(day, hour)
        self._changed = True

    def _begin_next(self, channel):
        """Go on behind the hours that a record holds now; what is less than a unit is not lost."""
        running = self._running[channel]
        day = running.day
        self._begin(channel, running.hour, day.register + running.sum * day.unit_ml)

    def _complete(self, channel, hour, volume_ml):
        """Count what flowed to the hour that ran, and 0 to hours that the clock jumped over."""
        running = self._running[channel]
        if len(running.day.pulses) == HOURS_MAX:  # nobody closes days: the ledger takes no entries
            self._store_day(channel, NOT_CLOSED)
            running = self._running[channel]
        day = running.day
        pulses = max(0, (volume_ml - day.register) // day.unit_ml - running.sum)
        missed = hour - running.hour - 1
        day.pulses.append(pulses)
        if len(day.pulses) + missed <= HOURS_MAX:
            day.pulses.extend([0] * missed)
        day.quality = min(day.quality, self._core.clock.quality())
        running.sum += pulses
        running.hour = hour
        self._changed = True

    def _store_day(self, channel, number):
        running = self._running.get(channel)
        if running is None or not running.day.pulses:
            return NONE_KEPT
        day = running.day
        day.day = number
        packed = readings.encode(day)
        self._begin_next(channel)
        return (readings.check_of(packed), day.total()) if self.store.append(packed) else NONE_KEPT

    def _save(self, hour):
        """Keep the running hours, once when the last meter has come to the hour."""
        for channel in self._running:
            if self._running[channel].hour < hour:
                return
        self._changed = False
        self.hour = hour
        data = HOURS.encode(epoch=self._epoch, hour=hour, records=self.running_records())
        if self.store.make_room(len(data)):
            try:
                self._files.save(data)
            except OSError:
                pass  # the next hour tries again

    def _load(self):
        """Take the running hours up again, but for those that a record holds already.

        A file that is days old was left behind when flash had no room: what flowed since is of no known hour.
        """
        data = self._files.load()
        eldest = self._core.clock.now() // HOUR_S - HOURS_MAX
        try:
            fields = HOURS.decode(data) if data is not None else None
            if fields and fields["epoch"] == self._epoch and fields["hour"] >= eldest:
                for packed in readings.split(fields["records"]):
                    day = readings.decode(packed)
                    self._running[day.channel] = _Running(day, max(fields["hour"], day.first_hour + len(day.pulses)))
            for channel in self.store.last:
                self._skip(channel, readings.decode(self.store.last[channel]))
        except WireError:
            pass  # a file of another version: the day begins anew
        self.store.last.clear()

    def _skip(self, channel, last):
        packed = self.store.last[channel]
        if last.day != NOT_CLOSED:
            self._answers[channel] = (last.day, readings.check_of(packed), last.total())
        running = self._running.get(channel)
        if running is not None and running.day.first_hour == last.first_hour:
            running.day.pulses = running.day.pulses[len(last.pulses) :]
            running.day.register = last.register + last.total() * last.unit_ml
            running.day.first_hour += len(last.pulses)
            running.hour = max(running.hour, running.day.first_hour)
            running.sum = running.day.total()
