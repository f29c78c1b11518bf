"""What a reconciliation says, as pure values: sums that are compared, and differences that are listed.

A line compares two sums that ought to be one. What is left of their difference, less what is explained and what is
listed, is unexplained: it is listed as a difference of its own, and the day does not hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

DIFFERENCE = "difference"
"""The code of what no check could say more about."""
DETAIL_MAX = 300


@dataclass(frozen=True)
class Finding:
    """A difference with its subject, e.g. `payment:7`. `line` names the line that it belongs to, if it is part of one.

    `amount` is in `unit`: left less right of its line, else what is at stake. `since` is when it began, in seconds.
    """

    section: str
    code: str
    subject: str
    unit: str
    amount: int
    since: int
    detail: str
    line: str = ""


@dataclass(frozen=True)
class Line:
    """Two sums of one section that are compared, in minor units of a currency, ml or mWh.

    `explained` names amounts of left less right that are as they should be, such as what is under way.
    """

    section: str
    name: str
    unit: str
    left: int
    right: int
    explained: tuple[tuple[str, int], ...] = ()


@dataclass
class Found:
    """What checks found of one day."""

    lines: list[Line] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Add what another check found."""
        self.lines += other.lines
        self.findings += other.findings


@dataclass(frozen=True)
class Compared:
    """A line with what is listed of it, and what nothing explains."""

    line: Line
    listed: int
    unexplained: int

    def to_json(self) -> dict[str, Any]:
        """The form that is kept."""
        line = self.line
        explained = [{"what": what, "amount": amount} for what, amount in line.explained]
        sums = {"left": line.left, "right": line.right, "difference": line.left - line.right}
        rest = {"explained": explained, "listed": self.listed, "unexplained": self.unexplained}
        return {"section": line.section, "name": line.name, "unit": line.unit, **sums, **rest}


def compared(found: Found) -> list[Compared]:
    """Weigh each line with the differences that name it."""
    return [_weighed(line, found.findings) for line in found.lines]


def _weighed(line: Line, findings: Sequence[Finding]) -> Compared:
    mine = (line.section, line.name, line.unit)
    listed = sum(one.amount for one in findings if (one.section, one.line, one.unit) == mine)
    explained = sum(amount for _, amount in line.explained)
    return Compared(line, listed, line.left - line.right - listed - explained)


def differences(found: Found, weighed: Sequence[Compared], since: int) -> list[Finding]:
    """Return everything that is listed: what checks found, and one more for each line that nothing explains."""
    rest = [
        Finding(
            one.line.section,
            DIFFERENCE,
            one.line.name,
            one.line.unit,
            one.unexplained,
            since,
            f"{one.line.left} against {one.line.right}; {one.unexplained} of it is explained by nothing",
        )
        for one in weighed
        if one.unexplained
    ]
    return found.findings + rest
