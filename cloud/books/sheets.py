"""The trial balance as sheets: the accounts of each unit, money and volumes apart, with what is left over."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.books.reports import Balance
from cloud.reports.sheet import Column, Sheet

_COMMODITIES = {"ml": "water", "mwh": "electricity"}


@dataclass(frozen=True)
class Frame:
    """What stands around the figures: whose books they are, their zone (shared.civil), and when they were asked."""

    utility: str
    zone: bytes
    now: int


def sheets(balances: Sequence[Balance], frame: Frame) -> list[Sheet]:
    """Return one sheet for each unit, in their order; an empty one where nothing was ever posted."""
    units = list(dict.fromkeys(one.account.unit for one in balances))
    return [_sheet(unit, [one for one in balances if one.account.unit == unit], frame) for unit in units] or [
        Sheet("Trial balance", [Column("Account")], [], zone=frame.zone, made_at=frame.now)
    ]


def _sheet(unit: str, balances: Sequence[Balance], frame: Frame) -> Sheet:
    measured = [_measured(name, unit) for name in ("Debit", "Credit", "Balance")]
    sums = [sum(figures) for figures in zip(*map(_figures, balances), strict=True)]
    return Sheet(
        f"Trial balance: {unit}",
        [Column("Account"), Column("Kind"), *measured, Column("Held agrees")],
        [[one.account.code, one.account.kind, *_figures(one), "yes" if one.holds else "no"] for one in balances],
        totals=["Left over", None, *sums, None],
        facts=[("Utility", frame.utility)],
        notes=["A debit is above zero, a credit below. What is left over of all accounts of a unit is zero."],
        zone=frame.zone,
        made_at=frame.now,
    )


def _measured(name: str, unit: str) -> Column:
    commodity = _COMMODITIES.get(unit)
    return Column(name, "volume", commodity) if commodity else Column(name, "money", unit)


def _figures(one: Balance) -> tuple[int, int, int]:
    return one.debit, one.credit, one.balance
