"""What a record of readings proves, and which of two figures for one hour stands. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.readings import NOT_CLOSED, Reading, check_of

RUNNING = 0
"""The day was not closed when the gateway sent it."""
WHOLE = 1
"""Of a closed day's record that no DAY entry names, or another than it names."""
VERIFIED = 2
"""The DAY entry in the signed ledger has the check and the total of this record."""


@dataclass(frozen=True)
class Proof:
    """What a DAY entry says of a record, or what a record is: `check` of its bytes, `total` in pulses."""

    check: int
    total: int

    @property
    def names_one(self) -> bool:
        """Tell whether the gateway kept a record of the day at all."""
        return (self.check, self.total) != (0, 0)


@dataclass(frozen=True)
class Hour:
    """One hour of a meter."""

    meter_id: int
    hour: int
    volume_ml: int
    proof: int
    time_quality: int


def proof_of(reading: Reading, packed: bytes) -> Proof:
    """What a DAY entry would say of this record."""
    return Proof(check_of(packed), reading.total())


def is_closed(reading: Reading) -> bool:
    """Tell whether the record is of a day that was closed."""
    return reading.day != NOT_CLOSED


def hours(reading: Reading, meter_id: int, proof: int) -> list[Hour]:
    """The hours of a record."""
    return [
        Hour(meter_id, reading.first_hour + at, pulses * reading.unit_ml, proof, reading.quality)
        for at, pulses in enumerate(reading.pulses)
    ]


def newest(found: Iterable[Hour]) -> list[Hour]:
    """One figure for each hour: the one that is proven best, and of those the last; by rising meter and hour."""
    best: dict[tuple[int, int], Hour] = {}
    for one in found:
        known = best.get((one.meter_id, one.hour))
        if known is None or one.proof >= known.proof:
            best[one.meter_id, one.hour] = one
    return [best[key] for key in sorted(best)]
