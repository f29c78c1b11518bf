"""Types of the API of bills: civil days are numbers inside and dates outside."""

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from cloud.billing.rules import date_text
from shared.civil import day_of


def _shown(value: object) -> object:
    return date_text(value) if isinstance(value, int) else value


Day = Annotated[str, BeforeValidator(_shown)]
"""A civil day of the utility in an answer, e.g. 2025-11-25."""
Reason = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


def day_number(date: str) -> int:
    """Return the number of a civil day, counted from 1970-01-01."""
    year, month, day = (int(part) for part in date.split("-"))
    return int(day_of(year, month, day))
