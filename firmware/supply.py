"""Gives each meter the supply that the policy decides: intent in the ledger, then the motion, then its outcome.

At start the valve is driven to the folded intent. In RECOVERY supply stays as it is, and only the floor still opens.
When flash is full to the last byte the decision is enforced all the same, and written as soon as there is room.
"""

from firmware.ledger.store import FlashFull
from firmware.valves import Valves
from shared import kinds, lifeline, supply
from shared.compat import const

_SUPPLY = const(0xFF)  # of a decision: the state without SHUT
_ELECTRICITY = const(0)
RETRY_CLOSED_MS = const(3600000)  # how often a valve that lets through while closed is driven into its seat again


class SupplyDesk:
    """Decides for all meters; `valves` (firmware/valves.py) moves them."""

    def __init__(self, core, account, valves: Valves) -> None:
        self._core = core
        self._account = account
        self._valves = valves
        self._changes = dict.fromkeys(core.channels(), -1)  # what each was last decided on
        self._seconds = dict.fromkeys(core.channels(), -1)
        self._pressed_ms = {}  # channel -> when a leaking valve was closed again
        for channel in core.channels():
            self._restore(channel)

    def decide(self, channel: int, now_ms: int) -> None:
        """Compare what the policy gives with what was intended, and move if it differs."""
        core = self._core
        if core.recovery:
            if core.floor.minimum_supply > kinds.CLOSED or core.meter(channel).has(kinds.MODE_CRITICAL):
                # no intent can be written, so the floor itself opens
                self._valves.aim(channel, True, False, kinds.RULE_FLOOR)
            return
        if not self._is_news(channel):
            return
        wanted, rule = self._decision(channel)
        meter = core.meter(channel)
        if self._differs(channel, wanted, now_ms):
            try:
                rule = self._intend(channel, now_ms)
            except FlashFull:
                self._aim(channel, wanted, rule)
                raise
        self._aim(channel, meter.intent | meter.shut << 8, rule)
        self._watch(channel, now_ms)

    def _is_news(self, channel):
        """Whether an entry, a second or what has flowed may have changed the decision since it was last taken."""
        core = self._core
        changes, now_s = core.changes(channel), core.clock.now()
        if self._changes[channel] == changes and self._seconds[channel] == now_s:
            return core.uncharged(channel) > 0 and self._account.has_crossed(channel)
        self._changes[channel], self._seconds[channel] = changes, now_s
        return True

    def decision(self, channel: int) -> "tuple[int, int]":
        """(supply, SHUT where LIFELINE waits; rule) that a meter is to have now."""
        return self._decision(channel)

    def _decision(self, channel):
        core = self._core
        meter = self._account.effective(channel)
        return supply.decide(meter, core.clock.now(), core.clock.quality(), core.policy_of(channel), core.floor)

    def _differs(self, channel, wanted, now_ms):
        """Whether there is anything to write: another supply, or a slot of the lifeline that has begun."""
        core = self._core
        meter = core.meter(channel)
        if wanted & _SUPPLY == kinds.LIFELINE:  # also out of the room that is kept: it is the least that there is
            policy = core.policy_of(channel)
            if lifeline.due(meter, core.clock.now(), policy, core.floor) is not None:
                try:
                    self._give_lifeline(channel, policy, now_ms)
                    wanted = self._decision(channel)[0]
                except FlashFull:
                    pass  # then what was decided without it is enforced
        return wanted != meter.intent | meter.shut << 8

    def _give_lifeline(self, channel, policy, now_ms):
        core = self._core
        core.settle(channel, now_ms)
        entry = core.entry(kinds.GRANT, channel, kinds.RULE_LIFELINE, kinds.GRANT_LIFELINE)
        given = lifeline.due(core.meter(channel), entry.time_s, policy, core.floor)
        if given is not None:
            entry.reference_a, entry.reference_b = given
            core.append(entry)

    def _intend(self, channel, now_ms):
        """Write the intent, on figures that are charged up to now; returns its rule."""
        core = self._core
        core.settle(channel, now_ms)
        entry = core.entry(kinds.VALVE_INTENT, channel)
        policy = core.policy_of(channel)
        meter = core.meter(channel)
        entry.detail, entry.rule = supply.decide(meter, entry.time_s, entry.quality, policy, core.floor)
        if entry.detail != meter.intent | meter.shut << 8:
            core.append(entry)
        return entry.rule

    def _aim(self, channel, wanted, rule):
        state = wanted & _SUPPLY
        opened = state >= kinds.LIFELINE and not wanted & supply.SHUT
        self._valves.aim(channel, opened, state == kinds.DRIP, rule)

    def _watch(self, channel, now_ms):
        """A valve that fails too often, one that lets through while closed, and one that is to be exercised."""
        core = self._core
        meter = core.meter(channel)
        if not core.has_room() or self._valves.moving(channel):
            return
        failed = meter.failed_motions >= supply.FAILED_MAX
        if failed != bool(meter.faults >> kinds.FAULT_VALVE & 1) and (failed or meter.outcome != kinds.VALVE_FAILED):
            detail = kinds.FAULT_VALVE << 8 | (1 if failed else 0)
            core.append(core.entry(kinds.FAULT, channel, kinds.RULE_MEASURED, detail, reference_a=meter.failed_motions))
        if meter.faults >> kinds.FAULT_CLOSED_FLOW & 1 and not meter.is_open():
            last_ms = self._pressed_ms.get(channel, now_ms - RETRY_CLOSED_MS)
            if now_ms - last_ms >= RETRY_CLOSED_MS:
                self._pressed_ms[channel] = now_ms
                self._valves.order(channel, kinds.RULE_RETRY)
        elif self._exercise_due(channel, meter):
            self._valves.exercise(channel)

    def _exercise_due(self, channel, meter):
        """By day and by the policy's hours, while supply is on: never at night, and never for a load switch."""
        core = self._core
        policy = core.policy_of(channel)
        if not policy.exercise_days or meter.intent != kinds.FULL or meter.outcome != kinds.VALVE_OPENED:
            return False
        if core.settings.meters[channel].commodity == _ELECTRICITY:
            return False
        if meter.day - meter.exercised_day < policy.exercise_days or core.clock.quality() == kinds.TIME_UNKNOWN:
            return False
        minute = policy.calendar.local(core.clock.now())[1]
        return policy.exercise_from_min <= minute < policy.exercise_to_min

    def _restore(self, channel):
        """Where the valve is to be after a start: where the ledger says; in RECOVERY where it stands."""
        core = self._core
        if core.recovery:
            self._valves.start_at(channel, self._valves.stands_open(channel), False)
            return
        meter = core.meter(channel)
        self._valves.restore(channel, meter.is_open(), meter.intent == kinds.DRIP)
