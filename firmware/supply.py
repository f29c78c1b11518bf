"""Gives each meter the supply that the policy decides: intent in the ledger, then the motion, then its outcome.

At start the valve is driven to the folded intent. In RECOVERY supply stays as it is, and only the floor still opens.
When flash is full to the last byte the decision is enforced all the same, and written as soon as there is room.
"""

from firmware.ledger.store import FlashFull
from firmware.meter.actuator import Actuator
from shared import kinds, supply
from shared.compat import const

TEST_MS = const(1500)  # how long the test of an open valve drives it away
TEST_EVERY_MS = const(60000)  # anybody may order a test: the motor and the ledger are spared


class SupplyDesk:
    """The valves of all meters; one moves at a time, so that the motors never start together."""

    def __init__(self, core, valves, now_ms: int) -> None:
        """`valves` by channel, as firmware/drivers/valve.py."""
        self._core = core
        self._actuators = {channel: Actuator(valves[channel]) for channel in core.channels()}
        self._waiting = []  # (channel, rule) of motions to come
        self._open = {}  # channel -> whether the valve is to be open
        self._tested_ms = {}  # channel -> when its last test was ordered
        self._turn_ms = {}  # channel -> when the test under way turns round
        for channel in core.channels():
            self._restore(channel)

    def failed(self, channel: int) -> bool:
        """Whether the valve did not arrive at its last motion."""
        return self._actuators[channel].failed

    def is_open(self, channel: int) -> bool:
        """Where the valve is to be."""
        return self._open[channel]

    def decide(self, channel: int, now_ms: int) -> None:
        """Compare what the policy gives with what was intended, and move if it differs."""
        core = self._core
        if core.recovery:
            self._keep_floor(channel)
            return
        wanted, rule = self._wanted(channel, core.balance(channel))
        if wanted != core.meter(channel).intent:
            try:
                rule = self._intend(channel, now_ms)
            except FlashFull:
                self._aim(channel, wanted > kinds.CLOSED, rule)
                raise
        self._aim(channel, core.meter(channel).intent > kinds.CLOSED, rule)

    def tick(self, now_ms: int) -> None:
        """Move on: outcomes, the next motion, and another try where one failed long ago."""
        for channel in self._actuators:
            ended = self._actuators[channel].poll(now_ms)
            if channel in self._turn_ms:
                self._turn(channel, ended is not None, now_ms)
            elif ended is not None:
                self._note(channel, ended, now_ms)
            if self._actuators[channel].retry_due(now_ms):
                self._actuators[channel].failed = False
                self._order(channel, kinds.RULE_RETRY)
        self._start_next(now_ms)

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
        self._order(channel, kinds.RULE_VALVE_TEST)
        return True

    def moving(self, channel: int) -> bool:
        """Whether a motion of this valve runs or waits."""
        return self._actuators[channel].moving or any(order[0] == channel for order in self._waiting)

    def _intend(self, channel, now_ms):
        """Write the intent, on figures that are charged up to now; returns its rule."""
        core = self._core
        core.charge(channel, now_ms)
        wanted, rule = self._wanted(channel, core.meter(channel).pots[kinds.TOKEN_CREDIT])
        core.append(core.entry(kinds.VALVE_INTENT, channel, rule, wanted))
        return rule

    def _aim(self, channel, to_open, rule):
        if self._open[channel] != to_open:
            self._open[channel] = to_open
            self._order(channel, rule)

    def _wanted(self, channel, balance):
        core = self._core
        meter = core.meter(channel)
        return supply.decide(balance, meter.intent, core.clock.quality(), core.policy, core.floor, bool(meter.paused))

    def _restore(self, channel):
        if self._core.recovery:
            self._open[channel] = self._actuators[channel].stands(True)
            return
        meter = self._core.meter(channel)
        wanted = self._open[channel] = meter.intent > kinds.CLOSED
        outcome = kinds.VALVE_OPENED if wanted else kinds.VALVE_CLOSED
        if meter.outcome != outcome or not self._actuators[channel].stands(wanted):
            self._order(channel, kinds.RULE_BOOT_RESTORE)

    def _keep_floor(self, channel):
        """In RECOVERY no intent can be written, so the floor itself opens."""
        if self._core.floor.minimum_supply > kinds.CLOSED:
            self._aim(channel, True, kinds.RULE_FLOOR)

    def _order(self, channel, rule):
        self._waiting = [order for order in self._waiting if order[0] != channel]
        self._waiting.append((channel, rule))

    def _turn(self, channel, arrived, now_ms):
        """Drive the valve under test back to where it is to be."""
        if arrived or now_ms >= self._turn_ms[channel]:
            del self._turn_ms[channel]
            self._actuators[channel].start(self._open[channel], kinds.RULE_VALVE_TEST)

    def _start_next(self, now_ms):
        if not self._waiting or any(self._actuators[channel].moving for channel in self._actuators):
            return
        channel, rule = self._waiting.pop(0)
        self._core.journal()
        away = rule == kinds.RULE_VALVE_TEST and self._open[channel]
        if away:
            self._turn_ms[channel] = now_ms + TEST_MS
        self._actuators[channel].start(self._open[channel] and not away, rule)

    def _note(self, channel, ended, now_ms):
        """The outcome, behind the charge for what flowed while the valve moved: nothing stays uncharged behind it."""
        outcome, travel_ms = ended
        core = self._core
        if core.recovery or outcome == core.meter(channel).outcome == kinds.VALVE_FAILED:
            return
        try:
            rule = self._actuators[channel].rule
            core.charge(channel, now_ms)
            core.append(core.entry(kinds.VALVE_OUTCOME, channel, rule, outcome, reference_a=travel_ms))
        except FlashFull:
            pass  # the motion was made; the start after this one makes it again
