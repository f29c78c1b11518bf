"""The API of what a cashier asks before and after a sale: the meter, and purchases by meter, payment or phone."""

from collections.abc import Sequence
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from cloud.api.fields import Body, Drn, Phone, Query, View
from cloud.api.route import Call, Route
from cloud.auth.actor import Actor
from cloud.errors import NotFound
from cloud.meters.models import Meter
from cloud.vending import lookup
from cloud.vending.lookup import Found, Offer
from cloud.vending.models import Vend
from cloud.vending.receipts import state_of
from cloud.vending.statement import PositionView
from cloud.vending.tokens import credit_unit


class LookupQuery(Query):
    """Which meter is asked about."""

    drn: Drn


class PurchaseView(View):
    """A purchase without its tokens; `GET /vends/{purchase_id}` shows them, which is audited as a reprint."""

    purchase_id: UUID
    drn: str
    created_at: int
    credit: int
    credit_unit: Literal["ml", "mwh", "money_100000"]
    amount_minor: int
    tender_minor: int
    tender_kind: str
    currency: str
    state: str

    @classmethod
    def of(cls, rows: Sequence[Vend], drn: str, unit: str) -> "PurchaseView":
        """Make the view of the parts of a purchase."""
        names = ("purchase_id", "created_at", "tender_minor", "tender_kind", "currency")
        sums = {"credit": sum(row.credit for row in rows), "amount_minor": sum(row.amount_minor for row in rows)}
        first = {name: getattr(rows[0], name) for name in names}
        return cls.model_validate({**first, **sums, "drn": drn, "credit_unit": unit, "state": state_of(rows)})


class DevicePosition(View):
    """Where a meter that holds money stands in its own tariff; prices in 1/100000 of the currency for 1 m3 (1 kWh)."""

    device_tariff_version: int | None
    block: int | None
    left_ml: int | None
    price_per_m3: int | None
    next_price_per_m3: int | None


class OfferView(View):
    """What the meter is sold now. `position` is where the month stands and what comes next; `account_balance_minor` and
    the debt are the customer's, null for a meter without one and for an agent's seller."""

    tariff_version: int
    position: PositionView | None
    device: DevicePosition | None
    account_balance_minor: int | None
    debt_owed_minor: int | None
    debt_percent: int | None


class Refusal(View):
    """Why nothing can be sold now, as the sale would say it."""

    code: str
    detail: str


class MeterFound(View):
    """A meter as a cashier needs it. Either `offer` says what it is sold, or `refusal` why it is not.

    The balance is as the ledger said last, in `balance_unit`, null before that. `changes_key`: the next purchase gives
    out sections of a key change, too. `customer_name` is null for an agent's seller.
    """

    drn: str
    utility_id: int
    commodity: str
    account: str
    payment: str
    customer_id: int | None
    customer_name: str | None
    tariff: str
    currency: str
    balance: int | None
    balance_unit: Literal["ml", "mwh", "money_100000"]
    supply: str | None
    changes_key: bool
    sellable: bool
    offer: OfferView | None
    refusal: Refusal | None
    purchases: list[PurchaseView]


class PurchaseSearch(Body):
    """What is known of a purchase: the reference of its payment, the customer's phone, or the meter; one of them."""

    reference: str | None = Field(None, min_length=1, max_length=100)
    phone: Phone | None = None
    drn: Drn | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(value is not None for value in (self.reference, self.phone, self.drn)) != 1:
            raise ValueError("give one of reference, phone and drn")
        return self


class PurchasesFound(View):
    """The newest purchases that fit, at most twenty."""

    purchases: list[PurchaseView]


async def meter(call: Call[None, LookupQuery]) -> MeterFound:
    """Show whose meter it is, what it pays, its last purchases, and whether a sale is possible."""
    async with call.read() as session:
        found = await lookup.of_meter(session, call.actor, call.query.drn, call.now)
    return _found(found, call.actor)


def _found(found: Found, actor: Actor) -> MeterFound:
    row, own = found.meter, actor.agent_id is None
    unit = credit_unit(row)
    return MeterFound(
        **{name: getattr(row, name) for name in ("drn", "utility_id", "commodity", "account", "payment")},
        customer_id=row.customer_id if own else None,
        customer_name=found.customer.name if found.customer is not None and own else None,
        tariff=found.tariff.name,
        currency=found.tariff.currency,
        balance=found.standing.balance,
        balance_unit=unit,
        supply=found.standing.supply,
        changes_key=found.changes_key,
        sellable=found.offer is not None,
        offer=_offer(found.offer, own=own) if found.offer is not None else None,
        refusal=Refusal(code=found.refusal.code, detail=found.refusal.message) if found.refusal else None,
        purchases=[PurchaseView.of(rows, row.drn, credit_unit(row, rows[0])) for rows in found.purchases],
    )


def _offer(offer: Offer, *, own: bool) -> OfferView:
    return OfferView(
        tariff_version=offer.tariff_version,
        position=PositionView.model_validate(offer.position) if offer.position is not None else None,
        device=DevicePosition.model_validate(offer.device) if offer.device is not None else None,
        account_balance_minor=offer.balance_minor if own else None,
        debt_owed_minor=offer.debt.owed_minor if own else None,
        debt_percent=offer.debt.percent if own else None,
    )


async def search(call: Call[PurchaseSearch, None]) -> PurchasesFound:
    """Find purchases by the reference of their payment, by the customer's phone, or by the meter."""
    body = call.body
    async with call.read() as session:
        if body.reference is not None:
            found = await lookup.by_reference(session, call.actor, body.reference)
        elif body.phone is not None:
            found = await lookup.by_phone(session, call.actor, body.phone)
        else:
            assert body.drn is not None, "one of the three is given"
            found = await lookup.by_drn(session, call.actor, body.drn)
        rows = {one: await session.get_one(Meter, one) for one in {parts[0].meter_id for parts in found}}
    shown = [(parts, rows[parts[0].meter_id]) for parts in found]
    return PurchasesFound(purchases=[PurchaseView.of(one, of.drn, credit_unit(of, one[0])) for one, of in shown])


ROUTES = [
    Route(
        "GET", "/meters/lookup", meter, "vend", MeterFound,
        query=LookupQuery, errors=(NotFound,), tag="vending",
    ),
    Route(
        "POST", "/vends/search", search, "vends:read", PurchasesFound,
        request=PurchaseSearch, errors=(NotFound,), tag="vending",
    ),
]  # fmt: skip
