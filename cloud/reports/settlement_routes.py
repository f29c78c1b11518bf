"""The API of providers' statements, and of the proof of tenders that were typed."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import select

from cloud.api.fields import Body, Currency, Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import BadRequest, Conflict, Forbidden, NotFound, Refused
from cloud.keys import CHANNELS
from cloud.notify.texts import minor_digits
from cloud.reports import settlements, tenders
from cloud.reports.models import Settlement
from cloud.rows import of_actor, page, rows_after

Column = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Kind = Literal["payment", "refund", "payout", "fee"]


class SettlementMapping(Body):
    """How to read a provider's CSV: its columns by name; `kinds` translates its words in the column `kind`."""

    date: Column
    reference: Column
    amount: Column
    fee: Column | None = None
    kind: Column | None = None
    kinds: dict[str, Kind] = Field(default_factory=dict, max_length=50)
    date_format: Annotated[str, StringConstraints(min_length=2, max_length=40)] = "%Y-%m-%d"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."


class NewSettlement(Body):
    """A provider's statement as CSV; `content` is the file as text."""

    channel: Column
    currency: Currency
    mapping: SettlementMapping
    content: str = Field(min_length=1, max_length=1 << 20)


class ImportedSettlement(View):
    """How many lines stood there, and how many of them were not known."""

    lines: int
    added: int


class SettlementView(View):
    """A statement that was imported; it covers times up to `covers_until`."""

    id: int
    utility_id: int
    channel: str
    currency: str
    lines: int
    covers_until: int
    imported_by: str
    imported_at: int


class NewProof(Body):
    """Either the provider with its reference of the money, or neither: then a second person approves, and says why."""

    provider: Column | None = None
    reference: Reference | None = None
    reason: Reason

    @model_validator(mode="after")
    def _provider_and_reference_go_together(self) -> Self:
        if (self.provider is None) != (self.reference is None):
            raise ValueError("give provider and reference together, or neither")
        return self


class ProofView(View):
    """Why a typed tender is believed."""

    purchase_id: str
    provider: str | None
    reference: str | None
    reason: str
    actor: str
    at: int


async def add(call: Call[NewSettlement, None]) -> ImportedSettlement:
    """Import a provider's statement; what is known adds nothing."""
    body = call.body
    channel = call.app[CHANNELS].get(body.channel)
    if channel is None or not call.actor.may_see(channel.utility_id):
        raise NotFound("channel_unknown", "There is no channel of that name in PENSTOCK_PAYMENTS_FILE.")
    mapping = settlements.Mapping(**body.mapping.model_dump())
    said = settlements.read(body.content, mapping, minor_digits(body.currency))
    async with call.begin() as session:
        lines, added = await settlements.keep(session, call.actor, channel, body.currency, body.content, said, call.now)
    return ImportedSettlement(lines=lines, added=added)


async def listed(call: Call[None, PageQuery]) -> Page[SettlementView]:
    """List providers' statements."""
    async with call.read() as session:
        mine = of_actor(select(Settlement), call.actor, Settlement.utility_id)
        return page(await rows_after(session, mine, Settlement.id, call.query), SettlementView, call.query)


async def prove(call: Call[NewProof, None]) -> ProofView:
    """Prove a tender that was typed: by the provider's reference, or as a second person."""
    proof = tenders.Proof(**call.body.model_dump())
    async with call.begin() as session:
        row = await tenders.prove(session, call.actor, str(call.path["purchase_id"]), proof, call.now)
        return ProofView.model_validate(row)


ROUTES = [
    Route(
        "POST", "/settlements", add, "reconciliation:write", ImportedSettlement,
        request=NewSettlement, errors=(NotFound, BadRequest), body_limit=1 << 21, tag="reconciliation",
    ),
    Route(
        "GET", "/settlements", listed, "reconciliation:read", Page[SettlementView],
        query=PageQuery, tag="reconciliation",
    ),
    Route(
        "POST", "/vends/{purchase_id}/tender-proof", prove, "tenders:prove", ProofView,
        request=NewProof, errors=(NotFound, Refused, Conflict, Forbidden), tag="reconciliation",
    ),
]  # fmt: skip
