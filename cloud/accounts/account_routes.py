"""The API of accounts and places: opening in one step, and who lived where with which meter."""

from typing import Literal

from pydantic import Field, model_validator

from cloud.accounts import listing, opening, places
from cloud.accounts.fields import Contacts, Language, NewPointBody
from cloud.accounts.models import Account
from cloud.accounts.opening import Billing, NewCustomer, NewPoint, Opening
from cloud.api.fields import Body, Drn, GatewayId, Name, Page, PageQuery, RowId, Sgc, UtilityId, View
from cloud.api.route import Call, Route
from cloud.commands.models import Command, CommandRequest
from cloud.errors import Conflict, Forbidden, NotFound, Refused, Unavailable
from cloud.keys import COMMANDS_WAITING
from cloud.meters.service import NewMeterOrder, drns, mode_of
from cloud.rows import page

_PULSE_VOLUME_ML_MAX = 0xFFFFFFFF
_REGISTER_ML_MAX = (1 << 48) - 1


class CustomerBody(Body):
    """A customer: one who is there by `id`, or a new one with name, language and contacts in the order to try them."""

    id: RowId | None = None
    name: Name | None = None
    language: Language = "en"
    contacts: Contacts = Field([])

    @model_validator(mode="after")
    def _there_or_new(self) -> "CustomerBody":
        if (self.id is None) == (self.name is None) or (self.id is not None and self.contacts):
            raise ValueError("give the id of a customer, or the name of a new one with contacts")
        return self


class PointBody(Body):
    """A place: one that is there by `id`, or a new one."""

    id: RowId | None = None
    new: NewPointBody | None = None

    @model_validator(mode="after")
    def _there_or_new(self) -> "PointBody":
        if (self.id is None) == (self.new is None):
            raise ValueError("give the id of a service point, or a new one")
        return self


class NewMeterBody(Body):
    """A meter to be made on a channel of a gateway; commodity and class are those of the account."""

    gateway_id: GatewayId
    channel: int = Field(ge=0, le=7)
    drn: Drn
    pulse_volume_ml: int = Field(ge=1, le=_PULSE_VOLUME_ML_MAX)
    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    kt: Literal[1, 2] = 2
    ti: int = Field(ge=0, le=99)
    opening_register_ml: int = Field(0, ge=0, le=_REGISTER_ML_MAX)
    account: Literal["unit", "currency"] = "unit"
    bypass: bool = False


class MeterBody(Body):
    """A meter: one that is there by its number, or a new one. Neither: the one that stays at the place."""

    drn: Drn | None = None
    new: NewMeterBody | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "MeterBody":
        if self.drn is not None and self.new is not None:
            raise ValueError("give the number of a meter, or a new one")
        return self


class BillingBody(Body):
    """How the account is charged; the group chooses the meter's policy, and with it allowance and protection hours."""

    payment: Literal["prepayment", "credit"] = "prepayment"
    meter_group: int = Field(0, ge=0, le=0xFFFF)
    critical_need: bool = False
    persons: int | None = Field(None, ge=1, le=999)


class NewAccount(Body):
    """An account to be opened, with all that belongs to it; all of it is made, or nothing."""

    utility_id: UtilityId
    customer: CustomerBody
    service_point: PointBody
    meter: MeterBody = MeterBody()
    tariff_id: RowId
    billing: BillingBody = BillingBody()


class AccountView(View):
    """A customer at a place, from `opened_at` to `closed_at`. Registers are what the meter counted then."""

    id: int
    utility_id: int
    customer_id: int
    service_point_id: int
    state: Literal["active", "closed"]
    persons: int | None
    opened_at: int
    opening_register_ml: int | None
    closed_at: int | None
    final_register_ml: int | None
    final_balance: int | None


class OpenedView(AccountView):
    """An account that was opened. `command_id`, or `request_id` where two must want it: what its meter is told."""

    drn: str
    tariff_id: int
    command_id: int | None
    request_id: int | None


class StayView(View):
    """A meter at a place."""

    drn: str
    from_at: int
    opening_register_ml: int | None
    to_at: int | None
    final_register_ml: int | None


class PointView(View):
    """A place that is supplied."""

    id: int
    utility_id: int
    place: str
    address: str | None
    latitude_e6: int | None
    longitude_e6: int | None
    commodity: str
    created_at: int


class PointDetail(PointView):
    """A place with everyone who lived there and every meter that stayed there, oldest first."""

    accounts: list[AccountView]
    meters: list[StayView]


