"""A sheet as PDF on A4: upright if its columns fit, else across; headings on every page, numbers at the right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud.reports.paper import A4_MM, Paper
from cloud.reports.pdf_table import TOTAL, Align, PdfTable
from cloud.reports.sheet import Cell, Column, Sheet, cell_text

_SIZES_PT = (8.0, 6.5, 5.0)
_TEXT_MAX = 200
"""Characters of a cell: a longer text is cut, as a row cannot be higher than a page."""
_WIDEST_MM = 70
_WIDTH_ROWS = 200
_PADDING_MM = 3
_SPARE_MM = 1
_NUMBERS = ("count", "money", "volume")


@dataclass(frozen=True)
class _Widths:
    """What a column needs for its cells on one line, and the least at which no word and no number is broken, in mm."""

    natural: float
    least: float


def pdf_bytes(*sheets: Sheet) -> bytes:
    """Return the document; each sheet begins on a page of its own."""
    paper = Paper(sheets[0].title, sheets[0].made_at)
    for sheet in sheets:
        _page(paper, sheet)
    return paper.done()


def _page(paper: Paper, sheet: Sheet) -> None:
    upright_mm = A4_MM[0] - 2 * paper.l_margin
    across = sum(one.natural for one in _needed(paper, sheet, _SIZES_PT[0])) > upright_mm
    paper.add_page("landscape" if across else "portrait")
    paper.line_of(sheet.title, 14, bold=True)
    paper.ln(1)
    for label, value in sheet.facts:
        paper.line_of(f"{label}: {value}")
    paper.ln(2)
    _table(paper, sheet)
    paper.ln(2)
    for note in sheet.notes:
        paper.line_of(note, 8)


def _table(paper: Paper, sheet: Sheet) -> None:
    size_pt, widths = _fitted(paper, sheet)
    aligns: list[Align] = ["R" if column.kind in _NUMBERS else "L" for column in sheet.columns]
    headings = [column.heading for column in sheet.columns]
    table = PdfTable(paper, headings, widths, aligns, size_pt, _PADDING_MM / 2)
    for row in sheet.rows:
        table.row(_texts(sheet, row))
    if sheet.totals is not None:
        table.row(_texts(sheet, sheet.totals), TOTAL)


def _texts(sheet: Sheet, row: Sequence[Cell]) -> list[str]:
    shown = (cell_text(sheet, column, cell) for column, cell in zip(sheet.columns, row, strict=True))
    texts = (" ".join(text.split()) for text in shown)
    return [text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 3] + "..." for text in texts]


def _fitted(paper: Paper, sheet: Sheet) -> tuple[float, list[float]]:
    """Return the largest of the sizes at which no word is broken, and widths that fill the page."""
    needed: list[_Widths] = []
    size_pt = _SIZES_PT[0]
    for size_pt in _SIZES_PT:
        needed = _needed(paper, sheet, size_pt)
        if sum(one.least for one in needed) <= paper.epw:
            break
    natural, least = sum(one.natural for one in needed), sum(one.least for one in needed)
    if natural <= paper.epw or natural <= least:
        return size_pt, [one.natural * paper.epw / natural for one in needed]
    given = max(0.0, (paper.epw - least) / (natural - least))
    widths = [one.least + (one.natural - one.least) * given for one in needed]
    return size_pt, [width * paper.epw / sum(widths) for width in widths]


def _needed(paper: Paper, sheet: Sheet, size_pt: float) -> list[_Widths]:
    paper.set_font_size(size_pt)
    rows = [_texts(sheet, row) for row in sheet.rows[:_WIDTH_ROWS]]
    rows += [_texts(sheet, sheet.totals)] if sheet.totals is not None else []
    return [_column(paper, column, [row[at] for row in rows]) for at, column in enumerate(sheet.columns)]


def _column(paper: Paper, column: Column, texts: list[str]) -> _Widths:
    around = _PADDING_MM + _SPARE_MM
    natural = min(_longest(paper, [column.heading, *texts]), _WIDEST_MM) + around
    unbroken = [word for text in texts for word in text.split()] if column.kind == "text" else texts
    least = _longest(paper, [*column.heading.split(), *unbroken]) + around
    return _Widths(natural, min(least, natural))


def _longest(paper: Paper, texts: Iterable[str]) -> float:
    return max((paper.get_string_width(text) for text in texts), default=0.0)
