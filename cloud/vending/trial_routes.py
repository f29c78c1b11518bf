"""The API of what a sale would be."""

from typing import Literal, Self

from pydantic import model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import Body, Currency, Drn, MoneyMinor, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused
from cloud.meters import service as meters
from cloud.meters.models import Meter
from cloud.vending import money_plan, pricing
from cloud.vending.money_statement import money_statement
from cloud.vending.purchase import Wanted, plan
from cloud.vending.quotation import Quotation, of_money, quotation


class Trial(Body):
    """A purchase that is asked about: a volume, money, or both as a sale has them. Nothing is sold and nothing kept.

    Without money the answer says how much the volume needs.
    """

    drn: Drn
    currency: Currency
    volume_ml: VolumeMl | None = None
    money_minor: MoneyMinor | None = None
    change: Literal["return", "account"] = "return"

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.volume_ml is None and self.money_minor is None:
            raise ValueError("give volume_ml, money_minor or both")
        return self


async def trial(call: Call[Trial, None]) -> Quotation:
    """Say what a purchase would come to for a meter now, by the same rules as a sale."""
    body = call.body
    async with call.read() as session:
        meter = await meters.meter_of(session, call.actor, body.drn)
        if meter.account == "currency":
            return await _of_money(session, meter, body, call.now)
        found = await pricing.buyer(session, meter, body.currency, call.now)
        planned = plan(Wanted(body.volume_ml, body.money_minor, body.change == "account"), found.standing)
        split = await pricing.device_split(session, found, planned.quote.volume_ml)
    return quotation(found.tariff, found.version, found.standing, planned, split)


async def _of_money(session: AsyncSession, meter: Meter, body: Trial, now: int) -> Quotation:
    found = await money_plan.buyer(session, meter, body.currency, now)
    planned = money_plan.plan(Wanted(body.volume_ml, body.money_minor, body.change == "account"), found)
    return of_money(found, planned, await money_statement(session, found, planned))


ROUTES = [
    Route(
        "POST", "/trial-vends", trial, "vend", Quotation,
        request=Trial, errors=(NotFound, Refused), tag="vending",
    ),
]  # fmt: skip
