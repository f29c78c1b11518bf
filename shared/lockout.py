"""How long an entry is locked after wrong tokens: free attempts, then a wait that doubles up to a limit.

One rule for a meter's own count and for the keypad's, which covers all its meters.
"""

from shared.policy import Policy


def wait_s(failures: int, policy: Policy) -> int:
    """Seconds to wait before the next entry for a meter with this many wrong ones since the last accepted."""
    return _wait(failures - policy.lockout_free_attempts, policy)


def keypad_wait_s(failures: int, policy: Policy) -> int:
    """The same for the keypad, whose count covers every meter behind it."""
    return _wait(failures - policy.keypad_free_attempts, policy)


def _wait(over: int, policy: Policy) -> int:
    if over < 0:
        return 0
    return int(min(policy.lockout_first_s << min(over, 16), policy.lockout_max_s))
