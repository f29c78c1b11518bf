"""Bill runs: one for each cycle and last day. Counting drafts every bill and lists what is left out, and why; another
person releases them; then each is issued in a transaction of its own, so that a crash leaves nothing half done.

Counting and issuing go on from where they stand: the same run twice bills nothing twice. All that was counted has one
hash, and who releases it names the hash that they saw.
"""

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person, system
from cloud.billing import counting, issuing, spans
from cloud.billing.document import Content
from cloud.billing.models import BillDraft, BillRun, CreditSpan
from cloud.errors import CloudError, Conflict, NotFound, Refused
from cloud.meters.models import Meter, Utility
from cloud.rows import of_actor, owned, rows_after
from shared import kinds

COUNTING, DRAFT, RELEASING, RELEASED = "counting", "draft", "releasing", "released"
ACTOR = system("billing")
_METERS_AT_ONCE = 50


async def begin(
    session: AsyncSession, actor: Actor, utility_id: int, cycle: int, through_day: int, now: int
) -> BillRun:
    """Begin the run of a cycle through a civil day that is over; the same again returns the first."""
    actor.require_utility(utility_id)
    actor.require_person()
    if await session.get(Utility, utility_id) is None:
        raise NotFound("utility_unknown", f"There is no utility {utility_id}.")
    today = (await spans.zone_of(session, utility_id)).local(now)[0]
    if through_day >= today:
        raise Refused("day_not_over", f"Bills go through a day that is over: at most day {today - 1}.")
    return await begin_once(session, actor, utility_id, cycle, through_day, now)


async def begin_once(
    session: AsyncSession, actor: Actor, utility_id: int, cycle: int, through_day: int, now: int
) -> BillRun:
    """Begin a run that may be begun, or return the one that is there."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"utility_id": utility_id, "cycle": cycle, "through_day": through_day, "state": COUNTING, "cursor": 0}
    values |= {"made_by": actor.label, "made_by_id": actor.person_id, "made_at": now}
    made = await session.execute(insert(BillRun).values(values).on_conflict_do_nothing().returning(BillRun.id))
    is_new = made.first() is not None
    mine = (BillRun.utility_id == utility_id, BillRun.cycle == cycle, BillRun.through_day == through_day)
    run = (await session.scalars(select(BillRun).where(*mine))).one()
    if is_new:
        await _record(session, actor, run, "bill-run.begin", now)
    return run


async def recount(session: AsyncSession, actor: Actor, run_id: int, now: int) -> BillRun:
    """Count again what is not issued yet, say when late readings have arrived; it then has to be released again."""
    run = await _locked(session, actor, run_id)
    if run.state not in (DRAFT, RELEASED):
        raise Conflict("run_busy", f"Run {run.id} is {run.state}; wait until it is done.")
    run.state, run.cursor = COUNTING, 0
    run.made_by, run.made_by_id, run.made_at = actor.label, actor.require_person(), now
    run.released_by = run.released_by_id = run.released_at = None
    run.bills, run.left_out, run.totals, run.content_sha256 = 0, 0, {}, ""
    await session.execute(delete(BillDraft).where(BillDraft.run_id == run.id, BillDraft.issued_at.is_(None)))
    await _record(session, actor, run, "bill-run.recount", now)
    return run


async def release(session: AsyncSession, actor: Actor, run_id: int, seen_sha256: str, now: int) -> BillRun:
    """Let the drafts of a run become bills, as they were seen; another person than who had them counted does.

    What the calendar began any person releases.
    """
    run = await _locked(session, actor, run_id)
    if run.state != DRAFT:
        raise Conflict("run_state", f"Run {run.id} is {run.state}; only a draft is released.")
    person_id = actor.require_person() if run.made_by_id is None else require_another_person(actor, run.made_by_id)
    if seen_sha256 != run.content_sha256:
        counted = f"{run.bills} bills, {run.left_out} left out"
        raise Conflict("seen_differs", f"Run {run.id} was counted anew: {counted}; look at its drafts again.")
    run.state, run.released_by, run.released_by_id, run.released_at = RELEASING, actor.label, person_id, now
    run.cursor = 0
    await _record(session, actor, run, "bill-run.release", now)
    return run


async def of_id(session: AsyncSession, actor: Actor, run_id: int) -> BillRun:
    """Return a run that the caller may see."""
    return await owned(session, actor, BillRun, run_id, "bill run")


async def _locked(session: AsyncSession, actor: Actor, run_id: int) -> BillRun:
    run = await of_id(session, actor, run_id)
    await session.refresh(run, with_for_update=True)
    return run


async def count_some(session: AsyncSession, run_id: int, now: int) -> bool:
    """Count the next meters of a run; False when it is a draft."""
    run = await session.get_one(BillRun, run_id, with_for_update=True)
    if run.state != COUNTING:
        return False
    billed = select(CreditSpan.id).where(CreditSpan.meter_id == Meter.id)
    credit = Meter.mode.op("&")(kinds.MODE_CREDIT) != 0
    meters = select(Meter).where(
        Meter.utility_id == run.utility_id, Meter.id > run.cursor, or_(credit, billed.exists())
    )
    found = (await session.scalars(meters.order_by(Meter.id).limit(_METERS_AT_ONCE))).all()
    for meter in found:
        await _count(session, run, meter, now)
        run.cursor = meter.id
    if len(found) < _METERS_AT_ONCE:
        run.state = DRAFT
        run.content_sha256 = run.content_sha256 or hashlib.sha256().hexdigest()
    await session.flush()
    return run.state == COUNTING


async def _count(session: AsyncSession, run: BillRun, meter: Meter, now: int) -> None:
    if meter.customer_id is None:
        nobody = f"Meter {meter.drn} is billed and has no customer; link one."
        _add(session, run, _omitted(run, meter, None, Refused("no_customer", nobody)))
    for span in await spans.refresh(session, meter, now):
        if span.cycle != run.cycle or span.from_day > run.through_day:
            continue
        try:
            content = await counting.next_bill(session, span, run.through_day)
        except Refused as refusal:
            _add(session, run, _omitted(run, meter, span, refusal))
            continue
        if content is not None:
            _add(session, run, _draft(run, meter, span, content))


def _add(session: AsyncSession, run: BillRun, draft: BillDraft) -> None:
    """Add a draft, and to the run's figures and hash what it says."""
    session.add(draft)
    said = [draft.meter_id, draft.span_id, draft.code, draft.total_minor, draft.content]
    text = json.dumps([run.content_sha256, said], sort_keys=True)
    run.content_sha256 = hashlib.sha256(text.encode()).hexdigest()
    if draft.content is None:
        run.left_out += 1
        return
    run.bills += 1
    currency = draft.content["currency"]
    run.totals = {**run.totals, currency: run.totals.get(currency, 0) + draft.total_minor}


