"""A receipt on paper: a roll of 80 mm that is as long as the receipt, or a page of A4."""

from collections.abc import Sequence
from typing import Literal

from cloud.reports.paper import Paper
from cloud.vending.receipt_lines import Row

PaperSize = Literal["roll", "a4"]
_ROLL_MM = 80
_ROLL_MARGIN_MM = 4
_A4_MARGIN_MM = 45
_LONGEST_MM = 3000
_SIZE_PT = {"plain": 8.5, "strong": 9.5, "token": 13, "head": 11}


def receipt_pdf(rows: Sequence[Row], title: str, made_at: int, size: PaperSize) -> bytes:
    """Return the receipt as PDF, dated `made_at`."""
    if size == "a4":
        paper = Paper(title, made_at, margin_mm=_A4_MARGIN_MM)
        paper.set_top_margin(_A4_MARGIN_MM / 2)
        paper.add_page()
        _write(paper, rows)
        return paper.done()
    trial = _roll(title, made_at, _LONGEST_MM)
    _write(trial, rows)
    trial.close()
    paper = _roll(title, made_at, trial.y + _ROLL_MARGIN_MM)
    _write(paper, rows)
    return paper.done()


def _roll(title: str, made_at: int, height_mm: float) -> Paper:
    paper = Paper(title, made_at, size_mm=(_ROLL_MM, height_mm), margin_mm=_ROLL_MARGIN_MM, foot=False)
    paper.set_auto_page_break(False)
    paper.add_page()
    return paper


def _write(paper: Paper, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.look == "rule":
            paper.rule()
            continue
        size_pt = _SIZE_PT[row.look]
        bold = row.look != "plain"
        if row.right:
            paper.pair(row.left, row.right, size_pt, bold=bold)
        else:
            paper.line_of(row.left, size_pt, bold=bold, align="C" if row.look in ("token", "head") else "L")
