"""What the idle pages tell of a meter: its state, what is left, and what else is to be known, the most urgent first."""

from firmware.answers import standing
from firmware.panel import amounts
from firmware.panel.screens import View
from shared import credit, kinds, policy, supply
from shared.compat import const

_FAULTS_FIRST = (kinds.FAULT_BURST, kinds.FAULT_LEAK, kinds.FAULT_CLOSED_FLOW, kinds.FAULT_VALVE)
_FAULTS_LAST = (
    kinds.FAULT_MAGNET,
    kinds.FAULT_REVERSE,
    kinds.FAULT_STUCK,
    kinds.FAULT_DRIP,
    kinds.FAULT_CALENDAR,
)
_TOLD_OTHERWISE = (
    kinds.RULE_CREDIT_AVAILABLE,
    kinds.RULE_CREDIT_EXHAUSTED,
    kinds.RULE_CLOCK_UNTRUSTED,
    kinds.RULE_BULK,
    kinds.RULE_FRIENDLY,
    kinds.RULE_LIFELINE,
    kinds.RULE_CRITICAL,
    kinds.RULE_ARMED,
)
_SUPPLY = const(0xFF)
_WEEK_S = const(604800)


class Status:
    """Fills one View for whichever meter's turn it is. `stuck` is the key that is stuck, or ""."""

    def __init__(self, core, desk, supply_desk, answers) -> None:
        """`desk` as firmware/tokens.py, `supply_desk` as firmware/supply.py."""
        self._core = core
        self._desk = desk
        self._supply = supply_desk
        self._answers = answers
        self._view = View()
        self.stuck = ""

    def view(self, channel: int, number: int, now_ms: int) -> View:
        """The View of a meter, good until the next call."""
        core = self._core
        view = self._view
        meter = core.meter(channel)
        view.number = number
        view.state = self._state(channel, meter)
        stands = standing(meter, core.balance(channel))
        self._fill_left(channel, meter, stands[0])
        view.days = self._answers.days_left(channel, stands[0])
        view.specials.clear()
        self._specials(channel, meter, stands, now_ms, view.specials)
        return view

    def _state(self, channel, meter):
        if self._supply.failed(channel):
            return "valve_fault"
        if self._supply.moving(channel):
            return "moving"
        if meter.intent == kinds.DRIP:
            return "drip_on"
        if not self._supply.is_open(channel):
            return "off"
        return "lifeline_on" if meter.intent == kinds.LIFELINE else "on"

    def _fill_left(self, channel, meter, own):
        """What is left; where nothing is paid beforehand, the register instead."""
        commodity = self._core.settings.meters[channel].commodity
        if _is_unpaid(meter):
            self._view.left_name = "register"
            self._view.left = amounts.volume(self._core.registers[channel].volume_ml, commodity)
            return
        self._view.left_name = "left"
        self._view.left = amounts.amount(own, commodity, meter.has(kinds.MODE_CURRENCY))

    def _specials(self, channel, meter, stands, now_ms, found):
        core = self._core
        now_s, quality = core.clock.now(), core.clock.quality()
        limits = core.policy_of(channel)
        wanted, rule = supply.decide(meter, now_s, quality, limits, core.floor)
        wait_s = self._desk.wait_s(channel, now_ms)
        if core.recovery:
            found.append(("recovery", "", False))
        if wait_s:
            found.append(("locked", str(wait_s), False))
        _add_faults(meter, _FAULTS_FIRST, found)
        self._add_reason(meter, wanted & _SUPPLY, rule, found)
        self._add_credit(meter, stands, limits, found)
        self._add_hours(channel, limits, rule, now_s, quality, found)
        if meter.has(kinds.MODE_CRITICAL):
            found.append(("critical", "", False))
        _add_faults(meter, _FAULTS_LAST, found)
        if core.state.lid_open:
            found.append(("lid_open", "", False))
        if self.stuck:
            found.append(("key_stuck", self.stuck, False))

    def _add_reason(self, meter, wanted, rule, found):
        """Why there is less than full supply, or why there is any."""
        if rule == kinds.RULE_ARMED:
            found.append(("ready", "", False))
        elif wanted == kinds.LIFELINE and meter.is_open() and meter.intent == kinds.LIFELINE:
            commodity = self._core.settings.meters[meter.channel].commodity
            left_ml = self._answers.lifeline_left(meter.channel, meter.lifeline_left)
            found.append(("lifeline_left", amounts.short(left_ml, commodity, False), True))
        elif rule not in _TOLD_OTHERWISE:
            found.append(("rule_{}".format(rule), "", False))

    def _add_credit(self, meter, stands, limits, found):
        if _is_unpaid(meter):
            return
        own, emergency_left, _used, owed = stands
        commodity = self._core.settings.meters[meter.channel].commodity
        currency = meter.has(kinds.MODE_CURRENCY)
        if own <= 0 and emergency_left > 0:
            found.append(("emergency_left", amounts.short(emergency_left, commodity, currency), True))
        elif own <= 0:
            found.append(("none", "", False))
        elif own <= limits.low_credit_threshold:
            found.append(("low", "", False))
        if owed >= amounts.LEAST:
            found.append(("owed_now", amounts.amount(owed, commodity, currency), True))
        on_key = limits.emergency_activation == policy.ON_KEY
        if on_key and credit.emergency_status(meter, limits) == credit.SELECTABLE:
            found.append(("offer_60", "", False))
        if credit.reserved_status(meter, limits) == credit.SELECTABLE:
            found.append(("offer_61", "", False))

    def _add_hours(self, channel, limits, rule, now_s, quality, found):
        """Friendly hours with their end, or that nobody knows the hour."""
        if quality == kinds.TIME_UNKNOWN:
            found.append(("clock", "", False))
            return
        left_s = limits.calendar.friendly_ends_s(now_s)
        if 0 < left_s < _WEEK_S:
            found.append(("friendly", self._answers.clock_text(channel, now_s + left_s), False))
        elif left_s or rule == kinds.RULE_FRIENDLY:
            found.append(("rule_20", "", False))


def _add_faults(meter, faults, found):
    for fault in faults:
        if meter.faults >> fault & 1:
            found.append(("fault_{}".format(fault), "", False))


def _is_unpaid(meter):
    """Billed afterwards, or a bulk meter: there is no credit to tell of."""
    return meter.has(kinds.MODE_CREDIT | kinds.MODE_BULK)
