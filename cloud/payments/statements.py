"""Bank statements: lines of money that came in, read from CSV with a mapping or from CAMT.053 (ISO 20022).

A line's reference is the bank's own; where it has none, a hash of the line and of how many equal ones stood before it
in the file, so that a statement that is imported twice adds nothing.
"""

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cloud.errors import BadRequest
from cloud.payments import rules
from cloud.payments.providers import parse

LINES_MAX = 20_000
_HASH_DIGITS = 32


@dataclass(frozen=True)
class Line:
    """Money that came to the account: the bank's reference, minor units, what the payer wrote, booking time."""

    reference: str
    amount_minor: int
    currency: str
    account_reference: str
    booked_at: int


@dataclass(frozen=True)
class Mapping:
    """How to read a bank's CSV: columns by name, the delimiter, the decimal sign, the form of dates (strptime).

    `amount` has money that went out as below zero; a bank with two columns names that of money that came in.
    `reference` None: the bank gives none.
    """

    date: str
    amount: str
    text: str
    reference: str | None
    date_format: str
    delimiter: str = ","
    decimal: str = "."


def digest_of(fields: list[str], before: int) -> str:
    """The reference of a line that has none of its own."""
    said = "\x1f".join([*fields, str(before)])
    return "line:" + hashlib.sha256(said.encode()).hexdigest()[:_HASH_DIGITS]


def read_csv(content: str, mapping: Mapping, currency: str, digits: int) -> list[Line]:
    """Return the lines of money that came in; BadRequest names the line that cannot be read."""
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), delimiter=mapping.delimiter, strict=True)
    wanted = [mapping.date, mapping.amount, mapping.text, *([mapping.reference] if mapping.reference else [])]
    found: list[Line] = []
    seen: Counter[str] = Counter()
    try:
        missing = [name for name in wanted if name not in (reader.fieldnames or [])]
        if missing:
            raise BadRequest("column_missing", f"The statement has no column {missing[0]!r}; correct the mapping.")
        for row in reader:
            _check_row(row, reader.line_num, len(found))
            line = _line(row, mapping, currency, digits, seen, reader.line_num)
            found += [line] if line is not None else []
    except csv.Error as error:
        raise BadRequest("csv_wrong", f"Line {reader.line_num} is no CSV: {error}.") from None
    return found


def _check_row(row: dict[str, str], number: int, count: int) -> None:
    if None in row or None in row.values():
        raise BadRequest("csv_wrong", f"Line {number} has another number of columns than the first line.")
    if count >= LINES_MAX:
        raise BadRequest("statement_long", f"A statement has at most {LINES_MAX} lines; split it.")


def _line(
    row: dict[str, str], mapping: Mapping, currency: str, digits: int, seen: Counter[str], number: int
) -> Line | None:
    try:
        amount = rules.minor(decimal(row[mapping.amount], mapping.decimal), digits)
    except (ValueError, InvalidOperation):
        problem = f"Line {number}: the amount is no amount of {currency} with the decimal sign {mapping.decimal!r}."
        raise BadRequest("amount_wrong", problem) from None
    if amount <= 0:
        return None
    booked_at = parse.day_time(row[mapping.date].strip(), mapping.date_format, number)
    fields = [row[mapping.date], row[mapping.amount], row[mapping.text]]
    key = "\x1f".join(fields)
    own = row[mapping.reference].strip() if mapping.reference else ""
    reference = own or digest_of(fields, seen[key])
    seen[key] += 1
    return Line(reference, amount, currency, parse.account_reference(row[mapping.text]), booked_at)


def decimal(text: str, sign: str) -> Decimal:
    """An amount with its own decimal sign; the other sign, blanks and apostrophes group thousands."""
    plain = text.strip().replace("\u00a0", "").replace(" ", "").replace("'", "")
    if not plain:
        return Decimal(0)
    other = "," if sign == "." else "."
    return Decimal(plain.replace(other, "").replace(sign, "."))


def check_references(lines: list[Line]) -> list[Line]:
    """Return the lines; BadRequest if two have one reference, since money would be lost if it were no reference."""
    counted = Counter(line.reference for line in lines)
    double = next((reference for reference, count in counted.items() if count > 1), None)
    if double is not None:
        problem = f"The reference {double[:40]!r} stands there twice, so it is none; map another column, or none."
        raise BadRequest("reference_double", problem)
    return lines
