"""What supply a meter gets, and by which rule: the one decision that gateway and cloud both make.

The result is max(floor, requested). Friendly hours, lifeline and emergency credit join `_requested` in that order.
"""

from shared import kinds
from shared.policy import Floor, Policy


def decide(
    balance: int, current: int, quality: int, policy: Policy, floor: Floor, paused: bool = False
) -> "tuple[int, int]":
    """(supply state, rule id) for a token credit `balance` in ml, the supply state in force and the time quality.

    `paused`: more flowed than the meter's limit allows, and the pause for it is not over.
    """
    wanted, rule = _requested(balance, current, quality, policy)
    if paused and wanted > kinds.CLOSED:
        wanted, rule = kinds.CLOSED, kinds.RULE_FLOW_LIMIT
    if wanted < floor.minimum_supply:
        return floor.minimum_supply, kinds.RULE_FLOOR
    return wanted, rule


def low_credit(balance: int, policy: Policy) -> bool:
    """True when the customer is to be warned."""
    return balance <= policy.low_credit_threshold


def _requested(balance: int, current: int, quality: int, policy: Policy) -> "tuple[int, int]":
    if balance > policy.disablement_threshold:
        if current == kinds.FULL or balance > policy.reconnect_threshold:
            return kinds.FULL, kinds.RULE_CREDIT_AVAILABLE
        return kinds.CLOSED, kinds.RULE_BELOW_RECONNECT
    drawn = policy.disablement_threshold - balance
    if current == kinds.FULL and quality == kinds.TIME_UNKNOWN and drawn < policy.untrusted_clock_cap:
        return kinds.FULL, kinds.RULE_CLOCK_UNTRUSTED
    return kinds.CLOSED, kinds.RULE_CREDIT_EXHAUSTED
