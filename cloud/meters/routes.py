"""The API of utilities, gateways and meters."""

from typing import Literal

from pydantic import Field

from cloud.api.fields import (
    Body,
    Commodity,
    Currency,
    Drn,
    GatewayId,
    Key32Hex,
    Name,
    Page,
    PageQuery,
    RowId,
    Sgc,
    UtilityId,
    View,
)
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused, Unavailable
from cloud.meters import enrolment_routes, policy_routes, service, standing, support_routes
from cloud.meters.models import Utility
from cloud.rows import page
from shared import kinds
from shared.state import MeterState

_PULSE_VOLUME_ML_MAX = 0xFFFFFFFF
_REGISTER_ML_MAX = (1 << 48) - 1
_MODE_FIELDS = {"payment", "account", "bulk", "critical_need", "bypass"}


class NewUtility(Body):
    """A utility to be made; `floor_public` is the public half of a floor key made offline."""

    name: Name
    currency: Currency
    floor_public: Key32Hex | None = None


class UtilityView(View):
    """A utility, the public keys that its gateways check documents with, and its limit for one token."""

    id: int
    name: str
    currency: str
    command_public: str
    floor_public: str
    token_max_ml: int | None
    created_at: int

    @classmethod
    def of(cls, utility: Utility) -> "UtilityView":
        """Make the view of a row."""
        return cls(
            id=utility.id,
            name=utility.name,
            currency=utility.currency,
            command_public=utility.command_public.hex(),
            floor_public=utility.floor_public.hex(),
            token_max_ml=utility.token_max_ml,
            created_at=utility.created_at,
        )


class TokenLimit(Body):
    """The most that one token of a utility carries, in ml; null for what its policy lets a balance be."""

    token_max_ml: int | None = Field(ge=100_000, le=_REGISTER_ML_MAX)


class NewGateway(Body):
    """A gateway to be made."""

    utility_id: UtilityId
    name: Name


class GatewayView(View):
    """A gateway; epoch 0 says that no device has been enrolled yet."""

    id: int
    utility_id: int
    name: str
    epoch: int
    hardware_id: str | None
    board: str | None
    created_at: int


class NewMeter(Body):
    """A meter to be made; `opening_register_ml` is what its own register shows on the day. Electricity is in mWh.

    `account` currency: the balance is money, and the meter applies the tariff of its group. `bulk`: it has no account.
    """

    gateway_id: GatewayId
    channel: int = Field(ge=0, le=7)
    drn: Drn
    commodity: Commodity
    pulse_volume_ml: int = Field(ge=1, le=_PULSE_VOLUME_ML_MAX)
    customer_id: RowId | None = None
    tariff_id: RowId
    sgc: Sgc
    krn: int = Field(ge=1, le=9)
    kt: Literal[1, 2] = 2
    ti: int = Field(ge=0, le=99)
    opening_register_ml: int = Field(0, ge=0, le=_REGISTER_ML_MAX)
    payment: Literal["prepayment", "credit"] = "prepayment"
    account: Literal["unit", "currency"] = "unit"
    bulk: bool = False
    critical_need: bool = False
    bypass: bool = False
    meter_group: int = Field(0, ge=0, le=0xFFFF)


class MeterView(View):
    """A meter. `arrears` says what overdue bills limit supply to: none, trickle or disconnect.

    `account_id` is the open account that it supplies; one with `closed_at` is sold nothing any more.
    """

    id: int
    utility_id: int
    gateway_id: int
    channel: int
    drn: str
    commodity: str
    pulse_volume_ml: int
    customer_id: int | None
    account_id: int | None
    closed_at: int | None
    tariff_id: int
    vending_key_id: int
    ti: int
    payment: str
    account: str
    bulk: bool
    critical_need: bool
    bypass: bool
    arrears: str
    meter_group: int
    created_at: int


class VerdictView(View):
    """What was found about one ledger entry of the meter."""

    epoch: int
    sequence: int
    verdict: str
    reason: str
    at: int


class ValveView(View):
    """How a valve fares: motions that arrived, the time of the last in ms (a growing one calcifies), failures in a row.

    `exercised_day` and the reason and time of the last closure are as the meter's ledger says.
    """

    motions: int
    travel_ms: int
    failed_in_a_row: int
    exercised_day: int
    closed_because: str
    closed_at: int | None


class MeterDetail(MeterView):
    """A meter, what its ledger says (null before the first entry), and the last verdicts, newest first.

    Balances are in the unit of the account, which `balance_unit` names: ml, mwh, or money_100000 for 1/100000 of the
    currency. `balance_ml` is `balance` of an account of volume (mWh), and null of one of money.
    """

    balance: int | None
    balance_unit: Literal["ml", "mwh", "money_100000"]
    balance_ml: int | None
    register_ml: int | None
    emergency_credit: int | None
    reserved_credit: int | None
    accumulated_debt: int | None
    supply: str | None
    faults: list[str]
    valve: ValveView | None
    last_verdicts: list[VerdictView]


def _valve(state: MeterState | None) -> ValveView | None:
    if state is None:
        return None
    return ValveView(
        motions=state.motions,
        travel_ms=state.travel_ms,
        failed_in_a_row=state.failed_motions,
        exercised_day=state.exercised_day,
        closed_because=kinds.RULE_TEXTS[state.closure_rule] if state.closure_rule < len(kinds.RULE_TEXTS) else "",
        closed_at=state.closure_s or None,
    )


