"""The API of those who help customers: what a return code proves, and the PIN of a meter."""

from typing import Annotated

from pydantic import StringConstraints

from cloud.api.fields import Body, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound, TooManyRequests, Unavailable
from cloud.meters import return_codes, service
from cloud.vending.store import Use


class ReturnCode(Body):
    """The 12 digits that the meter shows behind a top-up."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]


class ReturnCodeView(View):
    """What the code proves: how many tokens the meter took since its ledger was heard last, the last of them, and
    between which bounds its token credit lies. `fits` false: the code is none that the meter could show.
    """

    fits: bool
    tokens_since: int | None
    last_tid: int | None
    purchase_id: str | None
    balance_from: int | None
    balance_below: int | None


class PinView(View):
    """The 4 digits that a customer types where neighbours share a keypad."""

    pin: str


async def check_code(call: Call[ReturnCode, None]) -> ReturnCodeView:
    """Say what a return code proves; five codes a day and meter."""
    drn = call.path["drn"]
    async with call.begin() as session:  # of its own: the guess stays counted, whatever comes of it
        await return_codes.count_guess(session, call.actor, drn, call.now)
    async with call.begin() as session:
        proof = await return_codes.check(session, call.key_store, call.actor, drn, call.body.code, call.now)
        return ReturnCodeView.model_validate(proof)


async def pin(call: Call[None, None]) -> PinView:
    """Tell the PIN of a meter's customer, which is audited."""
    async with call.begin() as session:
        meter = await service.meter_of(session, call.actor, call.path["drn"])
        epoch = await return_codes.epoch_of(session, meter)
        use = Use(call.actor, f"meter:{meter.drn}", call.now)
        return PinView(pin=await call.key_store.pin(session, meter.utility_id, meter.drn, epoch, use))


ROUTES = [
    Route(
        "POST", "/meters/{drn}/return-code", check_code, "support", ReturnCodeView,
        request=ReturnCode, errors=(Conflict, NotFound, TooManyRequests, Unavailable), tag="support",
    ),
    Route("GET", "/meters/{drn}/pin", pin, "support", PinView, errors=(Conflict, NotFound, Unavailable), tag="support"),
]  # fmt: skip
