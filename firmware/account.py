"""The account of each meter: charges, the end of the day, tariffs that come into force, grants and warnings.

Every decision is an entry, or one group, that is durable before anything follows from it.
"""

from firmware.charges import charges
from firmware.core import CHARGE_ENTRIES
from firmware.ledger.store import FlashFull
from firmware.meter import charging
from shared import credit, kinds, supply
from shared.civil import date_of, days_in_month
from shared.compat import const
from shared.money_checks import allowance
from shared.payer import friendly_matters, payer_of_fixed
from shared.state import apply_meter
from shared.tariff import fixed_charge, share_from

_DAY_ENTRIES = const(5)  # a charge, and DAY, FIXED and GRANT
_TIMED_ENTRIES = const(4)  # a charge and what follows it, or warnings
SPARING_ENTRIES = const(256)  # unsent entries from which on charges are written by the day
UNPAID_EVERY_ML = const(1000)  # a pulse of a water meter
_DAY_MAX = const(0xFFFF)
_WEEK_DAYS = const(7)
_LIFELINE_LOW_ML = const(5000)
_FOREVER_DAYS = const(9999)


class AccountDesk:
    """The accounts of all meters. `readings.close_day(channel, day)` gives (check, pulses) of the day's record."""

    def __init__(self, core, readings, unsent) -> None:
        """unsent() tells how many entries wait to be sent."""
        self._core = core
        self._readings = readings
        self._unsent = unsent
        self._seen_s = dict.fromkeys(core.channels(), -1)
        self._closed_ms = -1
        self._friendly = {}  # channel -> whether it was friendly when it was looked last
        self._thresholds = {}  # channel -> (changes, time quality, ml)

    def tick_steps(self, channel: int, now_ms: int):
        """Whatever is due, as an iterator of steps: between any two the meter may have changed.

        It returns False where flash refused; what has flowed stays uncharged and counts all the same.
        """
        core = self._core
        if not core.has_room():
            return True
        try:
            charged = yield from self._charge_steps(channel, now_ms)
            now_s = core.clock.now()
            if charged or now_s != self._seen_s[channel]:  # what comes by itself comes before a valve closes
                if charged:
                    yield
                yield from core.store.make_way_steps(_TIMED_ENTRIES)
                self._seen_s[channel] = now_s
                yield from self._by_time_steps(channel, now_s, now_ms)
        except FlashFull:
            return False
        return True

    def has_crossed(self, channel: int) -> bool:
        """Whether what has flowed uncharged has consequences."""
        core = self._core
        quality = core.clock.quality()
        known = self._thresholds.get(channel)
        if known is None or known[0] != core.changes(channel) or known[1] != quality:
            meter, policy = core.meter(channel), core.policy_of(channel)
            limit_ml = charging.threshold_ml(meter, core.clock.now(), quality, policy, core.tariff_of(channel))
            known = self._thresholds[channel] = (core.changes(channel), quality, limit_ml)
        return core.uncharged(channel) >= known[2]

    def journal_due(self, channel: int) -> bool:
        """Whether the register is to be made durable: at once where no credit pays, lest restarts bring supply."""
        core = self._core
        register = core.registers[channel]
        if register.volume_ml - register.durable_ml < UNPAID_EVERY_ML:
            return False
        return register.journal_due() or supply.reason_to_limit(core.meter(channel), core.policy_of(channel)) != 0

    def effective(self, channel: int):
        """The meter's state with all that has flowed, for decisions: the folded one where nothing hangs on the rest."""
        core = self._core
        meter = core.meter(channel)
        if not core.uncharged(channel) or not self.has_crossed(channel):
            return meter
        meter = meter.copy()
        for entry in charges(core, channel):
            apply_meter(meter, entry)
        return meter

    def _charge_steps(self, channel, now_ms):
        core = self._core
        used = core.uncharged(channel)
        if used <= 0:
            return False
        sparing = self._unsent() >= SPARING_ENTRIES
        if not charging.is_due(used, core.since_settled_ms(channel, now_ms), sparing) and not self.has_crossed(channel):
            return False
        yield from core.store.make_way_steps(CHARGE_ENTRIES)  # that of the next meter may follow at once
        core.settle(channel, now_ms)
        return True

    def _by_time_steps(self, channel, now_s, now_ms):
        """What the clock brings, once a second, and what a charge brings, at once."""
        self._switch_tariff(channel, now_s, now_ms)
        policy = self._core.policy_of(channel)
        self._meet_window(channel, policy, now_s, now_ms)
        day, minute = policy.calendar.local(now_s)
        if self._core.meter(channel).day < day - 1 <= _DAY_MAX and self._closed_ms != now_ms:
            self._closed_ms = now_ms  # one meter a tick: at midnight the keypad is not to wait for eight
            yield from self._close_day_steps(channel, now_ms)
        self._give_emergency(channel, minute, now_ms)
        self._warn(channel)
        self._note_calendar(channel, now_s)

    def _meet_window(self, channel, policy, now_s, now_ms):
        """Where another credit pays in friendly hours, what flowed before they begin or end is charged before."""
        core = self._core
        if core.clock.quality() == kinds.TIME_UNKNOWN or not friendly_matters(policy.collection):
            return
        friendly = policy.calendar.friendly(now_s)
        if friendly != policy.calendar.friendly(now_s + 1):
            core.settle(channel, now_ms)
        if friendly != self._friendly.get(channel):
            self._friendly[channel] = friendly
            self._thresholds.pop(channel, None)

    def _close_day_steps(self, channel, now_ms):
        """DAY with the day's readings, then the fixed charge and the free allowance of the days that are over."""
        core = self._core
        yield from core.store.make_way_steps(_DAY_ENTRIES)  # the next meter's day follows at once
        core.settle(channel, now_ms)
        yield
        calendar = core.policy_of(channel).calendar
        day = calendar.local(core.clock.now())[0] - 1
        if day <= core.meter(channel).day:
            return  # the clocks were put back over midnight meanwhile
        proof = self._readings.close_day(channel, day)
        yield
        entry = core.entry(kinds.DAY, channel, kinds.RULE_DAY, day)
        if core.policy_of(channel).calendar.local(entry.time_s)[0] - 1 != day:
            return  # the clock jumped, or another calendar came: the next second closes the day that is over then
        entry.reference_a, entry.reference_b = proof
        group = [entry]
        meter = core.meter(channel).copy()
        apply_meter(meter, entry)
        entry = _fixed(core, channel, meter)
        if entry is not None:
            apply_meter(meter, entry)
            group.append(entry)
        entry = None if self._allowance_waits(channel, meter) else _allowance(core, channel, meter)
        if entry is not None:
            group.append(entry)
        core.append(*group)

    def _allowance_waits(self, channel, meter):
        """While much is unsent the free allowance comes by the week, unless it is needed sooner."""
        policy = self._core.policy_of(channel)
        ample = credit.own(meter, policy) > policy.low_credit_threshold
        return ample and meter.day - meter.allowance_day < _WEEK_DAYS and self._unsent() >= SPARING_ENTRIES

    def _switch_tariff(self, channel, now_s, now_ms):
        """The next version, from its time on; while the clock is not trusted the current one stays."""
        core = self._core
        meter = core.meter(channel)
        if not meter.has(kinds.MODE_CURRENCY) or core.clock.quality() == kinds.TIME_UNKNOWN:
            return
        tariff = core.documents.tariff_due(meter, now_s)
        if tariff is None:
            return
        self._core.settle(channel, now_ms)
        entry = core.entry(kinds.TARIFF, channel, kinds.RULE_TARIFF_IN_FORCE)
        entry.detail = tariff.counters | _share(tariff, core.policy_of(channel), entry.time_s)
        entry.reference_a, entry.reference_b = tariff.version, tariff.check
        core.append(entry)

    def _give_emergency(self, channel, minute, now_ms):
        core = self._core
        meter, policy = core.meter(channel), core.policy_of(channel)
        if meter.has(kinds.MODE_BULK | kinds.MODE_CREDIT) or not credit.is_automatic(policy, minute):
            return
        if credit.own(meter, policy) > policy.disablement_threshold:
            return
        if credit.emergency_status(meter, policy) == credit.SELECTABLE:
            self.invoke_emergency(channel, kinds.RULE_AUTOMATIC, now_ms)

    def invoke_emergency(self, channel: int, rule: int, now_ms: int) -> None:
        """Put the emergency credit that the policy offers at the customer's disposal."""
        core = self._core
        self._core.settle(channel, now_ms)
        policy = core.policy_of(channel)
        limit = policy.emergency_limit
        entry = core.entry(kinds.GRANT, channel, rule, kinds.GRANT_EMERGENCY)
        minute = policy.calendar.local(entry.time_s)[1]
        if rule == kinds.RULE_AUTOMATIC and not credit.is_automatic(policy, minute):
            return  # its hours ended while the charge was written
        entry.reference_a, entry.reference_b = limit >> 32, limit & 0xFFFFFFFF
        core.append(entry)

    def _warn(self, channel):
        """Each warning once per top-up, or once a day, and only while there is something to lose."""
        core = self._core
        meter, policy = core.meter(channel), core.policy_of(channel)
        if meter.has(kinds.MODE_BULK | kinds.MODE_CREDIT) or meter.intent == kinds.CLOSED:
            return
        for warning, rule in warnings(core, meter, policy):
            if not meter.warned >> warning - 1 & 1:
                core.append(core.entry(kinds.WARNING, channel, rule, warning))

    def _note_calendar(self, channel, now_s):
        """An expired calendar is a fault that the utility must see."""
        core = self._core
        if core.clock.quality() == kinds.TIME_UNKNOWN:
            return  # a restart ends nothing and begins nothing
        expired = core.policy_of(channel).calendar.expired(now_s)
        if expired != bool(core.meter(channel).faults >> kinds.FAULT_CALENDAR & 1):
            detail = kinds.FAULT_CALENDAR << 8 | (1 if expired else 0)
            core.append(core.entry(kinds.FAULT, channel, kinds.RULE_MEASURED, detail))


