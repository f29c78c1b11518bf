"""The API of voids: taking back a token that was not used, and proving by a return code that the meter burnt it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from cloud.api.fields import Body, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, Refused, TooManyRequests, Unavailable
from cloud.keys import CONFIG
from cloud.meters import return_codes
from cloud.meters.models import Meter
from cloud.vending import token_requests, void_proof, voiding
from cloud.vending.models import Vend
from cloud.vending.rules import TOKENS_MAX


class NewVoid(Body):
    """Which token of a purchase is taken back, why, and how the void token reaches the meter."""

    part: int = Field(1, ge=1, le=TOKENS_MAX)
    delivery: Literal["keypad", "remote"] = "keypad"
    reason: str = Field("", max_length=300)


class VoidCode(Body):
    """The 12 digits that the meter shows behind the void token."""

    part: int = Field(1, ge=1, le=TOKENS_MAX)
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]


class VoidView(View):
    """A void token: `target_tid` is burnt when the meter takes it, and `amount_minor` returns when the ledger or a
    return code shows it.

    `state` is voiding until then, and void afterwards. While another person must approve it is waiting, there is no
    token, and `request_id` names the request. It is void at once, without a token, where the meter's key has changed
    since, and its ledger shows that the token was not used before.
    """

    purchase_id: UUID
    part: int
    drn: str
    tid: int | None
    target_tid: int
    amount_minor: int
    state: str
    token: str | None
    request_id: int | None


async def order(call: Call[NewVoid, None]) -> VoidView:
    """Make the void token of an unused token, the same one when it is asked for again; or ask another person."""
    wanted = voiding.VoidOrder(str(call.path["purchase_id"]), call.body.part, call.body.delivery)
    async with call.begin() as session:
        vend = await voiding.vend_of(session, call.actor, wanted.purchase_id, wanted.part)
        if not (vend.void_tid or vend.voided_at) and vend.amount_minor > call.app[CONFIG].void_limit_minor:
            meter = await voiding.locked(session, vend)
            voiding.check(vend)
            request = await token_requests.ask(session, call.actor, meter, _asked(call.body, vend), call.now)
            return _view(vend, meter, "waiting", request_id=request.id)
        made = await voiding.order(session, call.key_store, call.actor, wanted, call.now)
        return _view(made.vend, made.meter, made.vend.state, token=made.digits)


def _asked(body: NewVoid, vend: Vend) -> token_requests.Asked:
    return token_requests.Asked(
        kind=token_requests.VOID,
        purchase_id=vend.purchase_id,
        part=vend.part,
        delivery=body.delivery,
        volume_ml=None,
        amount_minor=vend.amount_minor,
        reason=body.reason,
    )


async def prove(call: Call[VoidCode, None]) -> VoidView:
    """Return the money of a token whose void the meter's return code proves; five codes a day and meter."""
    purchase_id, part = str(call.path["purchase_id"]), call.body.part
    async with call.begin() as session:  # of its own: the guess stays counted, whatever comes of it
        vend = await voiding.vend_of(session, call.actor, purchase_id, part)
        drn = (await session.get_one(Meter, vend.meter_id)).drn
        await return_codes.count_guess(session, call.actor, drn, call.now)
    async with call.begin() as session:
        vend, meter = await void_proof.prove(
            session, call.key_store, call.actor, purchase_id, part, call.body.code, call.now
        )
        return _view(vend, meter, vend.state)


def _view(vend: Vend, meter: Meter, state: str, token: str | None = None, request_id: int | None = None) -> VoidView:
    return VoidView(
        purchase_id=UUID(vend.purchase_id),
        part=vend.part,
        drn=meter.drn,
        tid=vend.void_tid,
        target_tid=vend.tid,
        amount_minor=vend.amount_minor,
        state=state,
        token=token,
        request_id=request_id,
    )


ROUTES = [
    Route(
        "POST", "/vends/{purchase_id}/void", order, "vends:void", VoidView,
        request=NewVoid, errors=(Conflict, NotFound, Refused, Unavailable), idempotency="purchase_id", tag="vending",
    ),
    Route(
        "POST", "/vends/{purchase_id}/void/proof", prove, "vends:void", VoidView,
        request=VoidCode, errors=(Conflict, NotFound, Refused, TooManyRequests, Unavailable), tag="vending",
    ),
]  # fmt: skip
