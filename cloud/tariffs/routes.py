"""The API of tariffs: those of sales, and those that meters apply themselves."""

from typing import Literal

from pydantic import Field

from cloud.api.fields import Body, Commodity, Currency, MoneyMinor, Name, Page, PageQuery, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, Unavailable
from cloud.rows import page
from cloud.tariffs import device, service, version_routes
from cloud.tariffs.models import DeviceTariff, Tariff
from shared.tariff import CONTINUE, PRORATE, RESET, decode_tariff

_U6_MAX = (1 << 48) - 1
_TIME_MAX = 0xFFFFFFFF
_COUNTERS = {"continue": CONTINUE, "reset": RESET, "prorate": PRORATE}


class NewTariff(Body):
    """A tariff to be made: a class of customers. With a price for every m3 (kWh), in minor units, it can be sold by at
    once; without one, its first version says what it costs when another person has approved that.
    """

    utility_id: UtilityId
    name: Name
    commodity: Commodity
    currency: Currency
    price_minor_per_m3: MoneyMinor | None = None


class TariffView(View):
    """A tariff; `price_minor_per_m3` is the flat price that it began with, if it did."""

    id: int
    utility_id: int
    name: str
    commodity: str
    currency: str
    price_minor_per_m3: int | None
    created_at: int


class Block(Body):
    """A step of the month's consumption up to `limit_ml`, null for the rest, at a price per m3 in 1/100000."""

    limit_ml: int | None = Field(ge=1, le=_U6_MAX)
    price_per_m3: int = Field(ge=0, le=_U6_MAX)


class NewDeviceTariff(Body):
    """A tariff that meters apply themselves; money in 1/100000 of the currency. `counters` says what becomes of the
    month's consumption on the day it comes into force.
    """

    utility_id: UtilityId
    meter_group: int = Field(ge=0, le=0xFFFF)
    effective_from_s: int = Field(ge=1, le=_TIME_MAX)
    counters: Literal["continue", "reset", "prorate"] = "continue"
    fixed_charge_per_month: int = Field(0, ge=0, le=_U6_MAX)
    fixed_days_max: int = Field(31, ge=0, le=255)
    blocks: list[Block] = Field(min_length=1, max_length=8)


class DeviceTariffView(View):
    """Such a tariff; `document` is what is signed, in hex."""

    id: int
    utility_id: int
    meter_group: int
    version: int
    effective_from_s: int
    check_value: int
    counters: str
    fixed_charge_per_month: int
    fixed_days_max: int
    blocks: list[Block]
    document: str
    signature: str
    created_at: int

    @classmethod
    def of(cls, row: DeviceTariff) -> "DeviceTariffView":
        """Make the view of a row."""
        tariff = decode_tariff(row.document)
        steps = zip(tariff.limits, tariff.prices, strict=True)
        return cls(
            id=row.id,
            utility_id=row.utility_id,
            meter_group=row.meter_group,
            version=row.version,
            effective_from_s=row.effective_from_s,
            check_value=row.check_value,
            counters=next(name for name, number in _COUNTERS.items() if number == tariff.counters),
            fixed_charge_per_month=tariff.fixed_month,
            fixed_days_max=tariff.fixed_days_max,
            blocks=[Block(limit_ml=limit or None, price_per_m3=price) for limit, price in steps],
            document=row.document.hex(),
            signature=row.signature.hex(),
            created_at=row.created_at,
        )


async def add(call: Call[NewTariff, None]) -> TariffView:
    """Make a tariff: a class of customers, with one price at first or without."""
    async with call.begin() as session:
        tariff = await service.add(session, call.actor, Tariff(**call.body.model_dump(), created_at=call.now))
        return TariffView.model_validate(tariff)


async def listed(call: Call[None, PageQuery]) -> Page[TariffView]:
    """List tariffs."""
    async with call.read() as session:
        return page(await service.listed(session, call.actor, call.query), TariffView, call.query)


async def add_for_devices(call: Call[NewDeviceTariff, None]) -> DeviceTariffView:
    """Sign the next tariff that meters with money in their account apply themselves."""
    body = call.body
    order = device.Order(
        utility_id=body.utility_id,
        meter_group=body.meter_group,
        effective_from_s=body.effective_from_s,
        counters=_COUNTERS[body.counters],
        fixed_month=body.fixed_charge_per_month,
        fixed_days_max=body.fixed_days_max,
        blocks=[(block.limit_ml or 0, block.price_per_m3) for block in body.blocks],
    )
    async with call.begin() as session:
        return DeviceTariffView.of(await device.add(session, call.key_store, call.actor, order, call.now))


async def listed_for_devices(call: Call[None, PageQuery]) -> Page[DeviceTariffView]:
    """List the tariffs that meters apply themselves."""
    async with call.read() as session:
        rows = await device.listed(session, call.actor, call.query)
    shown = rows[: call.query.limit]
    following = shown[-1].id if len(rows) > len(shown) else None
    return Page[DeviceTariffView](items=[DeviceTariffView.of(row) for row in shown], next=following)


ROUTES = [
    Route(
        "POST", "/tariffs", add, "tariffs:write", TariffView,
        request=NewTariff, errors=(Conflict, NotFound), status=201, tag="tariffs",
    ),
    Route(
        "POST", "/device-tariffs", add_for_devices, "policies:write", DeviceTariffView,
        request=NewDeviceTariff, errors=(Conflict, NotFound, Refused, Unavailable), status=201, tag="tariffs",
    ),
    Route(
        "GET", "/device-tariffs", listed_for_devices, "policies:read", Page[DeviceTariffView],
        query=PageQuery, tag="tariffs",
    ),
    Route("GET", "/tariffs", listed, "tariffs:read", Page[TariffView], query=PageQuery, tag="tariffs"),
    *version_routes.ROUTES,
]  # fmt: skip
