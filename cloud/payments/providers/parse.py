"""Reading a message that passed its check: a form it must have, and named errors when it has not."""

import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cloud.errors import BadRequest
from cloud.notify.texts import minor_digits
from cloud.payments import rules

FormT = TypeVar("FormT", bound="Form")
REFERENCE_MAX = 100
ACCOUNT_REFERENCE_MAX = 60


class Form(BaseModel):
    """A part of a provider's message that is read; what else stands in it is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


def read(form: type[FormT], body: bytes) -> FormT:
    """Return the message; BadRequest names the field that is wrong, and shows nothing of the content."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        raise BadRequest("invalid_message", _where(error)) from None


def read_answer(form: type[FormT], answer: Any) -> FormT:
    """The same for an answer that was parsed already."""
    try:
        return form.model_validate(answer)
    except ValidationError as error:
        raise BadRequest("invalid_message", _where(error)) from None


def _where(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(["message", *(str(part) for part in problem["loc"])])
    return f"{where}: {problem['msg']}"


def amount(text: Any, currency: str) -> int:
    """Return an amount in major units as minor units above zero; BadRequest if it is none."""
    try:
        value = rules.minor(text, minor_digits(currency))
    except ValueError:
        raise BadRequest("invalid_message", f"message: the amount is no amount of {currency}") from None
    return positive(value)


def positive(value: int) -> int:
    """Return an amount that is above zero; BadRequest for another."""
    if not 0 < value <= 10**15:
        raise BadRequest("invalid_message", "message: the amount must be above zero")
    return value


def reference(text: str) -> str:
    """Return a provider's reference; BadRequest if it is empty, too long, or has other than printable ASCII."""
    if not (0 < len(text) <= REFERENCE_MAX and text.isascii() and text.isprintable()):
        raise BadRequest("invalid_message", f"message: a reference has 1 to {REFERENCE_MAX} printable characters")
    return text


def account_reference(text: str) -> str:
    """Return what the payer typed, without what cannot be shown, cut to what is kept."""
    return "".join(letter for letter in text if letter.isprintable())[:ACCOUNT_REFERENCE_MAX].strip()


def compact_time(text: str, zone: datetime.tzinfo) -> int:
    """Return the seconds of a time written YYYYMMDDHHMMSS in a zone; BadRequest if it is none."""
    try:
        return int(datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp())
    except ValueError:
        raise BadRequest("invalid_message", "message: a time is not written YYYYMMDDHHMMSS") from None


def iso_time(text: str) -> int:
    """Return the seconds of an ISO 8601 time, UTC where it names no zone; BadRequest if it is none."""
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest("invalid_message", "message: a time is not in ISO 8601") from None
    return int((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp())


def day_time(text: str, form: str, line: int) -> int:
    """Return the seconds of a date in a form of strptime, UTC; BadRequest names the line of the statement."""
    try:
        return int(datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC).timestamp())
    except (ValueError, OverflowError):
        raise BadRequest("date_wrong", f"Line {line}: the date is not of the form {form}.") from None
