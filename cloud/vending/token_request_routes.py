"""The API of tokens that nobody pays for, and of what a second person decides on."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import Body, Drn, MoneyMinor, Page, PageQuery, View, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.keys import CONFIG
from cloud.meters import service as meters
from cloud.rows import page
from cloud.tariffs.models import Tariff
from cloud.vending import service, token_requests
from cloud.vending.models import Purchase
from cloud.vending.order import FREE, Order
from cloud.vending.receipts import Receipt, receipt
from cloud.vending.token_request_models import TokenRequest


class NewFreeTokens(Body):
    """Tokens that nobody pays for, and why: `volume_ml`, or `amount_minor` for a meter that holds money.

    The caller makes `purchase_id`, and repeats the request unchanged: while another person must decide it is the
    request, and afterwards the receipt with the tokens.
    """

    purchase_id: UUID
    drn: Drn
    volume_ml: VolumeMl | None = None
    amount_minor: MoneyMinor = 0
    reason: str = Field(min_length=1, max_length=300)
    delivery: Literal["keypad", "remote"] = "keypad"

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.volume_ml is None) == (self.amount_minor == 0):
            raise ValueError("give volume_ml, or amount_minor for a meter that holds money")
        return self


class FreeTokens(View):
    """`given` with a receipt, or `waiting` with the request that another person decides on."""

    state: Literal["given", "waiting"]
    request_id: int | None = None
    receipt: Receipt | None = None


class TokenRequestView(View):
    """What was asked for: `free` tokens, or a `void` of one part; `state` is waiting, approved or declined."""

    id: int
    utility_id: int
    kind: Literal["free", "void"]
    purchase_id: UUID
    part: int
    drn: str
    delivery: str
    volume_ml: int | None
    amount_minor: int
    reason: str
    state: Literal["waiting", "approved", "declined"]
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None


class TokenRequestsQuery(PageQuery):
    """Which requests are asked for."""

    state: Literal["waiting", "approved", "declined"] | None = None


async def give(call: Call[NewFreeTokens, None]) -> FreeTokens:
    """Give tokens that nobody pays for, or ask for another person's approval."""
    config = call.app[CONFIG]
    async with call.begin() as session:
        order = await _order(session, call)
        known = await session.get(Purchase, order.purchase_id)
        below = (order.volume_ml or 0) <= config.free_token_limit_ml
        if known is not None or (below and order.given_minor <= config.free_token_limit_minor):
            sale = await service.vend(session, call.key_store, call.actor, order, call.now)
            return FreeTokens(state="given", receipt=receipt(sale))
        meter = await meters.meter_of(session, call.actor, order.drn)
        asked = await token_requests.ask(session, call.actor, meter, token_requests.gift(order), call.now)
        return FreeTokens(state="waiting", request_id=asked.id)


async def _order(session: AsyncSession, call: Call[NewFreeTokens, None]) -> Order:
    body = call.body
    meter = await meters.meter_of(session, call.actor, body.drn)
    if (body.volume_ml is None) != (meter.account == "currency"):
        holds = "money: say amount_minor" if meter.account == "currency" else "volume: say volume_ml"
        raise Refused("account_currency", f"Meter {meter.drn} holds {holds}.")
    currency = (await session.scalars(select(Tariff.currency).where(Tariff.id == meter.tariff_id))).one()
    return Order(
        purchase_id=str(body.purchase_id),
        drn=body.drn,
        volume_ml=body.volume_ml,
        tender_kind=FREE,
        tender_minor=0,
        currency=currency,
        delivery=body.delivery,
        reason=body.reason,
        given_minor=body.amount_minor,
    )


async def approve(call: Call[None, None]) -> TokenRequestView:
    """Approve what another person asked for; the tokens are made now, and shown to who may sell or void."""
    async with call.begin() as session:
        request_id = call.path["token_request"]
        row = await token_requests.approve(session, call.key_store, call.actor, request_id, call.now)
        return _view(row)


async def decline(call: Call[None, None]) -> TokenRequestView:
    """Decline what another person asked for."""
    async with call.begin() as session:
        return _view(await token_requests.decline(session, call.actor, call.path["token_request"], call.now))


async def listed(call: Call[None, TokenRequestsQuery]) -> Page[TokenRequestView]:
    """List what was asked for and decided."""
    async with call.read() as session:
        rows = await token_requests.listed(session, call.actor, call.query.state, call.query)
    return page(rows, TokenRequestView, call.query)


def _view(row: TokenRequest) -> TokenRequestView:
    return TokenRequestView.model_validate(row)


ROUTES = [
    Route(
        "POST", "/free-tokens", give, "free-tokens:write", FreeTokens,
        request=NewFreeTokens, errors=(Conflict, NotFound, Refused, Unavailable), status=201,
        idempotency="purchase_id", tells_outcome=True, tag="vending",
    ),
    Route(
        "POST", "/token-requests/{token_request}/approve", approve, "tokens:approve", TokenRequestView,
        errors=(Conflict, NotFound, Refused, Unavailable), tag="vending",
    ),
    Route(
        "POST", "/token-requests/{token_request}/decline", decline, "tokens:approve", TokenRequestView,
        errors=(Conflict, NotFound), tag="vending",
    ),
    Route(
        "GET", "/token-requests", listed, "token-requests:read", Page[TokenRequestView],
        query=TokenRequestsQuery, tag="vending",
    ),
]  # fmt: skip
