"""The API of debts that are more than a share of each sale: agreements with a plan, and what is given up."""

from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.accounts import agreements, write_offs
from cloud.accounts.agreements import Item, NewAgreement
from cloud.accounts.fields import DecidedView, Reason
from cloud.accounts.rules import INSTALMENTS_MAX
from cloud.api.fields import TIME_MAX, Body, Currency, MoneyMinor, Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import CONFIG
from cloud.rows import page
from cloud.vending.debt_routes import DebtView

_MONEY_MAX = 10**15
Time = Annotated[int, Field(ge=1, le=TIME_MAX)]


class ItemBody(Body):
    """Something that is owed and stands in no debt and no bill yet."""

    what: Reason
    amount_minor: int = Field(ge=1, le=_MONEY_MAX)


class AgreementBody(Body):
    """An agreement: the open debt, with `with_bills` the open bills, and `items` become one debt.

    `due` are the times of its instalments; sales take `percent` of each payment, at most `month_cap_minor` in a month.
    """

    currency: Currency
    items: list[ItemBody] = Field([], max_length=50)
    with_bills: bool = False
    percent: int = Field(ge=1, le=100)
    month_cap_minor: MoneyMinor | None = None
    due: list[Time] = Field([], max_length=INSTALMENTS_MAX)
    reason: Reason


class InstalmentView(View):
    """What is due by a time."""

    number: int
    due_at: int
    amount_minor: int


class PlanView(View):
    """A debt's plan: what was due by now, what of it is missing, and what comes next. Without instalments: no plan."""

    debt: DebtView
    instalments: list[InstalmentView]
    due_minor: int
    overdue_minor: int
    next_due_at: int | None
    next_minor: int


class WriteOffBody(Body):
    """Why a debt is given up."""

    reason: Reason


class WriteOffView(DecidedView):
    """What of a debt is given up."""

    id: int
    utility_id: int
    debt_id: int
    amount_minor: int


async def agree(call: Call[AgreementBody, None]) -> PlanView:
    """Agree on instalments: one debt of several, with a plan."""
    body = call.body
    wanted = NewAgreement(
        customer_id=call.path["customer"],
        currency=body.currency,
        items=[Item(one.what, one.amount_minor) for one in body.items],
        with_bills=body.with_bills,
        percent=body.percent,
        month_cap_minor=body.month_cap_minor,
        due=body.due,
        reason=body.reason,
    )
    async with call.begin() as session:
        row = await agreements.agree(session, call.actor, wanted, call.now)
        return await _plan(call, session, row.id)


async def plan(call: Call[None, None]) -> PlanView:
    """Show a debt with its instalments, and what of them is overdue."""
    async with call.read() as session:
        return await _plan(call, session, call.path["debt"])


async def _plan(call: Call[AgreementBody, None] | Call[None, None], session: AsyncSession, debt_id: int) -> PlanView:
    row, parts = await agreements.plan_of(session, call.actor, debt_id)
    stands = agreements.standing(row, parts, call.now)
    return PlanView(
        debt=DebtView.model_validate(row),
        instalments=[InstalmentView.model_validate(part) for part in parts],
        due_minor=stands.due_minor,
        overdue_minor=stands.overdue_minor,
        next_due_at=stands.next_due_at,
        next_minor=stands.next_minor,
    )


async def write_off(call: Call[WriteOffBody, None]) -> WriteOffView:
    """Write off what is left of a debt; above the limit another person must approve."""
    limit = call.app[CONFIG].write_off_limit_minor
    async with call.begin() as session:
        row = await write_offs.ask(session, call.actor, call.path["debt"], call.body.reason, limit, call.now)
        return WriteOffView.model_validate(row)


async def approve_write_off(call: Call[None, None]) -> WriteOffView:
    """Approve the write-off of a debt that another person asked for."""
    async with call.begin() as session:
        row = await write_offs.approve(session, call.actor, call.path["write_off"], call.now)
        return WriteOffView.model_validate(row)


async def decline_write_off(call: Call[None, None]) -> WriteOffView:
    """Let a debt go on that somebody asked to write off."""
    async with call.begin() as session:
        row = await write_offs.decline(session, call.actor, call.path["write_off"], call.now)
        return WriteOffView.model_validate(row)


async def listed_write_offs(call: Call[None, PageQuery]) -> Page[WriteOffView]:
    """List write-offs."""
    async with call.read() as session:
        return page(await write_offs.listed(session, call.actor, call.query), WriteOffView, call.query)


_OFF = "/write-offs/{write_off}"
_TWO = (Conflict, Forbidden, NotFound, Refused)
ROUTES = [
    Route("POST", "/customers/{customer}/agreements", agree, "debts:write", PlanView, request=AgreementBody,
          errors=(Conflict, NotFound, Refused), status=201, tag="customers"),
    Route("GET", "/debts/{debt}/plan", plan, "debts:read", PlanView, errors=(NotFound,), tag="customers"),
    Route("POST", "/debts/{debt}/write-off", write_off, "debts:write", WriteOffView, request=WriteOffBody,
          errors=(Conflict, Forbidden, NotFound), status=201, tag="customers"),
    Route("GET", "/write-offs", listed_write_offs, "debts:read", Page[WriteOffView], query=PageQuery, tag="customers"),
    Route("POST", _OFF + "/approve", approve_write_off, "debts:approve", WriteOffView, errors=_TWO, tag="customers"),
    Route("POST", _OFF + "/decline", decline_write_off, "debts:write", WriteOffView, errors=(Conflict, NotFound),
          tag="customers"),
]  # fmt: skip
