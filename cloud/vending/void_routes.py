"""The API of voids: taking back a token that was not used."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from cloud.api.fields import Body, View
from cloud.api.route import Call, Route
from cloud.errors import NotFound, Refused, Unavailable
from cloud.vending import voiding
from cloud.vending.rules import TOKENS_MAX


class NewVoid(Body):
    """Which token of a purchase is taken back, and how the void token reaches the meter."""

    part: int = Field(1, ge=1, le=TOKENS_MAX)
    delivery: Literal["keypad", "remote"] = "keypad"


class VoidView(View):
    """A void token: `target_tid` is burnt when the meter takes it, and `amount_minor` returns when the ledger shows it.

    `state` is voiding until then, and void afterwards.
    """

    purchase_id: UUID
    part: int
    drn: str
    tid: int
    target_tid: int
    amount_minor: int
    state: str
    token: str


async def order(call: Call[NewVoid, None]) -> VoidView:
    """Make the void token of an unused token; the same one when it is asked for again."""
    wanted = voiding.VoidOrder(str(call.path["purchase_id"]), call.body.part, call.body.delivery)
    async with call.begin() as session:
        made = await voiding.order(session, call.key_store, call.actor, wanted, call.now)
        vend = made.vend
        assert vend.void_tid is not None
        return VoidView(
            purchase_id=UUID(vend.purchase_id),
            part=vend.part,
            drn=made.meter.drn,
            tid=vend.void_tid,
            target_tid=vend.tid,
            amount_minor=vend.amount_minor,
            state=vend.state,
            token=made.digits,
        )


ROUTES = [
    Route(
        "POST",
        "/vends/{purchase_id}/void",
        order,
        "vends:void",
        VoidView,
        request=NewVoid,
        errors=(NotFound, Refused, Unavailable),
        idempotency="purchase_id",
        tag="vending",
    ),
]
