"""What has flowed and is not in the ledger yet, as CHARGE entries: cut where the payer, a quota or a cap ends."""

from firmware.meter.charging import Cut
from shared import kinds
from shared.state import apply_meter


def charges(core, channel: int) -> list:  # type: ignore[type-arg]
    """The CHARGE entries for what has flowed, cut where the payer changes; not yet written."""
    meter = core.meter(channel)
    volume_ml = core.registers[channel].volume_ml
    policy, tariff = core.policy_of(channel), core.tariff_of(channel)
    group = []
    while meter.register < volume_ml:
        entry = core.entry(kinds.CHARGE, channel, reference_a=meter.tariff_version)
        cut = Cut(meter, volume_ml - meter.register, entry.time_s, entry.quality, policy, tariff)
        entry.pot, entry.rule, entry.reference_b, entry.delta = cut.pot, cut.rule, cut.reference_b, cut.delta()
        entry.balance = meter.pots[cut.pot] + entry.delta if cut.pot != kinds.NO_POT else 0
        entry.register = meter.register + cut.volume_ml
        group.append(entry)
        if entry.register < volume_ml:
            meter = meter.copy() if len(group) == 1 else meter
            apply_meter(meter, entry)
        else:
            break
    return group
