"""Do charges, repayments and grants of a meter tell the truth? Recomputed by the code that made them.

The payer, the price, the order of a top-up and the bound of each grant follow from the state and the laws in force.
"""

from shared import credit, kinds, lifeline
from shared.entries import Entry
from shared.fold import amount_of_last
from shared.in_force import Laws
from shared.payer import payer, payer_of_fixed
from shared.state import MeterState
from shared.tariff import Tariff, fixed_charge
from shared.top_up import Shares, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.policy import Policy

BLOCK_SHIFT = 20


def _charge(meter: MeterState, entry: Entry, laws: Laws) -> str:
    consumed = entry.register - meter.register
    if not consumed:
        return "a charge for nothing"
    amount = _paid(entry)
    wrong = ""
    if meter.has(kinds.MODE_CURRENCY):
        wrong = _priced(meter, entry, laws.tariff, consumed, amount)
    elif entry.pot != kinds.NO_POT and amount != consumed:
        wrong = f"charge {amount} for a consumption of {consumed}"
    return wrong or _payer(meter, entry, laws, consumed)


def _paid(entry: Entry) -> int:
    """What the charge takes; what is owed grows by it, every other pot shrinks."""
    return entry.delta if entry.pot == kinds.ACCUMULATED_DEBT else -entry.delta


def _priced(meter: MeterState, entry: Entry, tariff: "Tariff | None", consumed: int, amount: int) -> str:
    if entry.reference_a != meter.tariff_version:
        return f"tariff version {entry.reference_a} where {meter.tariff_version} is in force"
    if tariff is None:
        return ""
    money, remainder = tariff.charge(meter.block_counter, consumed, meter.remainder, meter.block_share)
    index = tariff.block(meter.block_counter + consumed, meter.block_share)[0]
    if entry.reference_b != index << BLOCK_SHIFT | remainder:
        return "the block or the remainder is not that of the tariff"
    if entry.pot != kinds.NO_POT and amount != money:
        return f"charge {amount} where the tariff says {money}"
    return ""


def _payer(meter: MeterState, entry: Entry, laws: Laws, consumed: int) -> str:
    if laws.policy is None:
        return ""
    pot, rule, most = payer(meter, entry.time_s, entry.quality, laws.policy)
    if (entry.pot, entry.rule) != (pot, rule):
        return f"paid by pot {entry.pot}, rule {entry.rule}, where it is pot {pot}, rule {rule}"
    if meter.has(kinds.MODE_CURRENCY) and laws.tariff is None:
        return ""  # how much the credit buys stands in a tariff that is not known here
    if consumed > volume_of(meter, laws.tariff, most):
        return f"more than the {most} that is left in {kinds.POT_NAMES[pot]}"
    return ""


def volume_of(meter: MeterState, tariff: "Tariff | None", amount: int) -> int:
    """The volume in ml that uses an amount up: the last ml may cost a little more than is left of money."""
    if tariff is None or not meter.has(kinds.MODE_CURRENCY):
        return amount
    return tariff.volume_for(meter.block_counter, amount, meter.remainder, meter.block_share)


def _fixed(meter: MeterState, entry: Entry, laws: Laws) -> str:
    last = entry.reference_b
    if not 0 < entry.detail <= last - meter.fixed_day:
        return f"a fixed charge of {entry.detail} days up to day {last} after day {meter.fixed_day}"
    if laws.tariff is None or laws.policy is None:
        return ""
    amount = fixed_charge(laws.tariff.fixed_month, last - entry.detail + 1, entry.detail)
    if entry.reference_a != meter.tariff_version or entry.detail > laws.tariff.fixed_days_max:
        return "a fixed charge of another tariff, or of more days than it allows at once"
    pot, rule = payer_of_fixed(meter, entry.time_s, entry.quality, laws.policy, amount)
    if (entry.pot, entry.rule) != (pot, rule):
        return f"paid by pot {entry.pot}, rule {entry.rule}, where it is pot {pot}, rule {rule}"
    if pot != kinds.NO_POT and _paid(entry) != amount:
        return f"a fixed charge of {_paid(entry)} where it is {amount}"
    return ""


def _repay(meter: MeterState, entry: Entry, laws: Laws) -> str:
    paid = -entry.delta
    owed = meter.pots[kinds.ACCUMULATED_DEBT]
    if entry.detail == kinds.EMERGENCY_CREDIT:
        owed = -meter.pots[kinds.EMERGENCY_CREDIT]
    elif entry.detail != kinds.ACCUMULATED_DEBT:
        return f"nothing is owed to pot {entry.detail}"
    if not 0 < paid <= owed:
        return f"{paid} is paid where {owed} is owed"
    amount = amount_of_last(meter)
    if entry.reference_a != meter.last_tid or meter.repaid + paid > amount:
        return "a repayment without its token"
    return "" if laws.policy is None else _share(meter, entry, laws.policy, amount)


