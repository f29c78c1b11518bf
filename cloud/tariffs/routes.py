"""The API of tariffs."""

from typing import Literal

from cloud.api.fields import Body, Currency, MoneyMinor, Name, Page, PageQuery, UtilityId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound
from cloud.rows import page
from cloud.tariffs import service
from cloud.tariffs.models import Tariff


class NewTariff(Body):
    """A tariff to be made: one price for every cubic metre, in minor units of the currency."""

    utility_id: UtilityId
    name: Name
    commodity: Literal["water"]
    currency: Currency
    price_minor_per_m3: MoneyMinor


class TariffView(View):
    """A tariff."""

    id: int
    utility_id: int
    name: str
    commodity: str
    currency: str
    price_minor_per_m3: int
    created_at: int


async def add(call: Call[NewTariff, None]) -> TariffView:
    """Make a tariff; it never changes afterwards."""
    async with call.begin() as session:
        tariff = await service.add(session, call.actor, Tariff(**call.body.model_dump(), created_at=call.now))
        return TariffView.model_validate(tariff)


async def listed(call: Call[None, PageQuery]) -> Page[TariffView]:
    """List tariffs."""
    async with call.read() as session:
        return page(await service.listed(session, call.actor, call.query), TariffView, call.query)


ROUTES = [
    Route(
        "POST", "/tariffs", add, "tariffs:write", TariffView,
        request=NewTariff, errors=(Conflict, NotFound), status=201, tag="tariffs",
    ),
    Route("GET", "/tariffs", listed, "tariffs:read", Page[TariffView], query=PageQuery, tag="tariffs"),
]  # fmt: skip
