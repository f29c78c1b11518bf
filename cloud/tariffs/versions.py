"""Versions of a tariff: drafted, submitted, approved by another person, in force from their time until the next is.

What a version says never changes. A mistake is withdrawn before it is in force, and made again as another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor, require_another_person
from cloud.errors import Conflict, NotFound, Refused
from cloud.rows import owned, rows_after
from cloud.tariffs.models import Tariff, TariffVersion
from cloud.tariffs.terms import Terms, check, to_json

DRAFT, SUBMITTED, APPROVED, WITHDRAWN = "draft", "submitted", "approved", "withdrawn"


@dataclass(frozen=True)
class Draft:
    """A version to be made: its terms, from when they hold, and why."""

    tariff_id: int
    effective_from_s: int
    terms: Terms
    reason: str


async def draft(session: AsyncSession, actor: Actor, wanted: Draft, now: int) -> TariffVersion:
    """Make the next version of a class, as a draft; Refused if its terms are none."""
    check(wanted.terms)
    tariff = await _locked(session, actor, wanted.tariff_id)
    _check_future(wanted.effective_from_s, now)
    row = await _insert(session, tariff, wanted, now)
    await _record(session, actor, row, "tariff.draft", now)
    return row


async def begin(session: AsyncSession, actor: Actor, tariff: Tariff, terms: Terms, now: int) -> TariffVersion:
    """Put the first version of a class that is being made in force: since ever, as no meter goes by it yet."""
    row = await _insert(session, tariff, Draft(tariff.id, 0, check(terms), "first price"), now)
    row.state, row.decided_by, row.decided_by_id, row.decided_at = APPROVED, actor.label, actor.person_id, now
    await session.flush()
    return row


async def _insert(session: AsyncSession, tariff: Tariff, wanted: Draft, now: int) -> TariffVersion:
    last = await session.scalar(select(func.max(TariffVersion.version)).where(TariffVersion.tariff_id == tariff.id))
    row = TariffVersion(
        utility_id=tariff.utility_id,
        tariff_id=tariff.id,
        version=(last or 0) + 1,
        effective_from_s=wanted.effective_from_s,
        terms=to_json(wanted.terms),
        reason=wanted.reason,
        created_at=now,
        state=DRAFT,
    )
    session.add(row)
    await session.flush()
    return row


async def submit(session: AsyncSession, actor: Actor, tariff_id: int, version: int, now: int) -> TariffVersion:
    """Ask another person to approve a draft."""
    person_id = actor.require_person()
    row = await _moved(session, actor, tariff_id, version, (DRAFT,))
    _check_future(row.effective_from_s, now)
    row.state, row.submitted_by, row.submitted_by_id, row.submitted_at = SUBMITTED, actor.label, person_id, now
    await _record(session, actor, row, "tariff.submit", now)
    return row


async def approve(session: AsyncSession, actor: Actor, tariff_id: int, version: int, now: int) -> TariffVersion:
    """Approve what another person submitted; it comes into force at its time, which must lie ahead.

    Conflict if a version that was approved before holds from the same time or later: withdraw that one first.
    """
    row = await _moved(session, actor, tariff_id, version, (SUBMITTED,))
    person_id = require_another_person(actor, row.submitted_by_id)
    _check_future(row.effective_from_s, now)
    later = select(TariffVersion.version).where(
        TariffVersion.tariff_id == tariff_id,
        TariffVersion.state == APPROVED,
        TariffVersion.effective_from_s >= row.effective_from_s,
    )
    if (found := await session.scalar(later.limit(1))) is not None:
        other = f"Version {found} holds from the same time or later; withdraw it first, or choose a later time."
        raise Conflict("version_later", other)
    row.state, row.decided_by, row.decided_by_id, row.decided_at = APPROVED, actor.label, person_id, now
    await _record(session, actor, row, "tariff.approve", now)
    return row


async def withdraw(session: AsyncSession, actor: Actor, tariff_id: int, version: int, now: int) -> TariffVersion:
    """End a version that is not in force yet; Conflict for one that is or was."""
    row = await _moved(session, actor, tariff_id, version, (DRAFT, SUBMITTED, APPROVED))
    if row.state == APPROVED and row.effective_from_s <= now:
        raise Conflict("version_in_force", f"Version {version} is in use and cannot change; make the next version.")
    row.state, row.decided_by, row.decided_by_id, row.decided_at = WITHDRAWN, actor.label, actor.person_id, now
    await _record(session, actor, row, "tariff.withdraw", now)
    return row


def _check_future(effective_from_s: int, now: int) -> None:
    if effective_from_s <= now:
        raise Refused("in_the_past", "A version comes into force after it is approved; give a later effective_from_s.")


async def _locked(session: AsyncSession, actor: Actor, tariff_id: int) -> Tariff:
    tariff = await owned(session, actor, Tariff, tariff_id, "tariff")
    await session.refresh(tariff, with_for_update=True)
    return tariff


async def _moved(
    session: AsyncSession, actor: Actor, tariff_id: int, version: int, states: tuple[str, ...]
) -> TariffVersion:
    await _locked(session, actor, tariff_id)
    row = await _of_number(session, tariff_id, version)
    if row.state not in states:
        raise Conflict("version_state", f"Version {version} is {row.state}; it must be {' or '.join(states)}.")
    return row


async def _of_number(session: AsyncSession, tariff_id: int, version: int) -> TariffVersion:
    mine = select(TariffVersion).where(TariffVersion.tariff_id == tariff_id, TariffVersion.version == version)
    row = await session.scalar(mine)
    if row is None:
        raise NotFound("version_unknown", f"Tariff {tariff_id} has no version {version}.")
    return row


async def of(session: AsyncSession, actor: Actor, tariff_id: int, version: int | None, at: int) -> TariffVersion:
    """Return a version that the caller may see: by its number, or with None the one in force at a time."""
    await owned(session, actor, Tariff, tariff_id, "tariff")
    if version is None:
        return await in_force(session, tariff_id, at)
    return await _of_number(session, tariff_id, version)


async def in_force(session: AsyncSession, tariff_id: int, at: int) -> TariffVersion:
    """Return the version of a class that is in force at a time; Refused if there is none."""
    approved = select(TariffVersion).where(
        TariffVersion.tariff_id == tariff_id,
        TariffVersion.state == APPROVED,
        TariffVersion.effective_from_s <= at,
    )
    newest = approved.order_by(TariffVersion.effective_from_s.desc(), TariffVersion.version.desc()).limit(1)
    row = await session.scalar(newest)
    if row is None:
        missing = f"Tariff {tariff_id} has no approved version in force then; approve one."
        raise Refused("no_tariff_in_force", missing)
    return row


async def listed(session: AsyncSession, actor: Actor, tariff_id: int, query: PageQuery) -> Sequence[TariffVersion]:
    """A page of the versions of a class."""
    await owned(session, actor, Tariff, tariff_id, "tariff")
    mine = select(TariffVersion).where(TariffVersion.tariff_id == tariff_id)
    return await rows_after(session, mine, TariffVersion.id, query)


async def _record(session: AsyncSession, actor: Actor, row: TariffVersion, action: str, now: int) -> None:
    detail = {
        "version": row.version,
        "state": row.state,
        "effective_from_s": row.effective_from_s,
        "terms": row.terms,
        "reason": row.reason,
        "submitted_by": row.submitted_by,
    }
    await session.flush()
    await audit.record(session, actor, action, f"tariff:{row.tariff_id}", detail, utility_id=row.utility_id, now=now)
