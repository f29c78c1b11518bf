"""The API of bills: what was billed and is open, credit notes, payments at the till, and bills that become a debt."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from cloud.accounts.models import Customer
from cloud.api.fields import Body, Currency, MoneyMinor, Page, PageQuery, Query, RowId, SomeMinor, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.billing import bills, calendar_routes, crediting, invoice, run_routes, settling, spans
from cloud.billing.document import Content
from cloud.billing.fields import Day, Reason
from cloud.billing.models import Bill
from cloud.billing.settling import Plan, Tendered
from cloud.errors import Conflict, Forbidden, NotFound, Refused
from cloud.rows import owned, page
from cloud.vending.debt_routes import DebtView


class BillView(View):
    """A bill, or with `corrects_id` the credit note that takes one back. `until_day` is the first day after it.

    `open_minor` is what is left to pay. Registers and volume are ml, for electricity mWh.
    """

    id: int
    utility_id: int
    number: int
    run_id: int | None
    meter_id: int
    customer_id: int
    corrects_id: int | None
    currency: str
    from_day: Day
    until_day: Day
    from_register_ml: int
    until_register_ml: int
    volume_ml: int
    total_minor: int
    open_minor: int
    issued_at: int
    due_day: Day


class BillDocument(View):
    """A bill with every line of it."""

    bill: BillView
    content: Content


class BillsQuery(PageQuery):
    """Whose bills are asked for, and whether only those that are open."""

    customer_id: RowId | None = None
    open: bool = False


class DocumentQuery(Query):
    """The form of the answer; the language of a PDF is the customer's unless another is given."""

    format: Literal["json", "pdf"] = "json"
    language: Literal["en", "fr"] | None = None


class NewCredit(Body):
    """Why a bill is to be taken back."""

    reason: Reason


class CreditView(View):
    """A bill that is to be taken back. `state`: waiting, approved, declined; `note_id` is the credit note."""

    id: int
    utility_id: int
    bill_id: int
    reason: str
    state: str
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None
    note_id: int | None


class Tender(Body):
    """What the customer pays with at the till; other money comes by its provider or the bank, who prove it."""

    kind: Literal["cash"]
    amount_minor: SomeMinor
    currency: Currency


class NewBillPayment(Body):
    """Money for a customer's bills. The caller makes `payment_id`, and repeats the request unchanged until it has an
    answer."""

    payment_id: UUID = Field(strict=False)
    customer_id: RowId
    tender: Tender


class BillPaymentView(View):
    """A payment: of `amount_minor` the bills took all but `kept_minor`, which is on the customer's account."""

    id: int
    utility_id: int
    key: str
    customer_id: int
    tender_kind: str
    amount_minor: int
    kept_minor: int
    currency: str
    actor: str
    at: int


class PaymentsQuery(PageQuery):
    """Whose payments are asked for."""

    customer_id: RowId | None = None


class BillDebt(Body):
    """How all open bills of a customer are paid off: `percent` of each purchase, at most `month_cap_minor` a month."""

    currency: Currency
    percent: int = Field(ge=1, le=100)
    month_cap_minor: MoneyMinor | None = None
    reason: Reason


def _view(bill: Bill, left_minor: int) -> BillView:
    shown = {name: getattr(bill, name) for name in BillView.model_fields if name != "open_minor"}
    return BillView(**shown, open_minor=left_minor)


async def list_bills(call: Call[None, BillsQuery]) -> Page[BillView]:
    """List bills and credit notes, of one customer or of all, or those that are open."""
    async with call.read() as session:
        rows = await bills.listed(session, call.actor, call.query.customer_id, call.query, only_open=call.query.open)
        return page([_view(bill, left) for bill, left in rows], BillView, call.query)


async def one_bill(call: Call[None, DocumentQuery]) -> BillDocument | FileAnswer:
    """Show a bill with its lines, or as a document to print."""
    async with call.read() as session:
        bill = await owned(session, call.actor, Bill, call.path["bill"], "bill")
        left = await settling.left_minor(session, bill)
        content = Content.model_validate(bill.content)
        if call.query.format == "json":
            return BillDocument(bill=_view(bill, left), content=content)
        customer = await session.get_one(Customer, bill.customer_id)
        seller = await bills.seller(session, bill)
        issued_day = (await spans.zone_of(session, bill.utility_id)).local(bill.issued_at)[0]
    language = call.query.language or customer.language
    made = await invoice.pdf(invoice.Invoice(seller, customer.name, bill, content, issued_day, left), language)
    return FileAnswer(content=made, format="pdf", stem=f"bill-{bill.number}")


