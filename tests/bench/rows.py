"""A row of the table: what was measured, and the bar it has to hold."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`better` says which way is good; a row without a bar only informs. Ratios are of one run on one machine."""

    name: str
    value: float
    unit: str
    bar: float | None
    better: str

    @property
    def holds(self) -> bool:
        """Whether the value is on the right side of its bar."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar

    def as_json(self) -> dict[str, object]:
        """The row as `build/bench.json` has it."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "bar": self.bar,
            "better": self.better,
            "holds": self.holds,
        }
