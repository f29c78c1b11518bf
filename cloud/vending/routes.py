"""The API of vending keys and of sales."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from cloud.api.fields import Body, Currency, Drn, MoneyMinor, Page, PageQuery, Sgc, UtilityId, View, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.rows import page
from cloud.vending import key_service, service
from cloud.vending.models import Vend, VendingKey


class NewVendingKey(Body):
    """A vending key to be made; the key itself is random, made inside the key store, and never shown."""

    utility_id: UtilityId
    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    kt: Literal[1, 2] = 2
    base_year: Literal[1993, 2014, 2035] = 2014
    ea: Literal[11] = 11
    dkga: Literal[4] = 4
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
    """A purchase. The caller makes `purchase_id`, and repeats the request unchanged until it has an answer."""

    purchase_id: UUID
    drn: Drn
    volume_ml: VolumeMl
    tender: Tender
    delivery: Literal["keypad", "remote"] = "keypad"


class Line(View):
    """A line of a receipt."""

    kind: Literal["water", "change"]
    volume_ml: int
    price_minor_per_m3: int
    amount_minor: int


class VendView(View):
    """A sale without its token; `state` is vended until the meter's ledger shows the credit, then explained."""

    id: int
    purchase_id: UUID
    drn: str
    tid: int
    volume_ml: int
    amount_minor: int
    change_minor: int
    currency: str
    tender_kind: str
    tender_minor: int
    delivery: str
    state: str
    created_at: int


class Receipt(VendView):
    """A sale with every line; `token` is null for a caller who may not sell."""

    token: str | None
    lines: list[Line]


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
    """Sell a token; the same request with the same purchase id gives the same token and sells once."""
    async with call.begin() as session:
        sale = await service.vend(session, call.key_store, call.actor, _order(call.body), call.now)
        return _receipt(sale.vend, sale.meter.drn, sale.digits)


async def list_vends(call: Call[None, PageQuery]) -> Page[VendView]:
    """List sales, without their tokens."""
    async with call.read() as session:
        rows = await service.listed(session, call.actor, call.query)
        drns = await service.drns(session, rows)
    shown = [_view(row, drns[row.meter_id]) for row in rows[: call.query.limit]]
    return Page[VendView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def one_vend(call: Call[None, None]) -> Receipt:
    """Show a sale; for who may sell, with its token, which is audited as a reprint."""
    async with call.begin() as session:
        row = await service.vend_of(session, call.actor, str(call.path["purchase_id"]))
        if "vend" in call.actor.scopes:
            sale = await service.reprint(session, call.key_store, call.actor, row, call.now)
            return _receipt(row, sale.meter.drn, sale.digits)
        return _receipt(row, (await service.drns(session, [row]))[row.meter_id], None)


def _order(body: NewVend) -> service.Order:
    return service.Order(
        purchase_id=str(body.purchase_id),
        drn=body.drn,
        volume_ml=body.volume_ml,
        tender_kind=body.tender.kind,
        tender_minor=body.tender.amount_minor,
        currency=body.tender.currency,
        delivery=body.delivery,
    )


def _view(row: Vend, drn: str) -> VendView:
    return VendView.model_validate({**_columns(row), "drn": drn})


def _receipt(row: Vend, drn: str, digits: str | None) -> Receipt:
    water = Line(
        kind="water",
        volume_ml=row.volume_ml,
        price_minor_per_m3=row.price_minor_per_m3,
        amount_minor=row.amount_minor,
    )
    change = Line(kind="change", volume_ml=0, price_minor_per_m3=0, amount_minor=row.change_minor)
    lines = [water, change] if row.change_minor else [water]
    return Receipt.model_validate({**_columns(row), "drn": drn, "token": digits, "lines": lines})


def _columns(row: Vend) -> dict[str, object]:
    return {name: getattr(row, name) for name in VendView.model_fields if name != "drn"}


ROUTES = [
    Route(
        "POST",
        "/vending-keys",
        add_key,
        "vending-keys:write",
        VendingKeyView,
        request=NewVendingKey,
        errors=(Conflict, NotFound, Unavailable),
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
]