async def open_account(call: Call[NewAccount, None]) -> OpenedView:
    """Open an account in one step: customer, place, meter, tariff class, billing, contacts and language, or nothing."""
    async with call.begin() as session:
        wanted = await _wanted(call, await listing.commodity_of(session, call.actor, call.body.tariff_id))
        made = await opening.open_account(session, call.key_store, call.actor, wanted, call.now)
        order = made.order
        view = OpenedView(
            **AccountView.model_validate(made.account).model_dump(),
            drn=made.meter.drn,
            tariff_id=made.meter.tariff_id,
            command_id=order.id if isinstance(order, Command) else None,
            request_id=order.id if isinstance(order, CommandRequest) else None,
        )
    call.app[COMMANDS_WAITING].set()
    return view


async def _wanted(call: Call[NewAccount, None], commodity: str) -> Opening:
    body = call.body
    billing = Billing(**body.billing.model_dump())
    customer, point = body.customer, body.service_point
    new = NewCustomer(customer.name or "", customer.language, [one.way() for one in customer.contacts])
    meter = body.meter.drn if body.meter.new is None else _new_meter(body, body.meter.new, commodity)
    return Opening(
        utility_id=body.utility_id,
        customer=new if customer.id is None else customer.id,
        point=NewPoint(**point.new.model_dump()) if point.new is not None else point.id or 0,
        meter=meter,
        tariff_id=body.tariff_id,
        billing=billing,
    )


def _new_meter(body: NewAccount, meter: NewMeterBody, commodity: str) -> NewMeterOrder:
    billing = body.billing
    mode = mode_of(billing.payment, meter.account, bulk=False, critical_need=billing.critical_need, bypass=meter.bypass)
    return NewMeterOrder(
        **meter.model_dump(exclude={"account", "bypass"}),
        commodity=commodity,
        customer_id=None,
        tariff_id=body.tariff_id,
        mode=mode,
        meter_group=billing.meter_group,
    )


class AccountQuery(PageQuery):
    """Whose accounts, or all."""

    customer_id: RowId | None = None


async def accounts(call: Call[None, AccountQuery]) -> Page[AccountView]:
    """List accounts."""
    async with call.read() as session:
        rows = await listing.accounts(session, call.actor, call.query.customer_id, call.query)
        return page(rows, AccountView, call.query)


async def one_account(call: Call[None, None]) -> AccountView:
    """Show an account."""
    async with call.read() as session:
        row: Account = await listing.account(session, call.actor, call.path["account"])
        return AccountView.model_validate(row)


async def points(call: Call[None, PageQuery]) -> Page[PointView]:
    """List service points."""
    async with call.read() as session:
        return page(await listing.points(session, call.actor, call.query), PointView, call.query)


async def one_point(call: Call[None, None]) -> PointDetail:
    """Show a service point with who lived there and which meters stayed there."""
    async with call.read() as session:
        found = await listing.history(session, call.actor, call.path["service_point"])
        return PointDetail(
            **PointView.model_validate(found.point).model_dump(),
            accounts=[AccountView.model_validate(row) for row in found.accounts],
            meters=[StayView(drn=drn, **_ends(row)) for row, drn in found.stays],
        )


async def remove_meter(call: Call[None, None]) -> StayView:
    """Take the meter away from a service point where nobody has an account."""
    async with call.begin() as session:
        stay = await places.remove(session, call.actor, call.path["service_point"], call.now)
        return StayView(drn=(await drns(session, {stay.meter_id}))[stay.meter_id], **_ends(stay))


def _ends(row: object) -> dict[str, int | None]:
    names = ("from_at", "opening_register_ml", "to_at", "final_register_ml")
    return {name: getattr(row, name) for name in names}


ROUTES = [
    Route(
        "POST", "/accounts", open_account, "accounts:write", OpenedView,
        request=NewAccount, errors=(Conflict, Forbidden, NotFound, Refused, Unavailable), status=201, tag="accounts",
    ),
    Route("GET", "/accounts", accounts, "accounts:read", Page[AccountView], query=AccountQuery, tag="accounts",
          errors=(NotFound,)),
    Route("GET", "/accounts/{account}", one_account, "accounts:read", AccountView, errors=(NotFound,), tag="accounts"),
    Route("GET", "/service-points", points, "accounts:read", Page[PointView], query=PageQuery, tag="accounts"),
    Route(
        "DELETE", "/service-points/{service_point}/meter", remove_meter, "accounts:write", StayView,
        errors=(Conflict, NotFound), tag="accounts",
    ),
    Route(
        "GET", "/service-points/{service_point}", one_point, "accounts:read", PointDetail,
        errors=(NotFound,), tag="accounts",
    ),
]  # fmt: skip
