"""The API of a customer's money: refund orders, and the statement of account."""

from typing import Annotated, Literal

from pydantic import Field

from cloud.accounts import refund_orders, statement, statement_sheet
from cloud.accounts.change_models import RefundOrder
from cloud.accounts.fields import DecidedView, Language, Reason
from cloud.accounts.statement import CustomerStatement
from cloud.api.fields import TIME_MAX, Body, Currency, Page, PageQuery, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.keys import CONFIG
from cloud.meters import policies
from cloud.reports.files import SHEET_FILES, FormatQuery, sheet_file
from cloud.rows import page
from shared.policy import decode_policy

_MONEY_MAX = 10**15


class NewRefund(Body):
    """Money of a customer's account that goes back to them; null: all of it."""

    currency: Currency
    amount_minor: Annotated[int, Field(ge=1, le=_MONEY_MAX)] | None = None
    reason: Reason


class RefundPayment(Body):
    """From where an order was paid out, and under which reference of the transfer or receipt."""

    source: Literal["bank", "cash"]
    reference: Annotated[str, Field(min_length=1, max_length=100)]


class RefundView(DecidedView):
    """Money that goes back: `waiting` for another person, `listed` to be paid, `done` when it was paid, or declined."""

    id: int
    utility_id: int
    customer_id: int
    currency: str
    amount_minor: int
    source: str | None
    reference: str | None
    paid_at: int | None


class RefundQuery(PageQuery):
    """Of which state, or all."""

    state: Literal["waiting", "listed", "done", "declined"] | None = None


class StatementQuery(FormatQuery):
    """The time of a statement, its currency, and the language of its file."""

    currency: Currency
    from_s: int = Field(0, ge=0, le=TIME_MAX)
    until_s: int = Field(TIME_MAX, ge=1, le=TIME_MAX)
    language: Language | None = None


class StandingView(View):
    """What a customer has left over, and owes in instalments and of bills."""

    account_minor: int
    debt_minor: int
    bills_minor: int


class LineView(View):
    """An event; `paid + debt + bills = charged + taxes + account`, and where the customer stood after it."""

    entry: int
    at: int
    kind: str
    reference: str
    reason: str
    drn: str | None
    paid_minor: int
    charged_minor: int
    taxes_minor: int
    account_minor: int
    debt_minor: int
    bills_minor: int
    after: StandingView


class StatementView(View):
    """Every coin of a customer in a time, and where they stood before and afterwards."""

    customer_id: int
    currency: str
    from_s: int
    until_s: int
    opening: StandingView
    lines: list[LineView]
    closing: StandingView


async def order_refund(call: Call[NewRefund, None]) -> RefundView:
    """Order money of a customer's account to be paid out; above the limit another person must approve."""
    body, limit = call.body, call.app[CONFIG].refund_limit_minor
    async with call.begin() as session:
        row = await refund_orders.order(
            session, call.actor, call.path["customer"], body.currency, body.amount_minor, body.reason, limit, call.now
        )
        return RefundView.model_validate(row)


async def approve_refund(call: Call[None, None]) -> RefundView:
    """Approve a refund order of another person."""
    async with call.begin() as session:
        row = await refund_orders.approve(session, call.actor, call.path["refund_order"], call.now)
        return RefundView.model_validate(row)


async def decline_refund(call: Call[None, None]) -> RefundView:
    """End a refund order that was not paid; the money is on the customer's account again."""
    async with call.begin() as session:
        row = await refund_orders.decline(session, call.actor, call.path["refund_order"], call.now)
        return RefundView.model_validate(row)


async def pay_refund(call: Call[RefundPayment, None]) -> RefundView:
    """Note that a listed refund order was paid out."""
    body = call.body
    async with call.begin() as session:
        row: RefundOrder = await refund_orders.pay(
            session, call.actor, call.path["refund_order"], body.source, body.reference, call.now
        )
        return RefundView.model_validate(row)


async def refunds(call: Call[None, RefundQuery]) -> Page[RefundView]:
    """List refund orders."""
    async with call.read() as session:
        rows = await refund_orders.listed(session, call.actor, call.query.state, call.query)
        return page(rows, RefundView, call.query)


async def customer_statement(call: Call[None, StatementQuery]) -> StatementView | FileAnswer:
    """Give the statement of a customer: every coin in a time; as JSON, CSV, XLSX or PDF."""
    query = call.query
    async with call.read() as session:
        times = (query.from_s, query.until_s)
        found = await statement.of(session, call.actor, call.path["customer"], query.currency, *times)
        zone = decode_policy((await policies.latest(session, found.customer.utility_id)).document).zone
    if query.format == "json":
        return _statement_view(found)
    language = query.language or found.customer.language
    made = statement_sheet.sheet(found, language, zone, call.now)
    return await sheet_file(made, query.format, f"statement-{found.customer.id}")


def _statement_view(found: CustomerStatement) -> StatementView:
    return StatementView(
        customer_id=found.customer.id,
        currency=found.currency,
        from_s=found.from_s,
        until_s=found.until_s,
        opening=StandingView.model_validate(found.opening),
        lines=[LineView.model_validate(line) for line in found.lines],
        closing=StandingView.model_validate(found.closing),
    )


_ORDER = "/refund-orders/{refund_order}"
_TWO = (Conflict, Forbidden, NotFound, Refused)
_DECLINE = (Conflict, NotFound)
ROUTES = [
    Route("POST", "/customers/{customer}/refunds", order_refund, "refunds:write", RefundView, request=NewRefund,
          errors=_TWO, status=201, tag="customers"),
    Route("GET", "/refund-orders", refunds, "refunds:read", Page[RefundView], query=RefundQuery, tag="customers"),
    Route("POST", _ORDER + "/approve", approve_refund, "refunds:approve", RefundView, errors=_TWO, tag="customers"),
    Route("POST", _ORDER + "/decline", decline_refund, "refunds:write", RefundView, errors=_DECLINE, tag="customers"),
    Route("POST", _ORDER + "/pay", pay_refund, "refunds:pay", RefundView, request=RefundPayment, errors=_DECLINE,
          tag="customers"),
    Route("GET", "/customers/{customer}/statement", customer_statement, "customers:read", StatementView,
          query=StatementQuery, files=SHEET_FILES, errors=(NotFound, Refused), tag="customers"),
]  # fmt: skip
