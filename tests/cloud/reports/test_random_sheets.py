"""Sheets of anything that people write: what a file shows is exactly what the sheet holds, and none of it runs."""

import csv
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.reports.files import rendered
from cloud.reports.sheet import Amount, Cell, Column, Sheet
from shared.civil import zone_data

COLUMNS = (
    Column("Text"),
    Column("Money", "money", "TND"),
    Column("Volume", "volume", "water"),
    Column("At", "time"),
    Column("Mixed", "money"),
)
PLACES = {"KES": 2, "UGX": 0, "TND": 3}
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=60)
NUMBER = st.integers(-(10**16), 10**16)
CELLS = st.tuples(
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), NUMBER),
    st.one_of(st.none(), NUMBER),
    st.one_of(st.none(), st.integers(0, 0xFFFFFFFF)),
    st.one_of(st.none(), st.builds(Amount, NUMBER, st.sampled_from(sorted(PLACES)))),
)
ROWS = st.lists(CELLS, max_size=5)


def sheet(rows: Sequence[Sequence[Cell]], offset_min: int = 0) -> Sheet:
    return Sheet("Anything", COLUMNS, rows, zone=zone_data(offset_min))


@given(rows=ROWS, offset_min=st.integers(-720, 840))
@settings(deadline=None, max_examples=100)
def test_csv_gives_every_number_back_exactly(rows: list[tuple[Cell, ...]], offset_min: int) -> None:
    data = rendered("csv", [sheet(rows, offset_min)]).decode()

    lines = list(csv.reader(io.StringIO(data, newline="")))[1:]

    assert len(lines) == len(rows)
    for line, (text, money, volume, at, mixed) in zip(lines, rows, strict=True):
        assert line[0].removeprefix("'") == (str(text).removeprefix("'") if text else "")
        assert not line[0].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert line[1] == "" if money is None else Decimal(line[1]).scaleb(3) == money
        assert line[2] == "" if volume is None else Decimal(line[2]).scaleb(6) == volume
        assert (line[3] == "") == (at is None)
        if isinstance(mixed, Amount):
            assert (Decimal(line[4]).scaleb(PLACES[line[5]]), line[5]) == mixed


@given(rows=ROWS)
@settings(deadline=None, max_examples=30)
def test_a_workbook_takes_anything_and_runs_nothing(rows: list[tuple[Cell, ...]]) -> None:
    book = zipfile.ZipFile(io.BytesIO(rendered("xlsx", [sheet(rows)])))

    assert book.testzip() is None
    assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


@given(rows=ROWS)
@settings(deadline=None, max_examples=15)
def test_paper_takes_anything(rows: list[tuple[Cell, ...]]) -> None:
    assert rendered("pdf", [sheet(rows)]).startswith(b"%PDF")
