"""What is left where even safe mode crashes: pulses are counted, and kept beside the ledger, which nobody opens.

The next start that gets so far adds them to its registers. Valves stay as they are.
"""

from firmware.ledger.pair import Pair
from shared.compat import const

SAVE_MS = const(10000)  # so much of what flows a reset may take
_PULSE_MASK = const(0x3FFFFFFF)
_PULSES_SIZE = const(4)
_FILE = "counted"


def kept(flash) -> "list[int]":
    """Pulses by channel that were counted and are in no register yet; empty for none."""
    data = Pair(flash, _FILE).load() or b""
    return [int.from_bytes(data[at : at + _PULSES_SIZE], "big") for at in range(0, len(data), _PULSES_SIZE)]


def forget(flash) -> None:
    """They are in the registers now."""
    for slot in ("-a", "-b"):
        try:
            flash.remove(_FILE + slot)
        except OSError:
            pass


class Counting:
    """Counts what `inputs` (by channel, with count() as in firmware/drivers/pulse.py) show from now on."""

    def __init__(self, flash, inputs) -> None:
        self._files = Pair(flash, _FILE)
        self._inputs = inputs
        self._seen = [pulses.count() for pulses in inputs]
        before = kept(flash)
        self._pulses = before + [0] * (len(inputs) - len(before))
        self._saved = list(self._pulses)
        self._saved_ms = -SAVE_MS

    def tick(self, now_ms: int) -> None:
        """Take over what the inputs show, and keep it when it is due; where flash refuses, the next time."""
        for channel, pulses in enumerate(self._inputs):
            count = pulses.count()
            self._pulses[channel] += (count - self._seen[channel]) & _PULSE_MASK
            self._seen[channel] = count
        if self._pulses != self._saved and now_ms - self._saved_ms >= SAVE_MS:
            self._saved_ms = now_ms
            self.save()

    def save(self) -> None:
        """Make durable what was counted."""
        try:
            self._files.save(b"".join([number.to_bytes(_PULSES_SIZE, "big") for number in self._pulses]))
        except OSError:
            return
        self._saved = list(self._pulses)
