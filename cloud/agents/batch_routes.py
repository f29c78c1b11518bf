"""The API of selling voucher batches to shops and agents, and of payments that an agent made."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from cloud.agents import batches
from cloud.agents.models import BatchSale
from cloud.api.fields import Body, MoneyMinor, Name, RowId, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused

Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class NewBatchSale(Body):
    """Who takes a batch over and what it pays, in the batch's currency; an agent pays from its float."""

    sold_to: Name
    paid_by: Literal["bank", "cash", "float"]
    agent_id: RowId | None = None
    price_minor: MoneyMinor
    reference: Text

    @model_validator(mode="after")
    def _float_is_an_agents(self) -> Self:
        if (self.paid_by == "float") != (self.agent_id is not None):
            raise ValueError("agent_id goes with paid_by float, and with nothing else")
        return self


class BatchEnd(Body):
    """What becomes of the vouchers that nobody redeemed: their price goes back to who paid it, or they are kept."""

    how: Literal["returned", "kept"]


class BatchSaleView(View):
    """The sale of a batch; `waiting` for another person if it is below the face and what an agent earns anyway.

    Once the batch has ended, `returned` or `kept` says what became of the vouchers that nobody redeemed.
    """

    id: int
    batch_id: int
    sold_to: str
    paid_by: str
    agent_id: int | None
    face_minor: int
    price_minor: int
    returned_minor: int
    currency: str
    reference: str
    state: Literal["waiting", "sold", "returned", "kept"]
    asked_by: int
    asked_at: int
    decided_by: int | None
    decided_at: int | None


class Declined(View):
    """The sale that nobody approved."""

    id: int
    state: Literal["declined"]


async def sell(call: Call[NewBatchSale, None]) -> BatchSaleView:
    """Sell a batch of vouchers; below its face another person must approve."""
    sale = BatchSale(**call.body.model_dump(), batch_id=call.path["voucher_batch"])
    async with call.begin() as session:
        return BatchSaleView.model_validate(await batches.sell(session, call.actor, sale, call.now))


async def one(call: Call[None, None]) -> BatchSaleView:
    """Show who took a batch over, and what was paid."""
    async with call.read() as session:
        return BatchSaleView.model_validate(await batches.of_batch(session, call.actor, call.path["voucher_batch"]))


async def approve(call: Call[None, None]) -> BatchSaleView:
    """Let a batch go at the price that another person asked for."""
    async with call.begin() as session:
        sold = await batches.approve(session, call.actor, call.path["voucher_batch"], call.now)
        return BatchSaleView.model_validate(sold)


async def decline(call: Call[None, None]) -> Declined:
    """End the sale of a batch that was asked for."""
    async with call.begin() as session:
        ended = await batches.decline(session, call.actor, call.path["voucher_batch"], call.now)
        return Declined.model_validate(ended)


async def end(call: Call[BatchEnd, None]) -> BatchSaleView:
    """Settle what nobody redeemed of a sold batch that has expired or was stopped; another person than who sold it."""
    async with call.begin() as session:
        ended = await batches.end(session, call.actor, call.path["voucher_batch"], call.body.how, call.now)
        return BatchSaleView.model_validate(ended)


_CHANGES = (Conflict, Forbidden, NotFound, Refused)
_ONE = "/voucher-batches/{voucher_batch}/sale"
ROUTES = [
    Route(
        "POST", _ONE, sell, "vouchers:write", BatchSaleView,
        request=NewBatchSale, errors=_CHANGES, status=201, tag="payments",
    ),
    Route("GET", _ONE, one, "vouchers:read", BatchSaleView, errors=(NotFound,), tag="payments"),
    Route("POST", _ONE + "/approve", approve, "payments:approve", BatchSaleView, errors=_CHANGES, tag="payments"),
    Route(
        "POST", _ONE + "/end", end, "payments:approve", BatchSaleView,
        request=BatchEnd, errors=_CHANGES, tag="payments",
    ),
    Route("POST", _ONE + "/decline", decline, "vouchers:write", Declined, errors=_CHANGES, tag="payments"),
]  # fmt: skip
