"""A sheet as CSV (RFC 4180), for programs: a header, then the rows, in UTF-8, with decimal points and ISO 8601 times.

Totals, facts and notes are left out, so that every line after the header is data. Text that a spreadsheet would take
for a formula is kept from being one by an apostrophe before it.
"""

import csv
import io

from cloud.reports.sheet import Cell, Column, Sheet, cell_text, measure, measured_text, shown_unit, time_text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(*sheets: Sheet) -> bytes:
    """Return the file; of several sheets each has its title on a line before it and an empty line after it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for number, sheet in enumerate(sheets):
        if len(sheets) > 1:
            writer.writerows([[]] if number else [])
            writer.writerow([_harmless(sheet.title)])
        writer.writerow([name for column in sheet.columns for name in _headings(column)])
        for row in sheet.rows:
            pairs = zip(sheet.columns, row, strict=True)
            writer.writerow([text for column, cell in pairs for text in _texts(sheet, column, cell)])
    return out.getvalue().encode()


def _headings(column: Column) -> list[str]:
    return [column.name, f"{column.name}: unit"] if column.mixed else [column.heading]


def _texts(sheet: Sheet, column: Column, cell: Cell) -> list[str]:
    if cell is None:
        return ["", ""] if column.mixed else [""]
    if column.mixed:
        amount = measure(column, cell)
        return [measured_text(column.kind, amount), shown_unit(column.kind, amount.unit)]
    if column.kind == "text":
        return [_harmless(str(cell))]
    if column.kind == "time" and isinstance(cell, int):
        return [time_text(sheet.clock, cell, seconds=True)]
    return [cell_text(sheet, column, cell)]


def _harmless(text: str) -> str:
    """Return text that no spreadsheet runs as a formula (OWASP: CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
