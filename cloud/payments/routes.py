"""The API of payments: what came in, what waits for a person, and asking a phone to pay."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, Drn, Page, PageQuery, Phone, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused, Unavailable
from cloud.keys import CHANNELS, CONFIG
from cloud.payments import push, queue, stages, statement_routes, voucher_routes
from cloud.payments.models import Payment
from cloud.payments.providers.interface import ProviderDown
from cloud.rows import page

Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
State = Literal["received", "verified", "vended", "used", "listed", "refunding", "refunded", "disputed", "void"]


class PaymentQuery(PageQuery):
    """Which payments; `waiting` are those that need a person: listed, refunding or disputed; `stuck` are those that
    are not sold for in time, and `double` those that look like a double of one before.
    """

    state: Literal[State, "waiting", "stuck", "double"] | None = None


class PaymentView(View):
    """A payment: what was told, where it stands, why, and the times of its stages.

    `used_for` is what it went to instead of tokens, such as `account:7`; `double_of` is the payment that it repeats.
    """

    id: int
    utility_id: int
    channel: str
    provider: str
    reference: str
    tender_kind: str
    amount_minor: int
    reversed_minor: int
    currency: str
    account_reference: str
    state: State
    code: str | None
    reason: str | None
    drn: str | None
    purchase_id: str | None
    refund_reference: str | None
    paid_at: int
    received_at: int
    verified_at: int | None
    vended_at: int | None
    used_for: str | None
    used_at: int | None
    double_of: int | None
    alarmed_at: int | None
    refunded_at: int | None


class Stages(View):
    """The stages of one payment with their times; `stage` is the last that was reached, `stuck_s` above 0 an alarm."""

    payment: PaymentView
    stage: Literal["paid", "received", "verified", "vended", "delivered", "applied", "used", "refunded", "void"]
    delivered_at: int | None
    applied_at: int | None
    stuck_s: int


class Assignment(Body):
    """The meter that a payment is for."""

    drn: Drn


class Refund(Body):
    """The reference of the transfer that gives the money back, as the provider or the bank shows it."""

    reference: Text


class Closing(Body):
    """What was found out."""

    note: Text


class NewPush(Body):
    """A request to a phone to pay for a meter; whole shillings, in minor units."""

    channel: Text
    drn: Drn
    phone: Phone
    amount_minor: Annotated[int, Field(ge=100, le=10**15)]


class PushView(View):
    """Such a request; `reference` is that of the payment it led to."""

    id: int
    utility_id: int
    channel: str
    drn: str
    amount_minor: int
    currency: str
    state: Literal["asked", "sent", "failed", "ended", "paid"]
    reference: str | None
    requested_at: int
    ended_at: int | None


async def listed(call: Call[None, PaymentQuery]) -> Page[PaymentView]:
    """List payments; with state=waiting those that need a person."""
    async with call.read() as session:
        return page(await queue.listed(session, call.actor, call.query.state, call.query), PaymentView, call.query)


async def one(call: Call[None, None]) -> Stages:
    """Show a payment with its stages: paid, verified, vended, delivered, applied."""
    async with call.read() as session:
        payment = await queue.of_id(session, call.actor, call.path["payment"])
        found = await stages.of_payment(session, payment, call.now)
    return Stages(payment=_view(payment), **found)


async def assign(call: Call[Assignment, None]) -> PaymentView:
    """Say which meter a listed payment is for, and sell for it."""
    async with call.begin() as session:
        return _view(await queue.assign(session, call.actor, call.path["payment"], call.body.drn, call.now))


async def refund(call: Call[Refund, None]) -> PaymentView:
    """Return a listed payment; above the limit another person must approve."""
    limit = call.app[CONFIG].refund_limit_minor
    async with call.begin() as session:
        return _view(
            await queue.ask_refund(session, call.actor, call.path["payment"], call.body.reference, limit, call.now)
        )


async def approve(call: Call[None, None]) -> PaymentView:
    """Approve the return of a payment that another person asked for."""
    async with call.begin() as session:
        return _view(await queue.approve_refund(session, call.actor, call.path["payment"], call.now))


async def decline(call: Call[None, None]) -> PaymentView:
    """Put a payment that was to be returned back into the queue."""
    async with call.begin() as session:
        return _view(await queue.decline_refund(session, call.actor, call.path["payment"], call.now))


async def close(call: Call[Closing, None]) -> PaymentView:
    """Close the case of a payment that never came, or that was disputed."""
    async with call.begin() as session:
        return _view(await queue.close(session, call.actor, call.path["payment"], call.body.note, call.now))


async def ask_phone(call: Call[NewPush, None]) -> PushView:
    """Ask a phone to pay for a meter (STK push)."""
    wanted = push.Wanted(**call.body.model_dump())
    channel, mpesa = push.mpesa_channel(call.app[CHANNELS], call.actor, wanted.channel)
    async with call.begin() as session:
        push_id = (await push.begin(session, call.actor, channel, wanted, call.now)).id
    checkout_id, problem = None, ""
    try:
        checkout_id = await mpesa.daraja.push(push_id, wanted.drn, wanted.phone, push.shillings(wanted))
    except ProviderDown as error:
        problem = str(error)
    async with call.begin() as session:
        view = PushView.model_validate(await push.sent(session, push_id, checkout_id))
    if checkout_id is None:
        raise Unavailable("provider_down", f"The phone was not asked: {problem}.")
    return view


async def one_push(call: Call[None, None]) -> PushView:
    """Show a request to a phone, and what became of it."""
    async with call.read() as session:
        return PushView.model_validate(await push.of_id(session, call.actor, call.path["push_request"]))


def _view(payment: Payment) -> PaymentView:
    return PaymentView.model_validate(payment)


_CHANGES = (Conflict, NotFound, Refused)
ROUTES = [
    Route("GET", "/payments", listed, "payments:read", Page[PaymentView], query=PaymentQuery, tag="payments"),
    Route("GET", "/payments/{payment}", one, "payments:read", Stages, errors=(NotFound,), tag="payments"),
    Route(
        "POST", "/payments/{payment}/assign", assign, "payments:write", PaymentView,
        request=Assignment, errors=_CHANGES, tag="payments",
    ),
    Route(
        "POST", "/payments/{payment}/refund", refund, "payments:write", PaymentView,
        request=Refund, errors=(*_CHANGES, Forbidden), tag="payments",
    ),
    Route(
        "POST", "/payments/{payment}/refund/approve", approve, "payments:approve", PaymentView,
        errors=(*_CHANGES, Forbidden), tag="payments",
    ),
    Route(
        "POST", "/payments/{payment}/refund/decline", decline, "payments:write", PaymentView,
        errors=_CHANGES, tag="payments",
    ),
    Route(
        "POST", "/payments/{payment}/close", close, "payments:write", PaymentView,
        request=Closing, errors=_CHANGES, tag="payments",
    ),
    Route(
        "POST", "/push-requests", ask_phone, "payments:write", PushView,
        request=NewPush, errors=(*_CHANGES, Unavailable), status=201, keyless="the phone asks its owner each time",
        tag="payments",
    ),
    Route(
        "GET", "/push-requests/{push_request}", one_push, "payments:read", PushView,
        errors=(NotFound,), tag="payments",
    ),
    *statement_routes.ROUTES,
    *voucher_routes.ROUTES,
]  # fmt: skip
