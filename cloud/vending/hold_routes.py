"""The API of purchases in two phases: a purchase that is held is confirmed, or cancelled as if never sold."""

from pydantic import Field

from cloud.api.fields import Body
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused, Unavailable
from cloud.vending import releasing
from cloud.vending.receipts import Receipt, receipt


class Cancelling(Body):
    """Why a purchase is not wanted: e.g. the payment failed, or the printer did."""

    reason: str = Field(min_length=1, max_length=300)


async def confirm(call: Call[None, None]) -> Receipt:
    """Release the tokens of a held purchase and deliver them; the same again shows them again."""
    purchase_id = str(call.path["purchase_id"])
    async with call.begin() as session:
        return receipt(await releasing.confirm(session, call.key_store, call.actor, purchase_id, call.now))


async def cancel(call: Call[Cancelling, None]) -> Receipt:
    """Undo a held purchase whose tokens were never released; the money goes back to the payer."""
    purchase_id = str(call.path["purchase_id"])
    async with call.begin() as session:
        sale = await releasing.cancel(session, call.actor, purchase_id, call.body.reason, call.now)
        return receipt(sale, with_digits=False)


ROUTES = [
    Route(
        "POST", "/vends/{purchase_id}/confirm", confirm, "vend", Receipt,
        errors=(NotFound, Refused, Unavailable), idempotency="purchase_id", tag="vending",
    ),
    Route(
        "POST", "/vends/{purchase_id}/cancel", cancel, "vend", Receipt,
        request=Cancelling, errors=(NotFound, Refused), idempotency="purchase_id", tag="vending",
    ),
]  # fmt: skip
