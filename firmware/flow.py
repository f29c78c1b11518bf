"""Keeps the flow limit of each meter: when more flowed in a minute, supply pauses, and comes back by itself.

Both are EVENT entries, so the cloud decides supply with the same knowledge. A restart begins a pause anew.
"""

from firmware.ledger.store import FlashFull
from firmware.meter.flow import FlowWatch
from shared import kinds
from shared.compat import const

FLOW_PAUSE_MS = const(300000)


class FlowDesk:
    """The flow of all meters."""

    def __init__(self, core, now_ms: int) -> None:
        self._core = core
        self._paused_ms = dict.fromkeys(core.channels(), now_ms)
        self._watches = {}
        for channel in core.channels():
            pulse_ml = core.meter(channel).pulse_volume_ml or core.settings.meters[channel].pulse_volume_ml
            self._watches[channel] = FlowWatch(pulse_ml, core.registers[channel].volume_ml, now_ms)

    def flow_l_h(self, channel: int) -> int:
        """The mean flow of the last whole minute, in L/h (energy: W)."""
        return self._watches[channel].flow_l_h

    def tick(self, channel: int, now_ms: int) -> None:
        """Begin or end the pause of a meter, as far as there is room for the entry."""
        core = self._core
        watch = self._watches[channel]
        meter = core.meter(channel)
        fresh = watch.take(core.registers[channel].volume_ml, now_ms, meter.pulse_volume_ml)
        if core.recovery:
            return
        if meter.paused:
            if now_ms - self._paused_ms[channel] >= FLOW_PAUSE_MS:
                self._note(channel, kinds.EVENT_FLOW_PAUSE_OVER, 0, now_ms)
        elif fresh and meter.flow_limit and watch.least_l_h > meter.flow_limit and core.has_room():
            self._note(channel, kinds.EVENT_FLOW_OVER, watch.least_l_h, now_ms)
            self._paused_ms[channel] = now_ms

    def _note(self, channel, event, flow_l_h, now_ms):
        core = self._core
        limit = core.meter(channel).flow_limit
        rule = kinds.RULE_FLOW_LIMIT
        try:
            core.settle(channel, now_ms)
            core.append(core.entry(kinds.EVENT, channel, rule, event, reference_a=flow_l_h, reference_b=limit))
        except FlashFull:
            pass  # tried again at the next tick, or the next minute; credit is enforced meanwhile
