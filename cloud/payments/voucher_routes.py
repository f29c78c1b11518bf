"""The API of vouchers: making a batch, stopping it, and redeeming a code for a meter."""

import asyncio
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import TIME_MAX, Body, Currency, Drn, Page, PageQuery, Query, SomeMinor, UtilityId, View
from cloud.api.files import FileAnswer
from cloud.api.route import Call, Route
from cloud.errors import Conflict, Forbidden, NotFound, Refused, TooManyRequests, Unavailable
from cloud.keys import CONFIG, KEYRING
from cloud.meters.models import Utility
from cloud.payments import voucher_batches, vouchers
from cloud.payments.voucher_batches import Codes, Face, NewBatch
from cloud.payments.voucher_models import VoucherBatch
from cloud.reports.zone import zone_data_of
from cloud.rows import page
from cloud.vending.sealed import SealedSecrets

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}([ -]?[0-9]{4}){3}$"),
    AfterValidator(lambda code: code.replace(" ", "").replace("-", "")),
]


class Seen(Body):
    """Vouchers that are all worth the same, as whoever approves them has seen them."""

    count: int = Field(ge=1, le=1000)
    amount_minor: SomeMinor
    currency: Currency
    expires_at: int = Field(ge=1, le=TIME_MAX)

    def face(self) -> Face:
        """Return them as a value."""
        return Face(self.count, self.amount_minor, self.currency, self.expires_at)


class NewVoucherBatch(Seen):
    """Vouchers to be made, all worth the same."""

    utility_id: UtilityId
    reason: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class PrintQuery(Query):
    """The form of the answer that has the codes, and the language of the paper."""

    format: Literal["json", "pdf"] = "json"
    language: Literal["en", "fr"] = "en"


class BatchView(View):
    """A batch, without its codes. `state`: waiting for another person, approved, done (there are codes), declined."""

    id: int
    utility_id: int
    count: int
    amount_minor: int
    currency: str
    expires_at: int
    stopped_at: int | None
    created_at: int
    state: str
    reason: str
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None


class VoucherView(View):
    """A voucher to be printed: its number in the batch, and the code in fours."""

    serial: int
    code: str


class MadeBatch(View):
    """A batch with its codes, this once; print them and keep no copy. None yet while it waits for another person."""

    batch: BatchView
    vouchers: list[VoucherView]


class Redemption(Body):
    """A code of 16 digits, with or without spaces or dashes, and the meter that it is for."""

    code: Code
    drn: Drn


class Redeemed(View):
    """What was bought; the tokens stand in GET /vends/{purchase_id}, and are on their way to the customer.

    `outcome`: it was bought; what was not is a problem document with failed or unknown.
    """

    outcome: Literal["success"] = "success"
    payment_id: int
    purchase_id: str
    drn: str
    amount_minor: int
    currency: str
    redeemed_at: int


async def add(call: Call[NewVoucherBatch, PrintQuery]) -> MadeBatch | FileAnswer:
    """Make a batch of vouchers; this answer, also as PDF, is the only place where their codes stand."""
    body, sealed, limit = call.body, SealedSecrets(call.app[KEYRING]), call.app[CONFIG].voucher_limit_minor
    wanted = NewBatch(body.utility_id, body.face(), body.reason)
    async with call.begin() as session:
        batch, made = await voucher_batches.ask(session, sealed, call.actor, wanted, limit, call.now, call.query.format)
        return await _shown(session, batch, made, call.query)


async def make(call: Call[None, PrintQuery]) -> MadeBatch | FileAnswer:
    """Make the codes of a batch that was approved, once; this answer is the only place where they stand."""
    sealed, number = SealedSecrets(call.app[KEYRING]), call.path["voucher_batch"]
    async with call.begin() as session:
        batch, made = await voucher_batches.make(session, sealed, call.actor, number, call.now, call.query.format)
        return await _shown(session, batch, made, call.query)


async def _shown(session: AsyncSession, batch: VoucherBatch, made: Codes, query: PrintQuery) -> MadeBatch | FileAnswer:
    if query.format == "pdf" and made:  # within the transaction: what could not be printed was not made
        return await _printed(session, batch, made, query.language)
    shown = [VoucherView(serial=serial, code=_grouped(code)) for serial, code in made]
    return MadeBatch(batch=BatchView.model_validate(batch), vouchers=shown)


