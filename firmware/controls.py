"""What the customer does with a code at the keypad: valve lock, credits, confirmation, opening in an emergency.

Each is an entry, decided by the same rules that the cloud judges it by; what is not on offer leaves no entry.
"""

from firmware.ledger.store import FlashFull
from shared import credit, kinds
from shared.compat import const
from shared.policy import NEVER
from shared.supply import decide

VALVE_LOCK = const(51)
EMERGENCY_CREDIT = const(60)
RESERVED_CREDIT = const(61)
CONFIRM = const(62)
EMERGENCY_OPEN = const(91)
CODES = (VALVE_LOCK, EMERGENCY_CREDIT, RESERVED_CREDIT, CONFIRM, EMERGENCY_OPEN)

_LATEST_S = 0xFFFFFFFF
_NOT_NOW = ("not_now", "")
_NOT_OFFERED = ("not_offered", "")
_NOTHING_TO_DO = ("nothing_to_do", "")


class Controls:
    """The customer's controls of all meters. `account` is the AccountDesk, `supply` the SupplyDesk."""

    def __init__(self, core, account, supply) -> None:
        self._core = core
        self._account = account
        self._supply = supply
        self._handlers = {
            VALVE_LOCK: self._valve_lock,
            EMERGENCY_CREDIT: self._emergency_credit,
            RESERVED_CREDIT: self._reserved_credit,
            CONFIRM: self._confirm,
            EMERGENCY_OPEN: self._emergency_open,
        }

    def run(self, channel: int, code: int, now_ms: int) -> "tuple[str, str]":
        """(name of the text, value) to show for one of CODES."""
        core = self._core
        if core.meter(channel).has(kinds.MODE_BULK):
            return _NOT_OFFERED
        if core.recovery:
            return _NOT_NOW  # else the room that is kept serves these, too: a lock must open again, who paid confirm
        try:
            core.settle(channel, now_ms)
            return self._handlers[code](channel, now_ms)
        except FlashFull:
            return _NOT_NOW

    def _valve_lock(self, channel, _now_ms):
        if self._core.meter(channel).locked:
            self._control(channel, kinds.CONTROL_UNLOCK)
            return "lock_off", ""
        self._control(channel, kinds.CONTROL_LOCK)
        return "lock_on", ""

    def _emergency_credit(self, channel, now_ms):
        core = self._core
        meter, policy = core.meter(channel), core.policy_of(channel)
        status = credit.emergency_status(meter, policy)
        if meter.has(kinds.MODE_CREDIT) or not policy.emergency_limit or policy.emergency_activation == NEVER:
            return _NOT_OFFERED
        if status != credit.SELECTABLE:
            return _NOTHING_TO_DO if status in (credit.INVOKED, credit.IN_USE) else _NOT_NOW
        self._account.invoke_emergency(channel, kinds.RULE_KEYPAD, now_ms)
        return "emergency_on", ""

    def _reserved_credit(self, channel, _now_ms):
        core = self._core
        meter = core.meter(channel)
        status = credit.reserved_status(meter, core.policy_of(channel))
        if meter.has(kinds.MODE_CREDIT) or status == credit.OFF:
            return _NOT_OFFERED
        if status != credit.SELECTABLE:
            return _NOTHING_TO_DO
        core.append(core.entry(kinds.GRANT, channel, kinds.RULE_KEYPAD, kinds.GRANT_RESERVED))
        return "reserved_on", ""

    def _confirm(self, channel, _now_ms):
        if self._supply.decision(channel)[1] != kinds.RULE_ARMED:
            return _NOTHING_TO_DO
        self._control(channel, kinds.CONTROL_CONFIRM)
        return "reconnected", ""

    def _emergency_open(self, channel, _now_ms):
        core = self._core
        meter, policy = core.meter(channel), core.policy_of(channel)
        if not policy.emergency_open_s:
            return _NOT_OFFERED
        if self._supply.decision(channel)[0] == kinds.FULL:
            return _NOTHING_TO_DO
        if meter.open_day and meter.day - meter.open_day < policy.emergency_open_days:
            return _NOT_NOW
        entry = core.entry(kinds.CONTROL, channel, kinds.RULE_KEYPAD, kinds.CONTROL_EMERGENCY_OPEN)
        entry.reference_a = until_s = min(entry.time_s + policy.emergency_open_s, _LATEST_S)
        opened = meter.copy()
        opened.open_until_s = until_s
        if (
            decide(opened, entry.time_s, entry.quality, policy, core.floor)[0] != kinds.FULL
        ):  # an operator, the lock or safety holds it closed
            return _NOT_NOW
        core.append(entry)
        return "open_until", self._clock_time(policy, until_s)

    def _control(self, channel, action):
        core = self._core
        core.append(core.entry(kinds.CONTROL, channel, kinds.RULE_KEYPAD, action))

    def _clock_time(self, policy, time_s):
        """hh:mm on the customer's clock; "" while the gateway does not know the time."""
        if self._core.clock.quality() == kinds.TIME_UNKNOWN:
            return ""
        minute = policy.calendar.local(time_s)[1]
        return "{:02d}:{:02d}".format(minute // 60, minute % 60)
