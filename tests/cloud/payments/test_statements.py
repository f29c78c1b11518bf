"""Bank statements: what came in becomes payments once, whatever is imported again; the rest is refused by line."""

from pathlib import Path
from typing import Any

import pytest

from cloud.errors import BadRequest
from cloud.payments import camt, statements
from cloud.payments.rules import drn_of
from tests.cloud.payments.paying import Paying

VECTORS = Path(__file__).parents[2] / "vectors/payments"
DAY = 1_749_945_600  # 2025-06-15
GERMAN = statements.Mapping("Datum", "Betrag", "Zweck", None, "%d.%m.%Y", ";", ",")
MAPPING = {"date": "Date", "amount": "Amount", "text": "Details", "reference": "Ref"}


def order(content: str, **changes: Any) -> dict[str, Any]:
    return {
        "channel": "bank",
        "format": "csv",
        "currency": "KES",
        "mapping": MAPPING,
        "content": content,
        **changes,
    }


async def test_a_statement_that_is_imported_twice_adds_nothing(any_paying: Paying) -> None:
    drn = any_paying.town.drn
    content = f"Date,Ref,Details,Amount\n2025-06-15,7,Meter {drn} June,500.00\n2025-06-15,8,rent,500.00\n"

    first = await any_paying.api.made("/bank-statements", order(content))
    again = await any_paying.api.made("/bank-statements", order(content))
    await any_paying.settle()

    assert (first, again) == ({"lines": 2, "added": 2}, {"lines": 2, "added": 0})
    found = {one["reference"]: (one["state"], one["tender_kind"]) for one in await any_paying.payments()}
    assert found == {"bank:7": ("vended", "bank_transfer"), "bank:8": ("listed", "bank_transfer")}
    assert [vend["volume_ml"] for vend in await any_paying.vends()] == [5_000_000]


async def test_a_reference_that_the_bank_uses_for_two_days_waits_for_a_person(paying: Paying) -> None:
    line = "{},7,Meter " + paying.town.drn + ",500.00\n"
    for day in ("2025-06-15", "2025-06-16"):
        await paying.api.made("/bank-statements", order("Date,Ref,Details,Amount\n" + line.format(day)))

    assert [(one["state"], one["code"]) for one in await paying.payments()] == [("listed", "contradicted")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("Date,Ref,Details\n", "column_missing"),
        ("", "invalid_body"),
        ("Date,Ref,Details,Amount\n2025-06-15,7,x\n", "csv_wrong"),
        ("Date,Ref,Details,Amount\n2025-06-15,7,x,1,2\n", "csv_wrong"),
        ('Date,Ref,Details,Amount\n2025-06-15,7,"x,5\n', "csv_wrong"),
        ("Date,Ref,Details,Amount\n15.6.2025,7,x,5\n", "date_wrong"),
        ("Date,Ref,Details,Amount\n2025-06-15,7,x,5.001\n", "amount_wrong"),
        ("Date,Ref,Details,Amount\n2025-06-15,7,x,NaN\n", "amount_wrong"),
        ("Date,Ref,Details,Amount\n2025-06-15,7,x,5\n2025-06-15,7,y,5\n", "reference_double"),
    ],
)
async def test_a_statement_that_cannot_be_read_adds_nothing(paying: Paying, content: str, code: str) -> None:
    answer = await paying.api.post("/bank-statements", order(content))

    assert (answer.status, answer.code) == (400, code)
    assert await paying.payments() == []


async def test_only_a_bank_has_statements_and_csv_needs_a_mapping(paying: Paying) -> None:
    elsewhere = await paying.api.post("/bank-statements", order("x", channel="cards"))
    unmapped = await paying.api.post("/bank-statements", order("x", mapping=None))

    assert [elsewhere.code, unmapped.code] == ["channel_unknown", "mapping_missing"]


def test_equal_lines_without_a_reference_are_two_and_stay_the_same_two() -> None:
    content = "\ufeffDatum;Betrag;Zweck\n15.06.2025;1.234,50;a\n15.06.2025;1.234,50;a\n15.06.2025;-3,00;b\n"

    lines = statements.read_csv(content, GERMAN, "KES", 2)

    assert [(line.amount_minor, line.booked_at) for line in lines] == [(123_450, DAY)] * 2
    assert len({line.reference for line in lines}) == 2
    assert statements.read_csv(content, GERMAN, "KES", 2) == lines


def test_the_sample_of_camt_053_has_what_was_booked_and_came_in() -> None:
    lines = camt.read((VECTORS / "bank_camt053.xml").read_text(), "KES", 2)

    assert [(line.reference, line.amount_minor, line.account_reference) for line in lines] == [
        ("B-0001", 50_000, "Water 04123456784 June"),
        ("B-0002-1", 30_000, "RF18539007547034"),
        ("B-0002-2", 40_000, ""),
    ]
    assert {line.booked_at for line in lines} == {DAY}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("<Document", "<!DOCTYPE d [<!ENTITY a 'b'>]><Document", "xml_type"),
        ("</Document>", "", "xml_wrong"),
        ("BkToCstmrStmt", "BkToCstmrAcctRpt", "camt_wrong"),
        ('Ccy="KES">500', 'Ccy="USD">500', "currency_wrong"),
        ("500.00", "500.001", "amount_wrong"),
        ("500.00", "-500.00", "invalid_message"),
        ("400.00", "400.01", "camt_batch"),
    ],
)
def test_a_camt_file_that_is_wrong_is_refused(before: str, after: str, code: str) -> None:
    content = (VECTORS / "bank_camt053.xml").read_text().replace(before, after)

    with pytest.raises(BadRequest) as error:
        camt.read(content, "KES", 2)

    assert error.value.code == code


@pytest.mark.parametrize(
    ("typed", "drn"),
    [
        ("04123456784", "04123456784"),
        ("0412-345 6784", "04123456784"),
        ("for meter 04123456784, June", "04123456784"),
        ("04123456783", None),
        ("04123456784 or 04123456792", None),
        ("104123456784", None),
        ("", None),
    ],
)
def test_a_meter_number_is_found_in_what_was_typed(typed: str, drn: str | None) -> None:
    assert drn_of(typed) == drn