async def _printed(session: AsyncSession, batch: VoucherBatch, made: Codes, language: str) -> FileAnswer:
    from cloud.payments.voucher_paper import Issuer, voucher_pdf  # a large library, loaded when it is first needed

    utility = await session.get_one(Utility, batch.utility_id)
    issuer = Issuer(utility.name, await zone_data_of(session, utility.id), language)
    content = await asyncio.to_thread(voucher_pdf, batch, made, issuer)
    return FileAnswer(content=content, format="pdf", stem=f"vouchers-{batch.id}")


async def approve(call: Call[Seen, None]) -> BatchView:
    """Approve a batch of vouchers that somebody else asked for, naming what was seen."""
    number, seen = call.path["voucher_batch"], call.body.face()
    async with call.begin() as session:
        return BatchView.model_validate(await voucher_batches.approve(session, call.actor, number, seen, call.now))


async def decline(call: Call[None, None]) -> BatchView:
    """Decline a batch of vouchers."""
    async with call.begin() as session:
        row = await voucher_batches.decline(session, call.actor, call.path["voucher_batch"], call.now)
        return BatchView.model_validate(row)


async def listed(call: Call[None, PageQuery]) -> Page[BatchView]:
    """List batches of vouchers, without the codes."""
    async with call.read() as session:
        return page(await voucher_batches.listed(session, call.actor, call.query), BatchView, call.query)


async def stop(call: Call[None, None]) -> BatchView:
    """Stop what is left of a batch of vouchers."""
    async with call.begin() as session:
        row = await voucher_batches.stop(session, call.actor, call.path["voucher_batch"], call.now)
        return BatchView.model_validate(row)


async def redeem(call: Call[Redemption, None]) -> Redeemed:
    """Redeem a voucher for a meter; five codes that do not fit a day and meter."""
    body = call.body
    async with call.begin() as session:
        await vouchers.count_guess(session, call.actor, body.drn, call.now)
    async with call.begin() as session:
        payment = await vouchers.redeem(
            session, SealedSecrets(call.app[KEYRING]), call.key_store, call.actor, body.code, body.drn, call.now
        )
    assert payment.purchase_id is not None and payment.vended_at is not None, "a redeemed voucher was sold for"
    return Redeemed(
        payment_id=payment.id,
        purchase_id=payment.purchase_id,
        drn=body.drn,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        redeemed_at=payment.vended_at,
    )


def _grouped(code: str) -> str:
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


_BATCH = "/voucher-batches/{voucher_batch}"
_DECIDES = (Conflict, Forbidden, NotFound, Refused)
ROUTES = [
    Route(
        "POST", "/voucher-batches", add, "vouchers:write", MadeBatch,
        request=NewVoucherBatch, query=PrintQuery, errors=(Forbidden, NotFound, Refused, Unavailable),
        status=201, files=("pdf",), keyless="the answer has codes, which are kept nowhere", tag="payments",
    ),
    Route(
        "POST", _BATCH + "/approve", approve, "payments:approve", BatchView, request=Seen, errors=_DECIDES,
        tag="payments",
    ),
    Route("POST", _BATCH + "/decline", decline, "payments:approve", BatchView, errors=_DECIDES, tag="payments"),
    Route(
        "POST", _BATCH + "/codes", make, "vouchers:write", MadeBatch,
        query=PrintQuery, errors=(*_DECIDES, Unavailable), status=201, files=("pdf",),
        keyless="the answer has codes, which are kept nowhere", tag="payments",
    ),
    Route("GET", "/voucher-batches", listed, "vouchers:read", Page[BatchView], query=PageQuery, tag="payments"),
    Route(
        "POST", _BATCH + "/stop", stop, "vouchers:write", BatchView,
        errors=(NotFound,), tag="payments",
    ),
    Route(
        "POST", "/vouchers/redeem", redeem, "vouchers:redeem", Redeemed,
        request=Redemption, errors=(Conflict, NotFound, Refused, TooManyRequests, Unavailable),
        tells_outcome=True, tag="payments",
    ),
]  # fmt: skip
