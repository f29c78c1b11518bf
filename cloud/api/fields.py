"""The types of the API's fields, with their limits; a path parameter's type follows from its name."""

import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, RootModel, StringConstraints

from shared.errors import SharedError
from shared.sts.identity import check_drn

_I64_MAX = (1 << 63) - 1
_VOLUME_ML_MAX = 10**13
_MONEY_MINOR_MAX = 10**15
PAGE_LIMIT_MAX = 500
TIME_MAX = 0xFFFFFFFF
_YEAR_AFTER_TIME_MAX = 2106


def _checked_drn(drn: str) -> str:
    try:
        check_drn(drn)
    except SharedError as error:
        raise ValueError(str(error)) from None
    return drn


RowId = Annotated[int, Field(ge=1, le=_I64_MAX)]
UtilityId = Annotated[int, Field(ge=1, le=0x7FFFFFFF)]
GatewayId = Annotated[int, Field(ge=1, le=0x7FFFFFFF)]
Drn = Annotated[str, StringConstraints(pattern=r"^([0-9]{11}|[0-9]{13})$"), AfterValidator(_checked_drn)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Commodity = Literal["water", "electricity", "gas"]
Sgc = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Key32Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SignatureHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
SecondFactorCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9a-f]{20})$")]
VolumeMl = Annotated[int, Field(ge=1, le=_VOLUME_ML_MAX)]
MoneyMinor = Annotated[int, Field(ge=0, le=_MONEY_MINOR_MAX)]
SomeMinor = Annotated[int, Field(ge=1, le=_MONEY_MINOR_MAX)]
"""Money that is more than nothing. A field cannot narrow MoneyMinor: of two limits pydantic keeps one."""


def _checked_day(text: str) -> str:
    try:
        date = datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError("write a date as 2025-11-25") from None
    if not 1970 <= date.year < _YEAR_AFTER_TIME_MAX:
        raise ValueError(f"a date lies from 1970 to {_YEAR_AFTER_TIME_MAX - 1}")
    return text


CivilDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_checked_day)]
"""A civil day of the utility, e.g. 2025-11-25."""

PATH_TYPES: dict[str, Any] = {
    "utility": UtilityId,
    "customer": RowId,
    "key_change": RowId,
    "gateway": GatewayId,
    "drn": Drn,
    "purchase_id": UUID,
    "key": RowId,
    "case": RowId,
    "operator": RowId,
    "command": RowId,
    "release": RowId,
    "rollout": RowId,
    "payment": RowId,
    "push_request": RowId,
    "voucher_batch": RowId,
    "command_request": RowId,
    "tariff": RowId,
    "version": UtilityId,
    "debt": RowId,
    "account": RowId,
    "service_point": RowId,
    "meter_swap": RowId,
    "account_closing": RowId,
    "refund_order": RowId,
    "write_off": RowId,
    "reconciliation": RowId,
    "reconciliation_item": RowId,
    "token_request": RowId,
    "bill": RowId,
    "bill_run": RowId,
    "credit_request": RowId,
    "billing_cycle": RowId,
    "billing_policy": RowId,
    "mode_switch": RowId,
    "agent": RowId,
    "float_request": RowId,
    "shift": RowId,
}


class Body(BaseModel):
    """A request body: unknown fields and values of another JSON type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class View(BaseModel):
    """A response body, made from a table row or by name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Query(BaseModel):
    """Query parameters: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Which part of a list is asked for."""

    after: int = Field(0, ge=0, le=_I64_MAX, description="The `next` of the page before")
    limit: int = Field(100, ge=1, le=PAGE_LIMIT_MAX)


ItemT = TypeVar("ItemT")


class Page(View, Generic[ItemT]):
    """One part of a list; `next` goes into `after` for the following part, and is null at the end."""

    items: list[ItemT]
    next: int | None


class Done(View):
    """The request was carried out and has nothing more to say."""

    done: bool = True


class JsonDocument(RootModel[dict[str, JsonValue]]):
    """A JSON object of a form that is defined elsewhere."""


class Problem(View):
    """What went wrong (RFC 9457). `code` is for programs and stays; `detail` is for people, with the remedy.

    Of a purchase it says the `outcome`: failed, nothing was sold under this purchase id and something must change; or
    unknown, then the same request again with the same id finds out, and sells once.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    outcome: Literal["failed", "unknown"] | None = None
