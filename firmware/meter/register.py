"""A meter's register: pulses into volume. It never goes back; between charges it rests in a journal of its own.

Of a reset it loses less than JOURNAL_EVERY_ML and the pulses that no task had picked up yet; without credit that is a
pulse (firmware/account.py).
"""

from shared.compat import const
from shared.wire import Layout, Reader

JOURNAL_EVERY_ML = const(10000)
_PULSE_MASK = const(0x3FFFFFFF)
_JOURNAL = Layout(b"PSjourn1", (("epoch", "u2"), ("meters", "u1")))
_ROW = Layout(b"", (("channel", "u1"), ("register", "u6")))


class Register:
    """`volume_ml` now; `durable_ml` is what a reset would leave of it."""

    def __init__(self, pulse_volume_ml: int, volume_ml: int) -> None:
        self._pulse_volume_ml = pulse_volume_ml
        self._seen = 0
        self.volume_ml = volume_ml
        self.durable_ml = volume_ml

    def take(self, count: int) -> int:
        """Take over what the counter (30 bits, rising, wrapping) shows; returns the new volume in ml."""
        new_ml = ((count - self._seen) & _PULSE_MASK) * self._pulse_volume_ml
        self._seen = count
        self.volume_ml += new_ml
        return new_ml

    def set_factor(self, pulse_volume_ml: int) -> None:
        """What a pulse stands for from now on; what was taken over before stays as it is."""
        assert pulse_volume_ml > 0, "a pulse stands for some volume"
        self._pulse_volume_ml = pulse_volume_ml

    def journal_due(self) -> bool:
        return self.volume_ml - self.durable_ml >= JOURNAL_EVERY_ML

    def made_durable(self) -> None:
        self.durable_ml = self.volume_ml


def encode_journal(epoch: int, registers: "dict[int, Register]") -> bytes:
    """The registers of all meters by rising channel."""
    rows = [_ROW.encode(channel=channel, register=registers[channel].volume_ml) for channel in sorted(registers)]
    return _JOURNAL.encode(epoch=epoch, meters=len(rows)) + b"".join(rows)


def decode_journal(epoch: int, data: bytes) -> "dict[int, int]":
    """Channel -> volume in ml; empty when the journal is of another epoch. WireError: it is none."""
    reader = Reader(data)
    head = _JOURNAL.read(reader)
    rows = [_ROW.read(reader) for _ in range(head["meters"])]
    reader.finish()
    return {row["channel"]: row["register"] for row in rows} if head["epoch"] == epoch else {}