def _omitted(run: BillRun, meter: Meter, span: CreditSpan | None, why: CloudError) -> BillDraft:
    return BillDraft(
        utility_id=run.utility_id,
        run_id=run.id,
        meter_id=meter.id,
        span_id=span.id if span else None,
        code=why.code,
        reason=why.message[:300],
        total_minor=0,
    )


def _draft(run: BillRun, meter: Meter, span: CreditSpan, content: Content) -> BillDraft:
    return BillDraft(
        utility_id=run.utility_id,
        run_id=run.id,
        meter_id=meter.id,
        span_id=span.id,
        total_minor=content.total_minor,
        content=content.model_dump(),
    )


async def issue_one(session: AsyncSession, run_id: int, now: int) -> bool:
    """Issue the next draft of a run that is released; False when there is none left."""
    run = await session.get_one(BillRun, run_id, with_for_update=True)
    if run.state != RELEASING:
        return False
    waiting = select(BillDraft).where(BillDraft.run_id == run_id, BillDraft.id > run.cursor)
    waiting = waiting.where(BillDraft.code.is_(None), BillDraft.issued_at.is_(None))
    draft = await session.scalar(waiting.order_by(BillDraft.id).limit(1))
    if draft is None:
        run.state = RELEASED
        return False
    run.cursor = draft.id
    assert draft.content is not None and draft.span_id is not None, "a draft without a code is a bill to be"
    span = await session.get_one(CreditSpan, draft.span_id)
    try:
        async with session.begin_nested():
            await issuing.issue(session, ACTOR, span, Content.model_validate(draft.content), run_id, now)
        draft.issued_at = now
    except Conflict as changed:
        draft.code, draft.reason = changed.code, changed.message[:300]
    await session.flush()
    return True


async def issue_last(session: AsyncSession, span: CreditSpan, now: int) -> None:
    """Issue the bill up to the end of a span that has ended; Refused says why there can be none."""
    assert span.until_day is not None, "a span that goes on has no last bill"
    content = await counting.next_bill(session, span, span.until_day)
    if content is not None:
        await issuing.issue(session, ACTOR, span, content, None, now)


async def due(session: AsyncSession, state: str) -> Sequence[int]:
    """Return the runs that wait in a state, the oldest first."""
    return (await session.scalars(select(BillRun.id).where(BillRun.state == state).order_by(BillRun.id))).all()


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[BillRun]:
    """A page of the runs that the caller may see."""
    return await rows_after(session, of_actor(select(BillRun), actor, BillRun.utility_id), BillRun.id, query)


async def drafts(
    session: AsyncSession, actor: Actor, run_id: int, omitted: bool | None, query: PageQuery
) -> Sequence[BillDraft]:
    """A page of what a run found; with `omitted`, of what it left out, or of what it did not."""
    run = await of_id(session, actor, run_id)
    mine = select(BillDraft).where(BillDraft.run_id == run.id)
    if omitted is not None:
        mine = mine.where(BillDraft.code.is_not(None) if omitted else BillDraft.code.is_(None))
    return await rows_after(session, mine, BillDraft.id, query)


async def _record(session: AsyncSession, actor: Actor, run: BillRun, action: str, now: int) -> None:
    await session.flush()
    detail = {"cycle": run.cycle, "through_day": run.through_day, "made_by": run.made_by}
    detail |= {"bills": run.bills, "totals": run.totals, "sha256": run.content_sha256}
    await audit.record(session, actor, action, f"bill-run:{run.id}", detail, utility_id=run.utility_id, now=now)
