"""A reconciliation as sheets of a file: what was compared, and what is listed."""

from collections.abc import Sequence
from typing import Any

from cloud.reports.consumption import MONEY
from cloud.reports.models import ReconciliationItem
from cloud.reports.reconciliation import Report
from cloud.reports.sheet import Amount, Cell, Column, Sheet, day_text

_VOLUMES = {"ml": "water", "mwh": "electricity"}
_DAY_S = 86_400


def sheets(report: Report, utility: str, zone: bytes) -> list[Sheet]:
    """Return the sums and the differences of a run."""
    run = report.run
    facts = (
        ("Utility", utility),
        ("Day", day_text(run.day)),
        ("Holds", "yes" if run.holds else "no: something is explained by nothing"),
        ("Listed differences", str(len(report.items))),
    )
    rows = [_item_row(item, run.ran_at) for item in report.items]
    return [
        Sheet("Reconciliation", _SUMS, _sum_rows(run.lines), None, facts, _NOTES, zone, run.ran_at),
        Sheet("Differences", _LISTED, rows, None, facts, (), zone, run.ran_at),
    ]


_SUMS = (
    Column("Section"),
    Column("Compared"),
    Column("Sum of"),
    Column("Money", "money"),
    Column("Volume", "volume"),
    Column("Money on meters (1/100000)", "count"),
)
_LISTED = (
    Column("Number", "count"),
    Column("Section"),
    Column("Code"),
    Column("Subject"),
    Column("Money", "money"),
    Column("Volume", "volume"),
    Column("Money on meters (1/100000)", "count"),
    Column("Since", "time"),
    Column("Age in days", "count"),
    Column("State"),
    Column("What it is"),
    Column("Note"),
)
_NOTES = ("Left less right is what is explained, listed, and unexplained together.",)


def _sum_rows(lines: Sequence[dict[str, Any]]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for line in lines:
        amounts = [("left", line["left"]), ("right", line["right"])]
        amounts += [(f"explained: {one['what']}", one["amount"]) for one in line["explained"]]
        amounts += [("listed", line["listed"])] if line["listed"] else []
        amounts += [("unexplained", line["unexplained"])]
        rows += [[line["section"], line["name"], what, *_cells(amount, line["unit"])] for what, amount in amounts]
    return rows


def _item_row(item: ReconciliationItem, now: int) -> list[Cell]:
    age = max(0, now - item.since) // _DAY_S
    told: list[Cell] = [item.since, age, item.state, item.detail, item.note or ""]
    return [item.id, item.section, item.code, item.subject, *_cells(item.amount, item.unit), *told]


def _cells(amount: int, unit: str) -> tuple[Cell, Cell, Cell]:
    """The amount in the column of its unit."""
    if unit == MONEY:
        return None, None, amount
    if unit in _VOLUMES:
        return None, Amount(amount, _VOLUMES[unit]), None
    return (Amount(amount, unit) if unit else None), None, None
