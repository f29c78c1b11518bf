"""When a metering fault begins: the bound of each by the policy, and whether what was measured is beyond it.

The device goes by it before it writes a FAULT or closes for a burst, the cloud when it judges what was written.
"""

from shared import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.entries import Entry
    from shared.policy import Policy
    from shared.state import MeterState

MEASURED_MAX = 0xFFFFFFFF
# A bound of 0 switches these off; they begin at the bound, the others above it.
_OPTIONAL = (kinds.FAULT_LEAK, kinds.FAULT_BURST, kinds.FAULT_DRIP, kinds.FAULT_STUCK)
_BY_TIME = (kinds.FAULT_LEAK, kinds.FAULT_DRIP, kinds.FAULT_STUCK)
_MEASURED = (
    kinds.FAULT_LEAK,
    kinds.FAULT_BURST,
    kinds.FAULT_DRIP,
    kinds.FAULT_REVERSE,
    kinds.FAULT_STUCK,
    kinds.FAULT_CLOSED_FLOW,
)


def bound(fault: int, policy: "Policy", pulse_volume_ml: int) -> int:
    """What must be reached: leak and drip hours, burst L/h (energy: W), stuck days, the others ml (mWh)."""
    value = 0
    if fault == kinds.FAULT_LEAK:
        value = policy.leak_h
    elif fault == kinds.FAULT_BURST:
        value = policy.burst_l_h
    elif fault == kinds.FAULT_DRIP:
        value = policy.drip_h if policy.drip_l_h else 0
    elif fault == kinds.FAULT_REVERSE:
        value = policy.reverse_tamper_ml
    elif fault == kinds.FAULT_STUCK:
        value = policy.stuck_days
    elif fault == kinds.FAULT_CLOSED_FLOW:
        value = max(pulse_volume_ml, policy.closed_flow_cap_ml // 10)
    return min(value, MEASURED_MAX)


def is_off(fault: int, limit: int) -> bool:
    """Whether the policy does not ask for this fault."""
    return fault in _OPTIONAL and not limit


def begins(fault: int, measured: int, limit: int) -> bool:
    """Whether what was measured, in the unit of `bound`, makes the fault."""
    if is_off(fault, limit):
        return False
    return measured >= limit if fault in _BY_TIME else measured > limit


def judge_fault(meter: "MeterState", entry: "Entry", policy: "Policy | None") -> str:
    """One line that says what is wrong with a FAULT after `meter`, or ""; without a policy its bounds are left out."""
    fault = entry.detail >> 8
    if fault >= len(kinds.FAULT_NAMES) or entry.detail & 0xFF > 1:
        return f"fault {entry.detail} is none"
    name = kinds.FAULT_NAMES[fault]
    began = entry.detail & 1
    if meter.faults >> fault & 1 == began:
        return f"the fault {name} begins a second time" if began else f"the fault {name} is over and never began"
    if policy is None or not began or fault not in _MEASURED:
        return ""
    limit = bound(fault, policy, meter.pulse_volume_ml)
    if fault == kinds.FAULT_CLOSED_FLOW and not meter.pulse_volume_ml:
        limit = max(limit, entry.reference_b)  # the volume of a pulse stands in the enrolment only
    if entry.reference_b != limit:
        return f"the fault {name} by the bound {entry.reference_b}, which is {limit}"
    if not begins(fault, entry.reference_a, limit):
        return f"the fault {name} begins at {entry.reference_a}, which is within {limit}"
    return ""


def judge_safety(meter: "MeterState", entry: "Entry", policy: "Policy | None") -> str:
    """One line that says what is wrong with a closure by RULE_MEASURED, or with its end, after `meter`, or ""."""
    if entry.detail == kinds.CONTROL_SAFETY_OVER:
        within = entry.reference_a <= entry.time_s
        return "" if within else f"a closure that is over lasts until {entry.reference_a}"
    if not meter.faults >> kinds.FAULT_BURST & 1:
        return "closed for safety by measurement without a burst"
    if meter.safety_until_s > entry.time_s:
        return f"closed for safety until {meter.safety_until_s}: a measurement does not prolong it"
    if policy is not None and not entry.time_s < entry.reference_a <= entry.time_s + policy.burst_safety_s:
        return f"closed for {entry.reference_a - entry.time_s} s where the policy allows {policy.burst_safety_s}"
    return ""