def _share(meter: MeterState, entry: Entry, policy: "Policy", amount: int) -> str:
    """The debt first, then emergency credit, each once and of the part that the policy sets."""
    before = meter.repaid
    shares = Shares(0, 0, policy.debt_percent, policy.emergency_percent, policy.min_service_percent)
    owed, used = meter.pots[kinds.ACCUMULATED_DEBT], -meter.pots[kinds.EMERGENCY_CREDIT]
    _payment, debt, emergency, _service = lines(amount, 0, max(owed, 0) + before, max(used, 0), shares)
    first, due = (0, debt) if entry.detail == kinds.ACCUMULATED_DEBT else (debt, emergency)
    if (before, -entry.delta) != (first, due):
        return f"{-entry.delta} is repaid after {before} where the policy takes {due} after {first}"
    return ""


def _grant(meter: MeterState, entry: Entry, laws: Laws) -> str:
    judge = _GRANTS.get(entry.detail)
    if judge is None:
        return f"there is no grant {entry.detail}"
    if entry.detail not in _MOVING and (entry.pot or entry.delta):
        return f"grant {entry.detail} moves no balance"
    return judge(meter, entry, laws)


def _emergency(meter: MeterState, entry: Entry, laws: Laws) -> str:
    if meter.emergency_invoked:
        return "emergency credit is invoked already"
    policy = laws.policy
    if policy is None:
        return ""
    if credit.emergency_status(meter, policy) != credit.SELECTABLE:
        return "emergency credit is not offered"
    if entry.reference_a << 32 | entry.reference_b != policy.emergency_limit:
        return "another limit of emergency credit than the policy's"
    minute = policy.calendar.local(entry.time_s)[1]
    if entry.rule == kinds.RULE_AUTOMATIC and not credit.is_automatic(policy, minute):
        return "emergency credit is not given by itself at this time"
    return ""


def _allowance(meter: MeterState, entry: Entry, laws: Laws) -> str:
    days = entry.reference_a - meter.allowance_day
    if entry.pot != kinds.RESERVED_CREDIT or entry.delta < 0 or not 0 < days <= meter.day - meter.allowance_day:
        return "a free allowance of days that it was not due for"
    policy = laws.policy
    if policy is not None and entry.delta != allowance(meter, days, policy.allowance_day, policy.allowance_max):
        return f"a free allowance of {entry.delta} for {days} days"
    return ""


def allowance(meter: MeterState, days: int, a_day: int, most: int) -> int:
    """The free allowance of some days: reserved credit grows up to a bound."""
    return max(min(days * a_day, most - meter.pots[kinds.RESERVED_CREDIT]), 0)


def _adjustment(_meter: MeterState, entry: Entry, _laws: Laws) -> str:
    if entry.rule != kinds.RULE_COMMAND or entry.pot == kinds.NO_POT or not entry.delta:
        return "an adjustment needs a command and moves a balance"
    return ""


def _lifeline(meter: MeterState, entry: Entry, laws: Laws) -> str:
    if entry.reference_a <= meter.lifeline_slot:
        return f"the lifeline of slot {entry.reference_a} after slot {meter.lifeline_slot}"
    if laws.policy is None or laws.floor is None:
        return ""
    if lifeline.due(meter, entry.time_s, laws.policy, laws.floor) != (entry.reference_a, entry.reference_b):
        return f"a lifeline of {entry.reference_b} ml in slot {entry.reference_a} is not due"
    return ""


def _reserved(meter: MeterState, entry: Entry, laws: Laws) -> str:
    if laws.policy is not None and credit.reserved_status(meter, laws.policy) != credit.SELECTABLE:
        return "reserved credit is not to be released"
    return ""


_MOVING = (kinds.GRANT_ALLOWANCE, kinds.GRANT_ADJUSTMENT)
_GRANTS = {
    kinds.GRANT_EMERGENCY: _emergency,
    kinds.GRANT_ALLOWANCE: _allowance,
    kinds.GRANT_ADJUSTMENT: _adjustment,
    kinds.GRANT_LIFELINE: _lifeline,
    kinds.GRANT_RESERVED: _reserved,
}
MONEY_JUDGES = {
    kinds.CHARGE: _charge,
    kinds.FIXED: _fixed,
    kinds.REPAY: _repay,
    kinds.GRANT: _grant,
}
