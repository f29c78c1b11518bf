"""What must hold of every decision about supply, said without the code that decides: floor, friendly hours, cap."""

from shared import kinds
from shared.entries import Entry
from shared.policy import Floor, Policy
from shared.state import MeterState
from shared.supply import FAILED_MAX
from tests.life.calendars import Hours


class Supplies:
    """`hours` are the friendly hours by the check value of their policy."""

    def __init__(self, hours: dict[int, Hours]) -> None:
        self._hours = hours
        self._drawn: dict[int, int] = {}  # ml that flowed on trust, by channel, since signed time renewed it

    def at_gateway(self, entry: Entry) -> None:
        """Only signed time renews what may be drawn on trust."""
        if entry.kind == kinds.TIME and entry.detail:
            assert entry.rule == kinds.RULE_TIME_SIGNED and entry.quality == kinds.TIME_TRUSTED
            self._drawn.clear()

    def judge(self, meter: MeterState, entry: Entry, policy: Policy, floor: Floor, available: int) -> None:
        """An entry of a meter, which is not folded into `meter` yet; `available` is the model's credit."""
        if entry.kind == kinds.CHARGE:
            self._charge(meter, entry, policy, available)
        if entry.kind == kinds.VALVE_INTENT:
            self._intent(meter, entry, policy, floor, available)

    def _charge(self, meter: MeterState, entry: Entry, policy: Policy, available: int) -> None:
        consumed = entry.register - meter.register
        without = available <= policy.disablement_threshold
        if meter.intent == kinds.LIFELINE and without and entry.pot == kinds.ACCUMULATED_DEBT:
            assert policy.lifeline_charged, "the lifeline became a debt"
        limited = _is_to_be_limited(meter, policy, without)
        if meter.intent != kinds.FULL or not (limited or _is_owed(meter, entry)):
            return
        if limited and meter.failed_motions >= FAILED_MAX:  # a valve that fails has a bound of its own
            return
        if entry.time_s < meter.open_all_until_s or (entry.time_s < meter.open_until_s and not meter.hold):
            return
        if entry.quality == kinds.TIME_UNKNOWN or (self._unsure(entry, policy) and not meter.hold):
            drawn = self._drawn.get(entry.meter, 0)
            if drawn < policy.untrusted_clock_cap:
                assert drawn + consumed <= policy.untrusted_clock_cap, "one charge goes over the end of the cap"
                self._drawn[entry.meter] = drawn + consumed

    def _intent(self, meter: MeterState, entry: Entry, policy: Policy, floor: Floor, available: int) -> None:
        wanted = entry.detail & 0xFF
        if entry.time_s < meter.safety_until_s or meter.locked:
            return
        assert wanted >= max(floor.minimum_supply, policy.least_supply), "supply falls below the floor"
        assert wanted >= kinds.LIFELINE or not meter.has(kinds.MODE_CRITICAL), "critical need is closed"
        if wanted >= meter.intent or meter.hold or meter.paused or meter.has(kinds.MODE_CREDIT):
            return
        assert not meter.has(kinds.MODE_BULK), "a bulk meter is limited"
        assert entry.time_s >= max(meter.open_until_s, meter.open_all_until_s), "opened by hand, closed by itself"
        if self._unsure(entry, policy):
            drawn = self._drawn.get(entry.meter, 0)
            assert meter.intent < kinds.FULL or drawn >= policy.untrusted_clock_cap, "closed before the cap is drawn"
            assert wanted >= kinds.LIFELINE, "closed for lack of credit on a date that nobody knows"
        elif meter.intent == kinds.FULL:
            assert not self._hours[policy.check].friendly(entry.time_s), "closed in friendly hours"
            assert available <= policy.disablement_threshold, "closed with credit"

    def _unsure(self, entry: Entry, policy: Policy) -> bool:
        expires_s = policy.calendar_expires_s
        return entry.quality == kinds.TIME_UNKNOWN or 0 < expires_s <= entry.time_s


def _is_to_be_limited(meter: MeterState, policy: Policy, without: bool) -> bool:
    """Whether only hours, or not knowing them, keep the supply: an operator's order, overdue bills, no credit."""
    if meter.has(kinds.MODE_BULK):
        return False
    if meter.hold:
        return bool(policy.friendly_windows or policy.closing_windows)
    if meter.has(kinds.MODE_CREDIT):
        return meter.has(kinds.MODE_TRICKLE | kinds.MODE_ARREARS)
    return without


def _is_owed(meter: MeterState, entry: Entry) -> bool:
    """Whether it flows on the strength of what is to come, though there is credit that may not be taken."""
    return entry.pot == kinds.ACCUMULATED_DEBT and not meter.hold
