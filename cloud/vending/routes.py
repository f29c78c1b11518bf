"""The API of vending keys and of sales."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from cloud.api.fields import Body, Currency, Drn, MoneyMinor, Page, PageQuery, Sgc, UtilityId, View, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.keys import CONFIG
from cloud.meters import service as meters
from cloud.rows import page
from cloud.vending import (
    account_routes,
    debt_routes,
    hold_routes,
    key_change_routes,
    key_service,
    lookup_routes,
    receipt_routes,
    report_routes,
    service,
    token_request_routes,
    trial_routes,
    void_routes,
)
from cloud.vending.models import VendingKey
from cloud.vending.receipts import Receipt, VendView, receipt, vend_view
from cloud.vending.reprints import reprinted


class NewVendingKey(Body):
    """A vending key to be made; the key itself is random, made inside the key store, and never shown."""

    utility_id: UtilityId
    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    kt: int = Field(2, ge=0, le=3)
    base_year: Literal[1993, 2014, 2035] = 2014
    ea: Literal[7, 11] = 11
    dkga: Literal[2, 4] = 4
    ken: int = Field(255, ge=0, le=255)


class VendingKeyView(View):
    """What may be known of a vending key."""

    id: int
    utility_id: int
    sgc: str
    krn: int
    kt: int
    base_year: int
    ea: int
    dkga: int
    ken: int
    check_value: str
    created_at: int


class Tender(Body):
    """What the customer pays with."""

    kind: Literal["cash", "card", "mobile_money", "bank_transfer", "voucher"]
    amount_minor: MoneyMinor
    currency: Currency


class NewVend(Body):
    """A purchase. The caller makes `purchase_id`, and repeats the request unchanged until it has an answer.

    Without `volume_ml` the money buys as much as it can, together with what is on the customer's account.
    `change` says what becomes of money tendered beyond the price of the volume asked for: it goes back to the payer
    (return), or stays on the customer's account. What rounding the volume down leaves always stays there. With
    `release` on_confirm the purchase is held: it is sold, but its tokens are given out when it is confirmed.
    """

    purchase_id: UUID
    drn: Drn
    volume_ml: VolumeMl | None = None
    tender: Tender
    delivery: Literal["keypad", "remote"] = "keypad"
    change: Literal["return", "account"] = "return"
    release: Literal["now", "on_confirm"] = "now"


async def add_key(call: Call[NewVendingKey, None]) -> VendingKeyView:
    """Make a vending key inside the key store."""
    async with call.begin() as session:
        row = VendingKey(**call.body.model_dump(), created_at=call.now)
        return VendingKeyView.model_validate(await key_service.add(session, call.key_store, call.actor, row))


async def list_keys(call: Call[None, PageQuery]) -> Page[VendingKeyView]:
    """List vending keys, without the keys."""
    async with call.read() as session:
        return page(await key_service.listed(session, call.actor, call.query), VendingKeyView, call.query)


async def vend(call: Call[NewVend, None]) -> Receipt:
    """Sell tokens; the same request with the same purchase id gives the same tokens and sells once."""
    order = _order(call.body, call.app[CONFIG].hold_s)
    async with call.begin() as session:
        return receipt(await service.vend(session, call.key_store, call.actor, order, call.now))


async def list_vends(call: Call[None, PageQuery]) -> Page[VendView]:
    """List sales token by token, without the digits."""
    async with call.read() as session:
        rows = await service.listed(session, call.actor, call.query)
        drns = await meters.drns(session, {row.meter_id for row in rows})
    shown = [vend_view(row, drns[row.meter_id]) for row in rows[: call.query.limit]]
    return Page[VendView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def one_vend(call: Call[None, None]) -> Receipt:
    """Show a sale; for who may sell, with its tokens, which is audited as a reprint."""
    async with call.begin() as session:
        rows = await service.purchase_of(session, call.actor, str(call.path["purchase_id"]))
        if "vend" in call.actor.scopes:
            return receipt(await reprinted(session, call.key_store, call.actor, rows, "json", call.now))
        return receipt(await service.without_tokens(session, rows), with_digits=False)


def _order(body: NewVend, hold_s: int) -> service.Order:
    return service.Order(
        purchase_id=str(body.purchase_id),
        drn=body.drn,
        volume_ml=body.volume_ml,
        tender_kind=body.tender.kind,
        tender_minor=body.tender.amount_minor,
        currency=body.tender.currency,
        delivery=body.delivery,
        change=body.change,
        hold_s=hold_s if body.release == "on_confirm" else 0,
    )


ROUTES = [
    Route(
        "POST",
        "/vending-keys",
        add_key,
        "vending-keys:write",
        VendingKeyView,
        request=NewVendingKey,
        errors=(Conflict, NotFound, Refused, Unavailable),
        status=201,
        tag="vending",
    ),
    Route(
        "GET",
        "/vending-keys",
        list_keys,
        "vending-keys:read",
        Page[VendingKeyView],
        query=PageQuery,
        tag="vending",
    ),
    Route(
        "POST",
        "/vends",
        vend,
        "vend",
        Receipt,
        request=NewVend,
        errors=(Conflict, NotFound, Refused, Unavailable),
        status=201,
        idempotency="purchase_id",
        tells_outcome=True,
        tag="vending",
    ),
    Route("GET", "/vends", list_vends, "vends:read", Page[VendView], query=PageQuery, tag="vending"),
    Route(
        "GET",
        "/vends/{purchase_id}",
        one_vend,
        "vends:read",
        Receipt,
        errors=(NotFound, Unavailable),
        tag="vending",
    ),
    *account_routes.ROUTES,
    *debt_routes.ROUTES,
    *hold_routes.ROUTES,
    *key_change_routes.ROUTES,
    *lookup_routes.ROUTES,
    *receipt_routes.ROUTES,
    *report_routes.ROUTES,
    *token_request_routes.ROUTES,
    *trial_routes.ROUTES,
    *void_routes.ROUTES,
]