async def ask_credit(call: Call[NewCredit, None]) -> CreditView:
    """Ask for the newest bill of a meter to be taken back by a credit note."""
    async with call.begin() as session:
        row = await crediting.ask(session, call.actor, call.path["bill"], call.body.reason, call.now)
        return CreditView.model_validate(row)


async def approve_credit(call: Call[None, None]) -> CreditView:
    """Take the bill back that somebody else asked for."""
    async with call.begin() as session:
        row = await crediting.approve(session, call.actor, call.path["credit_request"], call.now)
        return CreditView.model_validate(row)


async def decline_credit(call: Call[None, None]) -> CreditView:
    """Let a bill stand."""
    async with call.begin() as session:
        row = await crediting.decline(session, call.actor, call.path["credit_request"], call.now)
        return CreditView.model_validate(row)


async def list_credits(call: Call[None, PageQuery]) -> Page[CreditView]:
    """List the bills that are to be taken back, or were."""
    async with call.read() as session:
        return page(await crediting.listed(session, call.actor, call.query), CreditView, call.query)


async def pay(call: Call[NewBillPayment, None]) -> BillPaymentView:
    """Take money for a customer's bills, the oldest first."""
    body = call.body
    wanted = Tendered(
        key=str(body.payment_id),
        customer_id=body.customer_id,
        tender_kind=body.tender.kind,
        amount_minor=body.tender.amount_minor,
        currency=body.tender.currency,
    )
    async with call.begin() as session:
        return BillPaymentView.model_validate(await settling.pay(session, call.actor, wanted, call.now))


async def list_payments(call: Call[None, PaymentsQuery]) -> Page[BillPaymentView]:
    """List what was paid for bills."""
    async with call.read() as session:
        rows = await settling.listed(session, call.actor, call.query.customer_id, call.query)
        return page(rows, BillPaymentView, call.query)


async def to_debt(call: Call[BillDebt, None]) -> DebtView:
    """Turn all open bills of a customer into one debt that purchases pay off."""
    body = call.body
    plan = Plan(body.percent, body.month_cap_minor, body.reason)
    async with call.begin() as session:
        customer = call.path["customer"]
        debt = await settling.to_debt(session, call.actor, customer, body.currency, plan, call.now)
        return DebtView.model_validate(debt)


_ERRORS: tuple[Any, ...] = (Conflict, Forbidden, NotFound, Refused)
_CREDIT = "/bill-credits/{credit_request}"
ROUTES = [
    Route("GET", "/bills", list_bills, "billing:read", Page[BillView], query=BillsQuery, tag="billing"),
    Route(
        "GET", "/bills/{bill}", one_bill, "billing:read", BillDocument,
        query=DocumentQuery, errors=(NotFound,), files=("pdf",), tag="billing",
    ),
    Route(
        "POST", "/bills/{bill}/credits", ask_credit, "billing:write", CreditView,
        request=NewCredit, errors=_ERRORS, status=201, tag="billing",
    ),
    Route(
        "POST", _CREDIT + "/approve", approve_credit, "billing:approve", CreditView, errors=_ERRORS, tag="billing",
    ),
    Route(
        "POST", _CREDIT + "/decline", decline_credit, "billing:approve", CreditView, errors=_ERRORS, tag="billing",
    ),
    Route("GET", "/bill-credits", list_credits, "billing:read", Page[CreditView], query=PageQuery, tag="billing"),
    Route(
        "POST", "/bill-payments", pay, "bills:pay", BillPaymentView,
        request=NewBillPayment, errors=_ERRORS, status=201, idempotency="payment_id", tag="billing",
    ),
    Route(
        "GET", "/bill-payments", list_payments, "billing:read", Page[BillPaymentView],
        query=PaymentsQuery, tag="billing",
    ),
    Route(
        "POST", "/customers/{customer}/bill-debts", to_debt, "debts:write", DebtView,
        request=BillDebt, errors=_ERRORS, status=201, tag="billing",
    ),
    *run_routes.ROUTES,
    *calendar_routes.ROUTES,
]  # fmt: skip
