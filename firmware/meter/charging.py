"""How much of what has flowed is charged at once, to what, and when: pure. Volumes in ml (energy in mWh).

What flows past the end of a credit, a quota or a cap is cut there, so that each CHARGE has one payer and one price.
"""

from shared import credit, kinds
from shared.compat import const
from shared.money_checks import BLOCK_SHIFT, volume_of
from shared.payer import ALL, payer
from shared.supply import reason_to_limit

CHARGE_EVERY_MS = const(3600000)
CHARGE_EVERY_ML = const(100000)


class Cut:
    """A piece of consumption with one payer: `volume_ml`, `pot`, `rule`, its price `amount`, the tariff's figures."""

    __slots__ = ("amount", "pot", "reference_b", "rule", "volume_ml")

    def __init__(self, meter, volume_ml: int, time_s: int, quality: int, policy, tariff) -> None:
        """The first piece of `volume_ml` (above 0) that a meter's state gives, at a time of a quality."""
        self.pot, self.rule, most = payer(meter, time_s, quality, policy)
        self.volume_ml = min(volume_ml, volume_of(meter, tariff, most), _until_event(meter, self.rule, policy))
        self.amount, self.reference_b = price(meter, self.volume_ml, tariff)

    def delta(self) -> int:
        """What the pot gains: what is owed grows, every other pot shrinks, and nobody pays nothing."""
        if self.pot == kinds.NO_POT:
            return 0
        return self.amount if self.pot == kinds.ACCUMULATED_DEBT else -self.amount


def price(meter, volume_ml: int, tariff) -> "tuple[int, int]":
    """(amount, block and remainder as CHARGE carries them); in unit basis a volume is its own price."""
    if not meter.has(kinds.MODE_CURRENCY):
        return volume_ml, 0
    if tariff is None:  # cannot be: a currency meter is opened with a tariff, and it is lost only in RECOVERY
        return 0, meter.remainder
    amount, remainder = tariff.charge(meter.block_counter, volume_ml, meter.remainder, meter.block_share)
    index = tariff.block(meter.block_counter + volume_ml, meter.block_share)[0]
    return amount, index << BLOCK_SHIFT | remainder


def is_due(uncharged_ml: int, since_ms: int, sparing: bool) -> bool:
    """After an hour or 100 l; `sparing`: much is waiting to be sent, and only thresholds and the day's end count."""
    if uncharged_ml <= 0 or sparing:
        return False
    return uncharged_ml >= CHARGE_EVERY_ML or since_ms >= CHARGE_EVERY_MS


def threshold_ml(meter, time_s: int, quality: int, policy, tariff) -> int:
    """The volume after which the charge has consequences: a credit, a quota or a cap ends, a warning is due."""
    _pot, rule, most = payer(meter, time_s, quality, policy)
    nearest = min(volume_of(meter, tariff, most), _until_event(meter, rule, policy))
    if rule in _FREE or reason_to_limit(meter, policy):
        return nearest
    available, own = credit.available(meter, policy), credit.own(meter, policy)
    for amount in (
        available - policy.disablement_threshold,
        own - policy.low_credit_threshold,
        own - policy.very_low_credit_threshold,
        own - policy.emergency_threshold,
    ):
        if amount > 0:
            nearest = min(nearest, volume_of(meter, tariff, amount))
    return nearest


_FREE = (kinds.RULE_BULK, kinds.RULE_CREDIT_MODE)


def _until_event(meter, rule: int, policy) -> int:
    """The volume at which something other than a credit ends."""
    uncontrolled = meter.is_shut() or rule == kinds.RULE_VALVE_FAILED
    if uncontrolled and meter.closed_flow < policy.closed_flow_cap_ml:
        return int(policy.closed_flow_cap_ml - meter.closed_flow)
    if meter.intent == kinds.LIFELINE and meter.lifeline_left > 0:
        return int(meter.lifeline_left)
    if rule in (kinds.RULE_CLOCK_UNTRUSTED, kinds.RULE_CALENDAR_EXPIRED):
        return max(int(policy.untrusted_clock_cap - meter.cap_drawn), 1)
    return ALL
