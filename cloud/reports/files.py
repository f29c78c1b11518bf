"""A report as the file that a caller asks for: the formats, how long a file may be, and rendering beside the loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from cloud.api.fields import Query
from cloud.api.files import FileAnswer
from cloud.errors import Refused
from cloud.reports.sheet import Sheet

Format = Literal["json", "csv", "xlsx", "pdf"]
SHEET_FILES = ("csv", "xlsx", "pdf")
_ROWS_MAX = {"csv": 200_000, "xlsx": 50_000, "pdf": 5_000}


class FormatQuery(Query):
    """The form in which a report is wanted."""

    format: Format = "json"


async def sheet_file(sheets: Sheet | Sequence[Sheet], format: str, stem: str) -> FileAnswer:  # noqa: A002
    """Return sheets as a file of one of SHEET_FILES; Refused if they have too many rows for it."""
    given = [sheets] if isinstance(sheets, Sheet) else list(sheets)
    rows = sum(len(sheet.rows) for sheet in given)
    if rows > _ROWS_MAX[format]:
        remedy = "ask for csv or xlsx" if format == "pdf" else "ask for a shorter time"
        raise Refused(
            "too_long_for_file", f"{rows} rows are more than the {_ROWS_MAX[format]} of a {format}; {remedy}."
        )
    return FileAnswer(content=await asyncio.to_thread(rendered, format, given), format=format, stem=stem)


def rendered(format: str, sheets: Sequence[Sheet]) -> bytes:  # noqa: A002
    """Return the bytes of a file of one of SHEET_FILES."""
    return _writer(format)(*sheets)


def _writer(format: str) -> Callable[..., bytes]:  # noqa: A002
    # Each writer comes with a large library, so it is loaded when it is first asked for.
    if format == "pdf":
        from cloud.reports.pdf_file import pdf_bytes

        return pdf_bytes
    if format == "xlsx":
        from cloud.reports.xlsx_file import xlsx_bytes

        return xlsx_bytes
    from cloud.reports.csv_file import csv_bytes

    return csv_bytes