def warnings(core, meter, policy) -> "list[tuple[int, int]]":
    """(warning, rule) of all that a meter's state and the time ask for."""
    own = credit.own(meter, policy)
    found = []
    if own <= policy.low_credit_threshold:
        found.append((kinds.WARN_LOW_CREDIT, kinds.RULE_LOW_CREDIT))
    if own <= policy.very_low_credit_threshold:
        found.append((kinds.WARN_VERY_LOW, kinds.RULE_VERY_LOW))
    if _lasts_days(meter, own) < policy.days_left_warning:
        found.append((kinds.WARN_DAYS_LEFT, kinds.RULE_DAYS_LEFT))
    if credit.emergency_status(meter, policy) == credit.SELECTABLE:
        found.append((kinds.WARN_EMERGENCY_OFFERED, kinds.RULE_EMERGENCY_CREDIT))
    if meter.intent == kinds.LIFELINE and meter.lifeline_left < _LIFELINE_LOW_ML:
        found.append((kinds.WARN_LIFELINE_LOW, kinds.RULE_LIFELINE))
    if _window_ends(core, meter, policy):
        found.append((kinds.WARN_WINDOW_ENDS, kinds.RULE_WINDOW_ENDS))
    return found


def _lasts_days(meter, own):
    """Days that a volume lasts at the average use; of money nothing is known beforehand."""
    if not meter.average_ml or meter.has(kinds.MODE_CURRENCY):
        return _FOREVER_DAYS
    return max(own, 0) // meter.average_ml


