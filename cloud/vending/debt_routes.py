"""The API of debts that are paid off in instalments, a share of each payment first."""

from pydantic import Field

from cloud.api.fields import Body, Currency, MoneyMinor, Page, PageQuery, RowId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused
from cloud.keys import CONFIG
from cloud.rows import page
from cloud.vending import debts

_MONEY_MAX = 10**15


class NewDebt(Body):
    """What a customer owes and pays off: `percent` of each payment, at most `month_cap_minor` in a month."""

    customer_id: RowId
    currency: Currency
    principal_minor: int = Field(ge=1, le=_MONEY_MAX)
    percent: int = Field(ge=1, le=100)
    month_cap_minor: MoneyMinor | None = None
    reason: str = Field(min_length=1, max_length=300)


class Closing(Body):
    """Why a debt ends before it is paid."""

    reason: str = Field(min_length=1, max_length=300)


class DebtView(View):
    """A debt; `closed_at` is when it was paid, or ended."""

    id: int
    utility_id: int
    customer_id: int
    currency: str
    reason: str
    principal_minor: int
    paid_minor: int
    percent: int
    month_cap_minor: int | None
    created_by: str
    created_at: int
    closed_at: int | None


async def add(call: Call[NewDebt, None]) -> DebtView:
    """Open a debt that sales pay off."""
    wanted = debts.NewDebt(**call.body.model_dump())
    async with call.begin() as session:
        return DebtView.model_validate(await debts.add(session, call.actor, wanted, call.now))


async def close(call: Call[Closing, None]) -> DebtView:
    """End a debt; what is left of it is written off."""
    limit = call.app[CONFIG].write_off_limit_minor
    async with call.begin() as session:
        await debts.check_limit(session, call.actor, call.path["debt"], limit)
        closed = await debts.close(session, call.actor, call.path["debt"], call.body.reason, call.now)
        return DebtView.model_validate(closed)


async def listed(call: Call[None, PageQuery]) -> Page[DebtView]:
    """List debts."""
    async with call.read() as session:
        return page(await debts.listed(session, call.actor, call.query), DebtView, call.query)


ROUTES = [
    Route(
        "POST", "/debts", add, "debts:write", DebtView,
        request=NewDebt, errors=(Conflict, NotFound), status=201, tag="customers",
    ),
    Route(
        "POST", "/debts/{debt}/close", close, "debts:write", DebtView,
        request=Closing, errors=(Conflict, NotFound, Refused), tag="customers",
    ),
    Route("GET", "/debts", listed, "debts:read", Page[DebtView], query=PageQuery, tag="customers"),
]  # fmt: skip
