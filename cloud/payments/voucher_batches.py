"""Batches of vouchers: made at once up to a limit; above it another person approves what they saw, and only then are
there codes.

The limit counts for all that was made without a second person in a day for the utility. Who approved never gets codes.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.decided import DONE
from cloud.errors import Conflict, NotFound, Refused
from cloud.meters.models import Utility
from cloud.payments import vouchers
from cloud.payments.voucher_models import Voucher, VoucherBatch
from cloud.rows import of_actor, owned, rows_after
from cloud.vending.sealed import SealedSecrets

APPROVED = "approved"
_DAY_S = 86_400
_WHAT = "voucher batch"

Codes = list[tuple[int, str]]
"""Serial and code of each voucher, which cannot be had again."""


@dataclass(frozen=True)
class Face:
    """What a batch is: so many vouchers of one worth, until they expire."""

    count: int
    amount_minor: int
    currency: str
    expires_at: int


@dataclass(frozen=True)
class NewBatch:
    """A batch to be made, for a utility, and why."""

    utility_id: int
    face: Face
    reason: str


async def ask(
    session: AsyncSession, sealed: SealedSecrets, actor: Actor, wanted: NewBatch, limit_minor: int, now: int, form: str
) -> tuple[VoucherBatch, Codes]:
    """Make a batch, or keep it for another person to approve; then there are no codes yet.

    `form` is how the caller is given the codes, for the audit.
    """
    actor.require_utility(wanted.utility_id)
    # Two who ask at once take turns, so that both together stay below the limit; sales do not wait for this lock.
    if await session.get(Utility, wanted.utility_id, with_for_update={"key_share": True}) is None:
        raise NotFound("utility_unknown", f"There is no utility {wanted.utility_id}.")
    _check_lasts(wanted.face.expires_at, now)
    alone = await _alone_minor(session, wanted, now)
    batch = VoucherBatch(
        utility_id=wanted.utility_id, created_at=now, **vars(wanted.face), **decided.asked(actor, wanted.reason, now)
    )
    session.add(batch)
    await session.flush()
    if alone + batch.count * batch.amount_minor > limit_minor:
        actor.require_person()
        await _record(session, actor, batch, "voucher-batch.ask", {}, now)
        return batch, []
    decided.done(actor, batch, now)
    return batch, await _make(session, sealed, actor, batch, now, form)


async def _alone_minor(session: AsyncSession, wanted: NewBatch, now: int) -> int:
    mine = (VoucherBatch.utility_id == wanted.utility_id, VoucherBatch.currency == wanted.face.currency)
    alone = (VoucherBatch.state == DONE, VoucherBatch.decided_by == VoucherBatch.requested_by)
    made = select(func.coalesce(func.sum(VoucherBatch.count * VoucherBatch.amount_minor), 0)).where(*mine, *alone)
    return int(await session.scalar(made.where(VoucherBatch.requested_at > now - _DAY_S)) or 0)


async def approve(session: AsyncSession, actor: Actor, batch_id: int, seen: Face, now: int) -> VoucherBatch:
    """Let a batch be made that another person asked for. Conflict if it is not the one that was seen."""
    batch = await decided.waiting(session, actor, VoucherBatch, batch_id, _WHAT)
    decided.by_another(actor, batch)
    there = Face(batch.count, batch.amount_minor, batch.currency, batch.expires_at)
    if seen != there:
        said = f"{there.count} vouchers of {there.amount_minor} {there.currency} until {there.expires_at}"
        raise Conflict("seen_differs", f"Batch {batch.id} is {said}; look at it again before you approve it.")
    _check_goes_on(batch, now)
    decided.done(actor, batch, now, APPROVED)
    await _record(session, actor, batch, "voucher-batch.approve", {}, now)
    return batch


async def decline(session: AsyncSession, actor: Actor, batch_id: int, now: int) -> VoucherBatch:
    """End a batch that was asked for; there are no vouchers."""
    batch = await decided.waiting(session, actor, VoucherBatch, batch_id, _WHAT)
    await decided.decline(session, actor, batch, "voucher-batch.decline", now)
    return batch


async def make(
    session: AsyncSession, sealed: SealedSecrets, actor: Actor, batch_id: int, now: int, form: str
) -> tuple[VoucherBatch, Codes]:
    """Make the codes of an approved batch, once; not for the person who approved it."""
    batch = await owned(session, actor, VoucherBatch, batch_id, _WHAT)
    await session.refresh(batch, with_for_update=True)
    if batch.state != APPROVED:
        raise Conflict("batch_state", f"Batch {batch.id} is {batch.state}; only an approved one is made, once.")
    require_another_person(actor, batch.decided_person_id)
    _check_goes_on(batch, now)
    batch.state = DONE
    return batch, await _make(session, sealed, actor, batch, now, form)


async def _make(
    session: AsyncSession, sealed: SealedSecrets, actor: Actor, batch: VoucherBatch, now: int, form: str
) -> Codes:
    key = await vouchers.key_of(session, sealed, batch.utility_id, now, make=True)
    codes = [f"{secrets.randbelow(10**vouchers.CODE_DIGITS):0{vouchers.CODE_DIGITS}d}" for _ in range(batch.count)]
    for serial, code in enumerate(codes, 1):
        mark = vouchers.hmac_of(key, code)
        session.add(Voucher(utility_id=batch.utility_id, batch_id=batch.id, serial=serial, code_hmac=mark))
    await session.flush()
    await _record(session, actor, batch, "voucher-batch.add", {"form": form}, now)
    return list(enumerate(codes, 1))


def _check_lasts(expires_at: int, now: int) -> None:
    if expires_at <= now:
        raise Refused("expired", "The vouchers would have expired already; choose a later expires_at.")


def _check_goes_on(batch: VoucherBatch, now: int) -> None:
    _check_lasts(batch.expires_at, now)
    if batch.stopped_at is not None:
        raise Refused("batch_stopped", f"Batch {batch.id} was stopped; ask for a new one.")


async def stop(session: AsyncSession, actor: Actor, batch_id: int, now: int) -> VoucherBatch:
    """Stop what is left of a batch, for instance because it was stolen."""
    batch = await owned(session, actor, VoucherBatch, batch_id, _WHAT)
    batch.stopped_at = batch.stopped_at or now
    await _record(session, actor, batch, "voucher-batch.stop", {}, now)
    return batch


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[VoucherBatch]:
    """A page of the batches that the caller may see."""
    mine = of_actor(select(VoucherBatch), actor, VoucherBatch.utility_id)
    return await rows_after(session, mine, VoucherBatch.id, query)


async def _record(
    session: AsyncSession, actor: Actor, batch: VoucherBatch, action: str, detail: dict[str, object], now: int
) -> None:
    said = {"count": batch.count, "amount_minor": batch.amount_minor, "currency": batch.currency, **detail}
    subject = f"voucher-batch:{batch.id}"
    await audit.record(session, actor, action, subject, said, utility_id=batch.utility_id, now=now)
