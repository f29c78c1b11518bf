"""A sheet as a workbook (Office Open XML): numbers as numbers with their format, text as text and never as a formula.

The bytes depend on the sheets alone: every date in the file is that of the sheet.
"""

import datetime
import io
import re
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from cloud.reports.sheet import Amount, Cell, Column, Kind, Sheet, cell_text, measure, places, shown_unit

_EXACT_BELOW = 10**15  # a spreadsheet keeps 15 digits
_TEXT_MAX = 32_767  # characters of a cell
_NAME_MAX = 31  # of a worksheet
_NAME_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_DAY_S = 86_400
_DAY_OF_1970 = 25_569  # spreadsheets count days from 1899-12-30
_WIDTH_MIN, _WIDTH_MAX = 8, 60
_WIDTH_ROWS = 200
"""How many rows are looked at for the width of a column."""


def xlsx_bytes(*sheets: Sheet) -> bytes:
    """Return the workbook, one worksheet for each sheet."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    made = datetime.datetime.fromtimestamp(sheets[0].made_at, datetime.UTC).replace(tzinfo=None)
    book.set_properties({"title": sheets[0].title, "created": made})
    formats = _Formats(book)
    for number, sheet in enumerate(sheets, 1):
        _Page(book.add_worksheet(_sheet_name(sheet.title, number, len(sheets))), sheet, formats).write()
    book.close()
    return out.getvalue()


def _sheet_name(title: str, number: int, of: int) -> str:
    """Return a name that a workbook takes: without []:*?/\\', at most 31 characters, different from the others."""
    before = f"{number} " if of > 1 else ""
    return before + (_NAME_FORBIDDEN.sub(" ", title).strip() or "Sheet")[: _NAME_MAX - len(before)]


class _Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Any] = {}
        self.bold = book.add_format({"bold": True})

    def of(self, number: str, *, total: bool = False) -> Any:
        """Return the format of numbers; a total stands bold below a line."""
        if (number, total) not in self._made:
            look = {"bold": True, "top": 1} if total else {}
            self._made[number, total] = self._book.add_format({"num_format": number, **look})
        return self._made[number, total]


class _Page:
    """One worksheet while it is written, from the top."""

    def __init__(self, page: Any, sheet: Sheet, formats: _Formats) -> None:
        self._page = page
        self._sheet = sheet
        self._formats = formats
        self._line = 0

    def write(self) -> None:
        """Write everything."""
        sheet = self._sheet
        self._texts([sheet.title], bold=True)
        for fact in sheet.facts:
            self._texts(fact)
        self._line += 1
        self._texts([name for column in sheet.columns for name in _headings(column)], bold=True)
        self._page.freeze_panes(self._line, 0)
        for row in sheet.rows:
            self._row(row, total=False)
        if sheet.totals is not None:
            self._row(sheet.totals, total=True)
        self._line += bool(sheet.notes)
        for note in sheet.notes:
            self._texts([note])
        self._widths()

    def _texts(self, texts: Sequence[str], *, bold: bool = False) -> None:
        look = self._formats.bold if bold else None
        for at, text in enumerate(texts):
            self._page.write_string(self._line, at, text[:_TEXT_MAX], look)
        self._line += 1

    def _row(self, row: Sequence[Cell], *, total: bool) -> None:
        at = 0
        for column, cell in zip(self._sheet.columns, row, strict=True):
            if cell is not None:
                self._cell(at, column, cell, total)
            elif total:
                self._page.write_blank(self._line, at, None, self._formats.of("@", total=True))
            at += len(_headings(column))
        self._line += 1

    def _cell(self, at: int, column: Column, cell: Cell, total: bool) -> None:
        number = _number(self._sheet, column, cell)
        if number is None:
            text = cell_text(self._sheet, column, cell)[:_TEXT_MAX]
            self._page.write_string(self._line, at, text, self._formats.of("@", total=total))
        else:
            value, look = number
            self._page.write_number(self._line, at, value, self._formats.of(look, total=total))
        if column.mixed and number is not None:
            unit = shown_unit(column.kind, measure(column, cell).unit)
            self._page.write_string(self._line, at + 1, unit, self._formats.of("@", total=total))

    def _widths(self) -> None:
        at = 0
        looked_at = [*self._sheet.rows[:_WIDTH_ROWS], *([self._sheet.totals] if self._sheet.totals else [])]
        for number, column in enumerate(self._sheet.columns):
            texts = [column.heading, *(cell_text(self._sheet, column, row[number]) for row in looked_at)]
            self._page.set_column(at, at, min(max(_WIDTH_MIN, *map(len, texts)) + 1, _WIDTH_MAX))
            at += len(_headings(column))


def _headings(column: Column) -> list[str]:
    return [column.name, f"{column.name}: unit"] if column.mixed else [column.heading]


def _number(sheet: Sheet, column: Column, cell: Cell) -> tuple[float, str] | None:
    """Return a cell as a number and its format; None for text, and for what has more digits than a number keeps."""
    if column.kind in ("money", "volume"):
        return _measured(column.kind, measure(column, cell))
    if not isinstance(cell, int) or abs(cell) >= _EXACT_BELOW:
        return None
    if column.kind == "time":
        return (cell + sheet.clock.offset_s(cell)) / _DAY_S + _DAY_OF_1970, "yyyy-mm-dd hh:mm:ss"
    if column.kind == "day":
        return cell + _DAY_OF_1970, "yyyy-mm-dd"
    return cell, "0"


def _measured(kind: Kind, amount: Amount) -> tuple[float, str] | None:
    if abs(amount.value) >= _EXACT_BELOW:
        return None
    digits = places(kind, amount.unit)
    shown = "#,##0" if digits == 0 else "#,##0." + ("0" * digits if kind == "money" else "0" + "#" * (digits - 1))
    return amount.value / 10**digits, shown
