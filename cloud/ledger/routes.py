"""The API of ledgers, cases and what was set aside."""

from typing import Literal

from pydantic import Field

from cloud.api.fields import Body, Drn, Page, PageQuery, View
from cloud.api.route import Call, Route
from cloud.errors import Conflict, NotFound
from cloud.ledger import listing, words
from cloud.ledger.listing import CaseFilter, JudgedEntry
from cloud.rows import page
from shared import kinds
from shared.entries import decode

_NOTE_MAX = 2000


class EntriesQuery(PageQuery):
    """Which entries are asked for; `after` is a sequence."""

    epoch: int | None = Field(None, ge=1, le=0xFFFF, description="The epoch; by default the newest with entries")


class EntryView(View):
    """A ledger entry as the gateway signed it, the chain's hash after it, and what was found about it.

    `delta` and `balance` are in the unit of the meter's account: ml (mWh), or money in 1/100000 of the currency.
    `channel` is null for an entry of the gateway itself; `digest` stands in OPEN and CHECKPOINT. `text` says why the
    gateway started, and what ended its last run.
    """

    epoch: int
    sequence: int
    time_s: int
    time_quality: int
    kind: str
    channel: int | None
    pot: int
    delta: int
    balance: int
    register_ml: int
    group_left: int
    rule: int
    rule_text: str
    text: str
    detail: int
    reference_a: int
    reference_b: int
    digest: str | None
    hash: str
    body: str
    arrived_at: int
    verdict: str | None
    reason: str | None
    cause: str | None

    @classmethod
    def of(cls, judged: JudgedEntry) -> "EntryView":
        """Make the view of a stored entry."""
        row, verdict = judged.row, judged.verdict
        entry = decode(row.body)
        return cls(
            epoch=row.epoch,
            sequence=row.sequence,
            time_s=entry.time_s,
            time_quality=entry.quality,
            kind=kinds.KIND_NAMES[entry.kind],
            channel=None if entry.meter == kinds.GATEWAY else entry.meter,
            pot=entry.pot,
            delta=entry.delta,
            balance=entry.balance,
            register_ml=entry.register,
            group_left=entry.group_left,
            rule=entry.rule,
            rule_text=kinds.RULE_TEXTS[entry.rule] if entry.rule < len(kinds.RULE_TEXTS) else "",
            text=words.of(entry),
            detail=entry.detail,
            reference_a=entry.reference_a,
            reference_b=entry.reference_b,
            digest=entry.digest.hex() or None,
            hash=row.hash.hex(),
            body=row.body.hex(),
            arrived_at=row.arrived_at,
            verdict=verdict.verdict if verdict else None,
            reason=verdict.reason if verdict else None,
            cause=verdict.cause if verdict else None,
        )


class CasesQuery(PageQuery):
    """Which cases are asked for."""

    state: Literal["open", "closed"] | None = None
    kind: str | None = Field(None, max_length=20, description="E.g. fault")
    drn: Drn | None = Field(None, description="Those about one meter")


class CaseView(View):
    """Something that a person must look at; `sequence` 0 says that it is about no single entry."""

    id: int
    utility_id: int | None
    gateway_id: int
    kind: str
    epoch: int
    sequence: int
    channel: int | None
    detail: str
    quarantine_id: int | None
    state: str
    times: int
    opened_at: int
    closed_at: int | None
    closed_by: str | None
    note: str | None


class CaseEnd(Body):
    """What was found out about a case."""

    note: str = Field(min_length=1, max_length=_NOTE_MAX, pattern=r"^[^\x00]+$")


class QuarantineView(View):
    """A message that was set aside, byte for byte in `raw` (hex), and why."""

    id: int
    utility_id: int | None
    gateway_id: int
    code: str
    reason: str
    raw: str
    times: int
    first_at: int
    last_at: int


async def list_entries(call: Call[None, EntriesQuery]) -> Page[EntryView]:
    """List ledger entries of a gateway with their verdicts."""
    query = call.query
    async with call.read() as session:
        found = await listing.entries(session, call.actor, call.path["gateway"], query.epoch, query)
    items = [EntryView.of(judged) for judged in found[: query.limit]]
    return Page[EntryView](items=items, next=items[-1].sequence if len(found) > query.limit else None)


async def list_cases(call: Call[None, CasesQuery]) -> Page[CaseView]:
    """List cases."""
    query = call.query
    wanted = CaseFilter(query.state, query.kind, query.drn)
    async with call.read() as session:
        return page(await listing.cases(session, call.actor, wanted, query), CaseView, query)


async def one_case(call: Call[None, None]) -> CaseView:
    """Show a case."""
    async with call.read() as session:
        return CaseView.model_validate(await listing.case(session, call.actor, call.path["case"]))


async def close_case(call: Call[CaseEnd, None]) -> CaseView:
    """Close a case with a note."""
    async with call.begin() as session:
        row = await listing.close_case(session, call.actor, call.path["case"], call.body.note, call.now)
        return CaseView.model_validate(row)


async def list_quarantine(call: Call[None, PageQuery]) -> Page[QuarantineView]:
    """List messages that were set aside."""
    async with call.read() as session:
        rows = await listing.quarantined(session, call.actor, call.query)
    items = [
        QuarantineView(
            id=row.id,
            utility_id=row.utility_id,
            gateway_id=row.gateway_id,
            code=row.code,
            reason=row.reason,
            raw=row.raw.hex(),
            times=row.times,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows[: call.query.limit]
    ]
    return Page[QuarantineView](items=items, next=items[-1].id if len(rows) > len(items) else None)


ROUTES = [
    Route(
        "GET",
        "/gateways/{gateway}/entries",
        list_entries,
        "ledger:read",
        Page[EntryView],
        query=EntriesQuery,
        errors=(NotFound,),
        tag="ledger",
    ),
    Route("GET", "/cases", list_cases, "cases:read", Page[CaseView], query=CasesQuery, errors=(NotFound,), tag="cases"),
    Route("GET", "/cases/{case}", one_case, "cases:read", CaseView, errors=(NotFound,), tag="cases"),
    Route(
        "POST",
        "/cases/{case}/close",
        close_case,
        "cases:write",
        CaseView,
        request=CaseEnd,
        errors=(Conflict, NotFound),
        tag="cases",
    ),
    Route("GET", "/quarantine", list_quarantine, "cases:read", Page[QuarantineView], query=PageQuery, tag="cases"),
]