async def add_utility(call: Call[NewUtility, None]) -> UtilityView:
    """Make a utility with its signing keys and its first policy."""
    floor_public = bytes.fromhex(call.body.floor_public) if call.body.floor_public else None
    async with call.begin() as session:
        utility = await service.add_utility(
            session,
            call.key_store,
            call.actor,
            name=call.body.name,
            currency=call.body.currency,
            floor_public=floor_public,
            now=call.now,
        )
        return UtilityView.of(utility)


async def list_utilities(call: Call[None, PageQuery]) -> Page[UtilityView]:
    """List utilities."""
    async with call.read() as session:
        rows = await service.list_utilities(session, call.actor, call.query)
    shown = [UtilityView.of(row) for row in rows[: call.query.limit]]
    return Page[UtilityView](items=shown, next=shown[-1].id if len(rows) > len(shown) else None)


async def set_token_limit(call: Call[TokenLimit, None]) -> UtilityView:
    """Set the most that a utility sells in one token; larger sales are split."""
    async with call.begin() as session:
        limit = call.body.token_max_ml
        return UtilityView.of(await service.set_token_limit(session, call.actor, call.path["utility"], limit, call.now))


async def add_gateway(call: Call[NewGateway, None]) -> GatewayView:
    """Make a gateway."""
    async with call.begin() as session:
        gateway = await service.add_gateway(session, call.actor, call.body.utility_id, call.body.name, call.now)
        return GatewayView.model_validate(gateway)


async def list_gateways(call: Call[None, PageQuery]) -> Page[GatewayView]:
    """List gateways."""
    async with call.read() as session:
        return page(await service.list_gateways(session, call.actor, call.query), GatewayView, call.query)


async def one_gateway(call: Call[None, None]) -> GatewayView:
    """Show a gateway."""
    async with call.read() as session:
        return GatewayView.model_validate(await service.gateway_of(session, call.actor, call.path["gateway"]))


async def add_meter(call: Call[NewMeter, None]) -> MeterView:
    """Make a meter on a channel of a gateway."""
    body = call.body
    mode = service.mode_of(
        body.payment, body.account, bulk=body.bulk, critical_need=body.critical_need, bypass=body.bypass
    )
    order = service.NewMeterOrder(**body.model_dump(exclude=_MODE_FIELDS), mode=mode)
    async with call.begin() as session:
        meter = await service.add_meter(session, call.key_store, call.actor, order, call.now)
        return MeterView.model_validate(meter)


async def list_meters(call: Call[None, PageQuery]) -> Page[MeterView]:
    """List meters."""
    async with call.read() as session:
        return page(await service.list_meters(session, call.actor, call.query), MeterView, call.query)


async def one_meter(call: Call[None, None]) -> MeterDetail:
    """Show a meter with its balance as the ledger says."""
    async with call.read() as session:
        meter = await service.meter_of(session, call.actor, call.path["drn"])
        found = await standing.of(session, meter)
        money = meter.account == "currency"
        return MeterDetail(
            **MeterView.model_validate(meter).model_dump(),
            balance=found.balance,
            balance_unit="money_100000" if money else "mwh" if meter.commodity == "electricity" else "ml",
            balance_ml=None if money else found.balance,
            register_ml=found.register_ml,
            emergency_credit=found.pot(kinds.EMERGENCY_CREDIT),
            reserved_credit=found.pot(kinds.RESERVED_CREDIT),
            accumulated_debt=found.pot(kinds.ACCUMULATED_DEBT),
            supply=found.supply,
            faults=found.faults,
            valve=_valve(found.state),
            last_verdicts=[VerdictView.model_validate(verdict) for verdict in found.verdicts],
        )


ROUTES = [
    Route(
        "POST",
        "/utilities",
        add_utility,
        "utilities:write",
        UtilityView,
        request=NewUtility,
        errors=(Conflict, Forbidden, Unavailable),
        status=201,
        tag="utilities",
    ),
    Route("GET", "/utilities", list_utilities, "utilities:read", Page[UtilityView], query=PageQuery, tag="utilities"),
    Route(
        "PUT",
        "/utilities/{utility}/token-limit",
        set_token_limit,
        "tariffs:write",
        UtilityView,
        request=TokenLimit,
        errors=(Forbidden, NotFound),
        tag="utilities",
    ),
    Route(
        "POST",
        "/gateways",
        add_gateway,
        "meters:write",
        GatewayView,
        request=NewGateway,
        errors=(NotFound,),
        status=201,
        tag="gateways",
    ),
    Route("GET", "/gateways", list_gateways, "meters:read", Page[GatewayView], query=PageQuery, tag="gateways"),
    Route("GET", "/gateways/{gateway}", one_gateway, "meters:read", GatewayView, errors=(NotFound,), tag="gateways"),
    Route(
        "POST",
        "/meters",
        add_meter,
        "meters:write",
        MeterView,
        request=NewMeter,
        errors=(Conflict, NotFound, Refused, Unavailable),
        status=201,
        tag="meters",
    ),
    Route("GET", "/meters", list_meters, "meters:read", Page[MeterView], query=PageQuery, tag="meters"),
    Route("GET", "/meters/{drn}", one_meter, "meters:read", MeterDetail, errors=(NotFound,), tag="meters"),
    *enrolment_routes.ROUTES,
    *policy_routes.ROUTES,
    *support_routes.ROUTES,
]