def _window_ends(core, meter, policy):
    """Whether friendly hours alone keep the supply, and end soon."""
    now_s, quality = core.clock.now(), core.clock.quality()
    if meter.intent != kinds.FULL or not supply.reason_to_limit(meter, policy):
        return False
    if supply.held_open(meter, now_s, quality, policy) != kinds.RULE_FRIENDLY:
        return False
    return policy.calendar.friendly_ends_s(now_s) <= 60 * policy.window_warning_min


def _share(tariff, policy, time_s):
    """The bits of a TARIFF's detail that say which part of the month the new version has."""
    if tariff.counters != kinds.COUNTER_PRORATE:
        return 0
    year, month, day = date_of(policy.calendar.local(time_s)[0])
    days = days_in_month(year, month)
    share = share_from(days - day + 1, days)
    return (share >> 8) << 6 | (share & 0xFF) << 11


def _fixed(core, channel, meter):
    """FIXED for the days that are over, or None; days beyond what the tariff posts at once are given up."""
    tariff = core.tariff_of(channel)
    if tariff is None or not tariff.fixed_month or not meter.has(kinds.MODE_CURRENCY):
        return None
    days = min(meter.day - meter.fixed_day, tariff.fixed_days_max)
    if days <= 0:
        return None
    amount = fixed_charge(tariff.fixed_month, meter.day - days + 1, days)
    entry = core.entry(kinds.FIXED, channel, detail=days, reference_a=tariff.version, reference_b=meter.day)
    entry.pot, entry.rule = payer_of_fixed(meter, entry.time_s, entry.quality, core.policy_of(channel), amount)
    if entry.pot != kinds.NO_POT:
        entry.delta = amount if entry.pot == kinds.ACCUMULATED_DEBT else -amount
        entry.balance = meter.pots[entry.pot] + entry.delta
    return entry


def _allowance(core, channel, meter):
    """GRANT of the free allowance, or None."""
    policy = core.policy_of(channel)
    days = meter.day - meter.allowance_day
    if not policy.allowance_day or days <= 0 or meter.has(kinds.MODE_BULK):
        return None
    entry = core.entry(kinds.GRANT, channel, kinds.RULE_FREE_ALLOWANCE, kinds.GRANT_ALLOWANCE, reference_a=meter.day)
    entry.pot = kinds.RESERVED_CREDIT
    entry.delta = allowance(meter, days, policy.allowance_day, policy.allowance_max)
    entry.balance = meter.pots[entry.pot] + entry.delta
    return entry
