"""The API of what a sale would be, and of the receipt that a printer takes."""

from typing import Literal, Self

from pydantic import model_validator

from cloud.api.fields import Body, Currency, Drn, MoneyMinor, View, VolumeMl
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused, Unavailable
from cloud.meters import service as meters
from cloud.vending import pricing, service
from cloud.vending.purchase import Wanted, plan
from cloud.vending.quotation import Quotation, quotation
from cloud.vending.receipt_text import text
from cloud.vending.receipts import receipt


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


class ReceiptText(View):
    """A receipt as lines of text, with the digits of its tokens."""

    text: str


async def trial(call: Call[Trial, None]) -> Quotation:
    """Say what a purchase would come to for a meter now, by the same rules as a sale."""
    body = call.body
    async with call.read() as session:
        meter = await meters.meter_of(session, call.actor, body.drn)
        found = await pricing.buyer(session, meter, body.currency, call.now, lock=False)
        planned = plan(Wanted(body.volume_ml, body.money_minor, body.change == "account"), found.standing)
        split = await pricing.device_split(session, found, planned.quote.volume_ml)
    return quotation(found.tariff, found.version, found.standing, planned, split)


async def printed(call: Call[None, None]) -> ReceiptText:
    """Give a receipt as text, which is audited as a reprint."""
    async with call.begin() as session:
        rows = await service.purchase_of(session, call.actor, str(call.path["purchase_id"]))
        sale = await service.reprint(session, call.key_store, call.actor, rows, call.now)
    return ReceiptText(text=text(receipt(sale)))


ROUTES = [
    Route(
        "POST", "/trial-vends", trial, "vend", Quotation,
        request=Trial, errors=(NotFound, Refused), tag="vending",
    ),
    Route(
        "GET", "/vends/{purchase_id}/receipt", printed, "vend", ReceiptText,
        errors=(NotFound, Unavailable), tag="vending",
    ),
]  # fmt: skip
