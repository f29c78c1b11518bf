"""What charges, repayments, grants, days and tariffs do to a meter's account. It follows what entries say.

Whether they say the truth is for `shared.money_checks` and `shared.meter_checks` to judge.
"""

from shared import kinds
from shared.civil import month_of
from shared.compat import const
from shared.entries import Entry
from shared.tariff import UNIT, is_share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.state import MeterState

REMAINDER_MASK = const(0xFFFFF)  # the low 20 bits of a CHARGE's reference_b; the block's index stands above them
_DRAWING = (kinds.RULE_CLOCK_UNTRUSTED, kinds.RULE_CALENDAR_EXPIRED)
_PER_TOKEN = const(0x0F)  # warnings that come once per top-up; the others once a day
# What no honest entry holds is cut to its field, so that the state of a liar's ledger can be kept, too.
_BYTE = const(0xFF)
_WORD = const(0xFFFF)
_VOLUME_MAX = (1 << 48) - 1
_AMOUNT_MAX = (1 << 47) - 1


def _charge(meter: "MeterState", entry: Entry) -> None:
    """What flowed. The pot says by what it is paid, the rule why; with a tariff the remainder is carried."""
    consumed = max(entry.register - meter.register, 0)
    meter.block_counter = min(meter.block_counter + consumed, _VOLUME_MAX)
    if meter.has(kinds.MODE_CURRENCY):
        meter.remainder = min(entry.reference_b & REMAINDER_MASK, UNIT - 1)
    if entry.rule in _DRAWING:
        meter.cap_drawn = min(meter.cap_drawn + consumed, _VOLUME_MAX)
    if meter.intent == kinds.LIFELINE:
        meter.lifeline_left = max(meter.lifeline_left - consumed, 0)
    if meter.is_shut() or entry.rule == kinds.RULE_VALVE_FAILED:
        meter.closed_flow = min(meter.closed_flow + consumed, _VOLUME_MAX)
    _charged(meter, entry)


def _charged(meter: "MeterState", entry: Entry) -> None:
    spent = entry.delta if entry.pot == kinds.ACCUMULATED_DEBT else -entry.delta
    meter.month_charged = _amount(meter.month_charged + spent)


def _amount(value: int) -> int:
    return min(max(value, -_AMOUNT_MAX), _AMOUNT_MAX)


def _fixed(meter: "MeterState", entry: Entry) -> None:
    meter.fixed_day = entry.reference_b & _WORD
    _charged(meter, entry)


def _repay(meter: "MeterState", entry: Entry) -> None:
    """Moves credit to what is owed: the other pot is named by the detail, and gains what token credit loses."""
    paid = -entry.delta
    meter.repaid = min(max(meter.repaid + paid, 0), _VOLUME_MAX)
    if entry.detail == kinds.ACCUMULATED_DEBT:
        meter.pots[kinds.ACCUMULATED_DEBT] = _amount(meter.pots[kinds.ACCUMULATED_DEBT] - paid)
    elif entry.detail == kinds.EMERGENCY_CREDIT:
        meter.pots[kinds.EMERGENCY_CREDIT] = _amount(meter.pots[kinds.EMERGENCY_CREDIT] + paid)
        if meter.pots[kinds.EMERGENCY_CREDIT] >= 0:
            meter.emergency_invoked = 0


def _day(meter: "MeterState", entry: Entry) -> None:
    """A local day is over: the figures by day and month start anew; a seventh of the day goes into the average."""
    used = entry.register - meter.day_register
    days = max(entry.detail - meter.day, 1) if meter.day else 1
    meter.average_ml = (meter.average_ml * 6 + max(used, 0) // days) // 7 if meter.day else max(used, 0)
    if meter.day and month_of(entry.detail + 1) != month_of(meter.day + 1):
        meter.month_register = entry.register
        meter.month_charged = 0
        meter.block_counter = 0
        meter.block_share = 0
    meter.warned &= _PER_TOKEN
    meter.fixed_day = meter.day  # the fixed charge behind it is for the days that this entry closes, no others
    meter.day_register = entry.register
    meter.day = entry.detail
    meter.failed_motions = 0


def _mode(meter: "MeterState", entry: Entry) -> None:
    if (meter.mode ^ entry.detail) & kinds.MODE_CURRENCY:  # amounts in the other unit mean nothing any more
        meter.emergency_invoked = meter.month_charged = 0
    meter.mode = entry.detail & _BYTE
    if meter.group != entry.reference_a & _WORD:
        meter.tariff_version = meter.tariff_check = 0  # the versions of another group are its own
    meter.group = entry.reference_a & _WORD


def _tariff(meter: "MeterState", entry: Entry) -> None:
    """A tariff comes into force: behind the charge for all that flowed before it."""
    meter.tariff_version = entry.reference_a
    meter.tariff_check = entry.reference_b
    counters = entry.detail & 3
    if counters == kinds.COUNTER_CONTINUE:
        return  # counter and share of the month go on
    meter.block_counter = 0
    meter.block_share = 0
    if counters == kinds.COUNTER_PRORATE:
        share = (entry.detail >> 6 & 31) << 8 | entry.detail >> 11
        meter.block_share = share if is_share(share) else 0


def _factor(meter: "MeterState", entry: Entry) -> None:
    meter.pulse_volume_ml = entry.reference_a


def _grant(meter: "MeterState", entry: Entry) -> None:
    if entry.detail == kinds.GRANT_EMERGENCY:
        meter.emergency_invoked = 1
        meter.emergency_limit = (entry.reference_a << 32 | entry.reference_b) & _VOLUME_MAX
    elif entry.detail == kinds.GRANT_LIFELINE:
        meter.lifeline_slot = entry.reference_a
        meter.lifeline_left = entry.reference_b
    elif entry.detail == kinds.GRANT_ALLOWANCE:
        meter.allowance_day = entry.reference_a & _WORD
    elif entry.detail == kinds.GRANT_RESERVED:
        meter.reserved_invoked = 1
    if entry.pot == kinds.RESERVED_CREDIT and entry.delta > 0 and meter.pots[kinds.RESERVED_CREDIT] <= 0:
        meter.reserved_invoked = 0  # what was released is used up: the next is released anew


ACCOUNT_HANDLERS = {
    kinds.CHARGE: _charge,
    kinds.FIXED: _fixed,
    kinds.REPAY: _repay,
    kinds.DAY: _day,
    kinds.MODE: _mode,
    kinds.TARIFF: _tariff,
    kinds.FACTOR: _factor,
    kinds.GRANT: _grant,
}
