"""Sheets as files: exact numbers, times of the zone, nothing that runs as a formula, and the same bytes each time."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence

import pytest

from cloud.errors import Refused
from cloud.reports.csv_file import csv_bytes
from cloud.reports.files import SHEET_FILES, rendered, sheet_file
from cloud.reports.sheet import Amount, Cell, Column, Sheet, cell_text, decimal
from shared.civil import day_of, zone_data

NAIROBI = zone_data(180)
AT = 1_790_000_000  # 2026-09-21 13:33:20 UTC
COLUMNS = (
    Column("Who"),
    Column("Sales", "count"),
    Column("Tender", "money", "KES"),
    Column("Volume", "volume", "water"),
    Column("At", "time"),
    Column("Day", "day"),
    Column("Balance", "money"),
)


def sheet(*rows: Sequence[Cell], totals: Sequence[Cell] | None = None, title: str = "Sales") -> Sheet:
    return Sheet(
        title, COLUMNS, rows, totals, facts=[("Utility", "Town")], notes=["As told."], zone=NAIROBI, made_at=AT
    )


def row(who: str = "Wanjikũ") -> list[Cell]:
    return [who, 2, -123_456, 1_500_000, AT, day_of(2026, 9, 21), Amount(-5, "UGX")]


def parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def part(workbook: bytes, name: str) -> str:
    return zipfile.ZipFile(io.BytesIO(workbook)).read(name).decode()


def test_a_decimal_is_exact_and_knows_signs_and_places() -> None:
    assert decimal(-123_456, 2) == "-1234.56"
    assert decimal(-5, 2) == "-0.05"
    assert decimal(7, 0) == "7"
    assert decimal(10**17 + 1, 3) == "100000000000000.001"
    assert decimal(1_500_000, 6, 0) == "1.5"
    assert decimal(2_000_000, 6, 0) == "2"


def test_csv_has_a_header_with_units_and_exact_rows() -> None:
    header, first = parsed(csv_bytes(sheet(row(), totals=["Total", 2, 0, 0, None, None, None])))

    names = ["Who", "Sales", "Tender (KES)", "Volume (m3)", "At", "Day", "Balance", "Balance: unit"]
    assert header == names
    values = ["Wanjikũ", "2", "-1234.56", "1.5", "2026-09-21T17:13:20+03:00", "2026-09-21", "-5", "UGX"]
    assert first == values


def test_several_sheets_in_one_csv_are_told_apart_by_their_titles() -> None:
    lines = parsed(csv_bytes(sheet(row(), title="First"), sheet(row(), title="Second")))

    assert [line for line in lines if len(line) < 2] == [["First"], [], ["Second"]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_begins_like_a_formula_is_none(start: str) -> None:
    evil = start + "HYPERLINK(A1)"

    assert parsed(csv_bytes(sheet(row(evil))))[1][0] == "'" + evil
    book = rendered("xlsx", [sheet(row(evil))])
    assert "<f>" not in part(book, "xl/worksheets/sheet1.xml")
    assert "HYPERLINK(A1)" in part(book, "xl/sharedStrings.xml")


def test_a_workbook_has_numbers_as_numbers_in_local_time() -> None:
    page = part(rendered("xlsx", [sheet(row())]), "xl/worksheets/sheet1.xml")

    numbers = re.findall(r"<v>([-0-9.]+)</v>", page)
    assert "-1234.56" in numbers
    assert "1.5" in numbers
    # 2026-09-21 is day 46286 of a spreadsheet, and 17:13:20 is 0.71759 of it.
    assert any(number.startswith("46286.7175") for number in numbers)
    assert "46286" in numbers


def test_a_workbook_keeps_what_is_too_large_for_its_numbers_as_text() -> None:
    book = rendered("xlsx", [sheet([None, 0, 1_234_567_890_123_456, None, None, None, None])])

    assert "12345678901234.56" in part(book, "xl/sharedStrings.xml")


def test_worksheets_have_names_that_a_workbook_takes() -> None:
    title = "Sales of the day: Nairobi/West [all] of a long name"

    names = part(rendered("xlsx", [sheet(title=title), sheet(title=title)]), "xl/workbook.xml")

    assert re.findall(r'sheet name="([^"]+)"', names) == [
        "1 Sales of the day  Nairobi Wes",
        "2 Sales of the day  Nairobi Wes",
    ]


@pytest.mark.parametrize("form", SHEET_FILES)
def test_the_same_sheet_gives_the_same_bytes(form: str) -> None:
    assert rendered(form, [sheet(row())]) == rendered(form, [sheet(row())])
    assert rendered(form, [sheet(row())]) != rendered(form, [sheet(row("Otieno"))])


@pytest.mark.parametrize("form", SHEET_FILES)
def test_a_sheet_may_be_empty_and_its_texts_long(form: str) -> None:
    assert rendered(form, [sheet()])
    assert rendered(form, [sheet(row("long " * 10_000), title="T" * 500)])


def test_a_pdf_has_one_page_for_a_few_rows_and_more_for_many() -> None:
    assert rendered("pdf", [sheet(row())]).count(b"/Type /Page\n") == 1
    assert rendered("pdf", [sheet(*[row()] * 100)]).count(b"/Type /Page\n") > 1


async def test_a_pdf_of_too_many_rows_is_refused_with_the_remedy() -> None:
    with pytest.raises(Refused, match="5001 rows are more than the 5000 of a pdf; ask for csv or xlsx"):
        await sheet_file(sheet(*[row()] * 5001), "pdf", "sales")


async def test_a_file_has_the_format_that_was_asked_for() -> None:
    answer = await sheet_file([sheet(row())], "csv", "sales-2026-09-21")

    assert (answer.format, answer.stem) == ("csv", "sales-2026-09-21")
    assert answer.content.startswith(b"Who,")


def test_a_row_that_does_not_fit_its_columns_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="7 columns, and a row of 1"):
        sheet(["alone"])


def test_a_mixed_cell_shows_its_unit_to_people() -> None:
    assert cell_text(sheet(), COLUMNS[6], Amount(-250, "KES")) == "-2.50 KES"
    assert cell_text(sheet(), Column("Volume", "volume"), Amount(100_000, "electricity")) == "0.1 kWh"
