"""The credits of a meter: what is available, and the state of each as DLMS (class 112) names it.

Amounts are in the unit of the account: ml (energy mWh), or money in 1/100000 of the base currency.
"""

from shared import kinds, policy
from shared.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared.policy import Policy
    from shared.state import MeterState

# Credit status of IEC 62056-6-2; OFF: the policy offers no such credit.
OFF = const(0)
ENABLED = const(1)
SELECTABLE = const(2)
INVOKED = const(3)
IN_USE = const(4)
EXHAUSTED = const(5)


def emergency_left(meter: "MeterState") -> int:
    """What may still be drawn of the emergency credit; 0 while it is not invoked."""
    return meter.emergency_limit + meter.pots[kinds.EMERGENCY_CREDIT] if meter.emergency_invoked else 0


def reserved_usable(meter: "MeterState", limits: "Policy") -> int:
    """The reserved credit that charges may draw: automatically, or once it was released."""
    if limits.reserved_activation == policy.AUTOMATIC or meter.reserved_invoked:
        return int(meter.pots[kinds.RESERVED_CREDIT])
    return 0


def own(meter: "MeterState", limits: "Policy") -> int:
    """The credit that was paid for or granted: token credit and usable reserved credit."""
    return meter.pots[kinds.TOKEN_CREDIT] + reserved_usable(meter, limits)


def available(meter: "MeterState", limits: "Policy") -> int:
    """All that stands between the customer and disablement."""
    return own(meter, limits) + emergency_left(meter)


def emergency_status(meter: "MeterState", limits: "Policy") -> int:
    """ENABLED -> SELECTABLE at its threshold -> INVOKED -> IN_USE -> EXHAUSTED; restored only when it is repaid."""
    if meter.emergency_invoked:
        if emergency_left(meter) <= 0:
            return EXHAUSTED
        return IN_USE if own(meter, limits) <= 0 else INVOKED
    if not limits.emergency_limit or not limits.emergency_activation or meter.pots[kinds.EMERGENCY_CREDIT] < 0:
        return OFF
    return SELECTABLE if own(meter, limits) <= limits.emergency_threshold else ENABLED


def reserved_status(meter: "MeterState", limits: "Policy") -> int:
    """As emergency_status; reserved credit is drawn before token credit."""
    if limits.reserved_activation == policy.NEVER:
        return OFF
    if meter.pots[kinds.RESERVED_CREDIT] <= 0:
        return EXHAUSTED if meter.reserved_invoked else ENABLED
    if limits.reserved_activation == policy.AUTOMATIC or meter.reserved_invoked:
        return IN_USE
    return SELECTABLE


def token_status(meter: "MeterState", limits: "Policy") -> int:
    """IN_USE while it is drawn, EXHAUSTED at 0."""
    if meter.pots[kinds.TOKEN_CREDIT] <= 0:
        return EXHAUSTED
    return INVOKED if reserved_usable(meter, limits) > 0 else IN_USE


def is_automatic(limits: "Policy", minute: int) -> bool:
    """Whether emergency credit is invoked by itself at a local minute of the day: always, or between two times."""
    if limits.emergency_activation == policy.AUTOMATIC:
        return True
    begin, end = limits.emergency_auto_from_min, limits.emergency_auto_to_min
    if limits.emergency_activation == policy.NEVER or begin == end:
        return False
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    return bool(inside)
