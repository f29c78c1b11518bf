"""When what has flowed is written to the ledger as a CHARGE. Volumes in ml (energy in mWh)."""

from shared.compat import const
from shared.policy import Policy

CHARGE_EVERY_MS = const(3600000)
CHARGE_EVERY_ML = const(100000)


def due(balance: int, uncharged_ml: int, since_ms: int, policy: Policy) -> bool:
    """True after an hour or 100 l, and at once when the balance crosses a threshold that has consequences.

    `balance` is the ledger's, before `uncharged_ml`; `since_ms` is the time since the last charge.
    """
    if uncharged_ml <= 0:
        return False
    if uncharged_ml >= CHARGE_EVERY_ML or since_ms >= CHARGE_EVERY_MS:
        return True
    shown = balance - uncharged_ml
    for threshold in (policy.low_credit_threshold, policy.disablement_threshold):
        if shown <= threshold < balance:
            return True
    return False
