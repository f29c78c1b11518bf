"""The idle page of safe mode: what is left, whether supply is on, and that somebody should come; of little code."""

from firmware.panel import amounts
from firmware.panel.screens import View
from shared import kinds


class PlainStatus:
    """The interface of firmware/status.py. `stuck` is the key that is stuck, or ""; it is not shown."""

    def __init__(self, core, supply_desk) -> None:
        self._core = core
        self._supply = supply_desk
        self._view = View()
        self._view.specials = [("safe_mode", "", False)]
        self.stuck = ""

    def view(self, channel: int, number: int, now_ms: int) -> View:
        """The View of a meter, good until the next call."""
        core, view = self._core, self._view
        meter = core.meter(channel)
        view.number = number
        view.state = "on" if self._supply.is_open(channel) else "off"
        commodity = core.settings.meters[channel].commodity
        view.left = amounts.amount(core.balance(channel), commodity, meter.has(kinds.MODE_CURRENCY))
        return view
