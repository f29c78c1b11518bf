"""Moves the valves of all meters, one at a time, and notes the outcomes: retries, tests, exercise, the bypass."""

from firmware.ledger.store import FlashFull
from firmware.meter.actuator import Actuator
from shared import kinds
from shared.compat import const
from shared.supply import FAILED_MAX

TEST_MS = const(1500)  # how long the test of an open valve drives it away
EXERCISE_MS = const(60000)  # and its exercise, at most: to the other end and back
TEST_EVERY_MS = const(60000)  # anybody may order a test: the motor and the ledger are spared


class Valves:
    """`valves` by channel, as firmware/drivers/valve.py."""

    def __init__(self, core, valves) -> None:
        self._core = core
        self._actuators = {channel: Actuator(valves[channel]) for channel in core.channels()}
        self._waiting = []  # (channel, rule) of motions to come
        self._open = {}  # channel -> whether the valve is to be open
        self._bypass = {}  # channel -> whether its bypass is open
        self._tested_ms = {}  # channel -> when its last test was ordered
        self._turn_ms = {}  # channel -> when the motion away, of a test or an exercise, turns round
        self._resting = False  # power fails: nothing may start

    def failed(self, channel: int) -> bool:
        """Whether the valve did not arrive at its last motion."""
        return self._actuators[channel].failed

    def is_open(self, channel: int) -> bool:
        """Where the valve is to be."""
        return self._open[channel]

    def is_closed(self, channel: int) -> bool:
        """Whether the last motion of this valve closed it, and none has begun since but into its seat again."""
        meter = self._core.meter(channel)
        shut = not meter.is_open() and meter.intent != kinds.DRIP
        return shut and bool(meter.motions) and meter.outcome == kinds.VALVE_CLOSED and self._is_pressed(channel)

    def _is_pressed(self, channel):
        """Whether no motion of a closed valve runs or waits, or only one into its seat."""
        rules = [order[1] for order in self._waiting if order[0] == channel]
        if self._actuators[channel].moving:
            rules.append(self._actuators[channel].rule)
        return all(rule in (kinds.RULE_RETRY, kinds.RULE_VALVE_TEST) for rule in rules)

    def moving(self, channel: int) -> bool:
        """Whether a motion of this valve runs or waits."""
        return self._actuators[channel].moving or any(order[0] == channel for order in self._waiting)

    def stands_open(self, channel: int) -> bool:
        """Whether the end switch says so."""
        return self._actuators[channel].stands(True)

    def start_at(self, channel: int, opened: bool, bypass: bool) -> None:
        """Take over a position without a motion."""
        self._open[channel] = opened
        self._let_by(channel, bypass)

    def restore(self, channel: int, opened: bool, bypass: bool) -> None:
        """After a start: drive the valve to its recorded position unless it is known to stand there."""
        self.start_at(channel, opened, bypass)
        outcome = kinds.VALVE_OPENED if opened else kinds.VALVE_CLOSED
        if self._core.meter(channel).outcome != outcome or not self._actuators[channel].stands(opened):
            self.order(channel, kinds.RULE_BOOT_RESTORE)

    def aim(self, channel: int, opened: bool, bypass: bool, rule: int) -> None:
        """Say where a valve is to be; it moves when that is new."""
        if self._bypass[channel] != bypass:
            self._let_by(channel, bypass)
        if self._open[channel] != opened:
            self._open[channel] = opened
            self.order(channel, rule)

    def order(self, channel: int, rule: int) -> None:
        """Drive a valve to where it is to be, once more."""
        self._waiting = [order for order in self._waiting if order[0] != channel]
        self._waiting.append((channel, rule))

    def test(self, channel: int, now_ms: int) -> bool:
        """Order a test: an open valve is driven away for a moment and back, a closed one into its seat again.

        Closed valves stay closed: test tokens are in clear, and must not be a way to water. False: not now.
        """
        core = self._core
        last_ms = self._tested_ms.get(channel, now_ms - TEST_EVERY_MS)
        if not core.has_room() or self.moving(channel) or now_ms - last_ms < TEST_EVERY_MS:
            return False
        self._tested_ms[channel] = now_ms
        core.append(core.entry(kinds.EVENT, channel, kinds.RULE_VALVE_TEST, kinds.EVENT_VALVE_TEST))
        self.order(channel, kinds.RULE_VALVE_TEST)
        return True

    def exercise(self, channel: int) -> None:
        """Drive an open valve to its other end and back, so that it does not seize."""
        core = self._core
        core.append(core.entry(kinds.EVENT, channel, kinds.RULE_EXERCISE, kinds.EVENT_EXERCISE))
        self.order(channel, kinds.RULE_EXERCISE)

    def rest(self) -> None:
        """Stop every motion, for power fails; those that ran, and those that wait, are made when it is back."""
        self._resting = True
        for channel in self._actuators:
            actuator = self._actuators[channel]
            if actuator.moving:
                self.order(channel, actuator.rule)
            actuator.halt()
        self._turn_ms.clear()

    def resume(self) -> None:
        """Power is back: go on."""
        self._resting = False
        for channel in self._actuators:
            self._let_by(channel, self._bypass[channel])

    def tick(self, now_ms: int) -> None:
        """Move on: the next motion, outcomes, and another try where one failed long ago."""
        self._start_next(now_ms)  # first, so that its motor runs in this very turn
        for channel in self._actuators:
            ended = self._actuators[channel].poll(now_ms)
            if channel in self._turn_ms:
                self._turn(channel, ended is not None, now_ms)
            elif ended is not None:
                self._note(channel, ended, now_ms)
            if self._actuators[channel].retry_due(now_ms):
                self._actuators[channel].failed = False
                self.order(channel, kinds.RULE_RETRY)

    def _let_by(self, channel, bypass):
        self._bypass[channel] = bypass
        self._actuators[channel].bypass(bypass and not self._resting)

    def _turn(self, channel, arrived, now_ms):
        """Drive the valve under test back to where it is to be."""
        if arrived or now_ms >= self._turn_ms[channel]:
            del self._turn_ms[channel]
            self._actuators[channel].start(self._open[channel], self._actuators[channel].rule)

    def _start_next(self, now_ms):
        if self._resting or not self._waiting or any(self._actuators[channel].moving for channel in self._actuators):
            return
        channel, rule = self._waiting.pop(0)
        self._core.journal()
        away_ms = {kinds.RULE_VALVE_TEST: TEST_MS, kinds.RULE_EXERCISE: EXERCISE_MS}.get(rule, 0)
        away = away_ms > 0 and self._open[channel]
        if away:
            self._turn_ms[channel] = now_ms + away_ms
        self._actuators[channel].start(self._open[channel] and not away, rule)

    def _note(self, channel, ended, now_ms):
        """The outcome, behind the charge for what flowed while the valve moved: nothing stays uncharged behind it."""
        outcome, travel_ms = ended
        core = self._core
        meter = core.meter(channel)
        if core.recovery or (outcome == kinds.VALVE_FAILED and meter.failed_motions >= FAILED_MAX):
            return  # told often enough today
        try:
            rule = self._actuators[channel].rule
            core.settle(channel, now_ms)
            core.append(core.entry(kinds.VALVE_OUTCOME, channel, rule, outcome, reference_a=travel_ms))
        except FlashFull:
            pass  # the motion was made; the start after this one makes it again
