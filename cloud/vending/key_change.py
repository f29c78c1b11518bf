"""Key changes: planned by an operator, given out with the next purchase, applied when the meter's ledger shows them.

Between the two nobody knows which key the meter holds. So every sale in between gives out the same sections again and
its credit under the new key, and nothing is ever made under the old key again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.errors import CloudError, Conflict, NotFound, Refused
from cloud.meters.models import Meter
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.vending import key_service, rules
from cloud.vending.models import KeyChange, Vend, VendingKey
from cloud.vending.store import Encoded, KeyStore, MeterIdentity, Use
from shared.documents import key_check
from shared.sts.errors import KeyTypeError
from shared.sts.key_change import check_key_type

PLANNED, ISSUED, APPLIED, CANCELLED = "planned", "issued", "applied", "cancelled"
OPEN = (PLANNED, ISSUED)
_DEFAULT_KEY = 1


@dataclass(frozen=True)
class Target:
    """The key that meters are to have: that of a supply group, revision and type. `ti` None keeps each tariff index."""

    sgc: str
    krn: int
    kt: int
    ti: int | None


@dataclass(frozen=True)
class Group:
    """The meters of a utility that are under one supply group and key revision."""

    utility_id: int
    sgc: str
    krn: int


@dataclass(frozen=True)
class Planned:
    """What became of the meters of a group: those with a plan now, those without and why, and where to go on."""

    changes: list[tuple[str, KeyChange]]
    refused: list[tuple[str, CloudError]]
    next: int | None


async def plan(
    session: AsyncSession, key_store: KeyStore, actor: Actor, meter: Meter, target: Target, now: int
) -> KeyChange:
    """Plan the change of a meter, or return the open plan that says the same; Refused if the keys do not fit."""
    old = await session.get_one(VendingKey, meter.vending_key_id)
    new = await key_service.find(session, meter.utility_id, target.sgc, target.krn, target.kt)
    ti = meter.ti if target.ti is None else target.ti
    present = await open_for(session, meter.id)
    if present is not None and (present.new_vending_key_id, present.new_ti) == (new.id, ti):
        return present
    _check(meter, old, new, ti, now)
    use = Use(actor, f"meter:{meter.drn}", now)
    check = key_check(await key_store.derive(session, new, MeterIdentity(meter.drn, ti), use))
    await _check_return(session, meter, check)
    change = KeyChange(
        utility_id=meter.utility_id,
        meter_id=meter.id,
        old_vending_key_id=old.id,
        old_ti=meter.ti,
        old_key_check=meter.key_check,
        new_vending_key_id=new.id,
        new_ti=ti,
        new_key_check=check,
        roll_over=old.base_year != new.base_year,
        last_tid=0,
        state=PLANNED,
        planned_at=now,
    )
    if present is not None:
        taken = f"Meter {meter.drn} has key change {present.id}, which is {present.state}; {_way_on(present)}."
        raise Conflict("key_change_open", taken)
    async with session.begin_nested():  # so that one meter of a group can be refused without the others
        taken = f"A change of meter {meter.drn} was planned meanwhile; look again."
        await insert(session, change, Conflict("key_change_open", taken))
    await _record(session, actor, "key-change.plan", change, meter.drn, now)
    return change


def _way_on(change: KeyChange) -> str:
    return "cancel it first" if change.state == PLANNED else "its tokens are out, so wait until the ledger shows them"


def _check(meter: Meter, old: VendingKey, new: VendingKey, ti: int, now: int) -> None:
    if (old.id, meter.ti) == (new.id, ti):
        raise Refused("key_unchanged", f"Meter {meter.drn} has that key and tariff index already.")
    if old.ea != new.ea:
        raise Refused(
            "key_algorithm", f"Meter {meter.drn} works with EA {old.ea:02d}, the new key is for {new.ea:02d}."
        )
    if new.kt == _DEFAULT_KEY:
        raise Refused("default_key", "A purchase brings credit, which a default key (KT 1) refuses; choose KT 2.")
    try:
        check_key_type(old.kt, new.kt)
    except KeyTypeError as error:
        raise Refused("key_type", f"Meter {meter.drn}: {error}.") from None
    rules.allocate_tid(0, now, new.base_year, new.ken)  # a change to a key that has expired helps nobody


async def _check_return(session: AsyncSession, meter: Meter, key_check: int) -> None:
    # Tokens that were taken back as gone with their key would work again.
    under_it = select(Vend.id).where(Vend.meter_id == meter.id, Vend.key_check == key_check).limit(1)
    if await session.scalar(under_it) is None:
        return
    await _lock_meter(session, meter.id)
    gone = (Vend.voided_at.is_not(None), Vend.void_tid.is_(None), Vend.held_until.is_(None))
    if await session.scalar(under_it.where(*gone)) is not None:
        told = f"Tokens of meter {meter.drn} under that key were taken back as unusable; make a new key revision."
        raise Refused("key_has_void_tokens", told)


async def plan_group(
    session: AsyncSession,
    key_store: KeyStore,
    actor: Actor,
    group: Group,
    target: Target,
    query: PageQuery,
    now: int,
) -> Planned:
    """Plan the meters of a group, a page at a time; a meter that cannot be planned is named and stops no other."""
    actor.require_utility(group.utility_id)
    await key_service.find(session, group.utility_id, target.sgc, target.krn, target.kt)
    mine = select(Meter).join(VendingKey, VendingKey.id == Meter.vending_key_id)
    mine = mine.where(Meter.utility_id == group.utility_id, VendingKey.sgc == group.sgc, VendingKey.krn == group.krn)
    mine = mine.where(Meter.closed_at.is_(None))
    meters: Sequence[Meter] = await rows_after(session, mine, Meter.id, query)
    shown = meters[: query.limit]
    planned = Planned([], [], shown[-1].id if len(meters) > len(shown) else None)
    for meter in shown:
        try:
            planned.changes.append((meter.drn, await plan(session, key_store, actor, meter, target, now)))
        except (Refused, Conflict) as error:
            planned.refused.append((meter.drn, error))
    return planned


async def cancel(session: AsyncSession, actor: Actor, change_id: int, now: int) -> KeyChange:
    """Cancel a planned change; Conflict once its tokens are out, because they never expire."""
    change = await owned(session, actor, KeyChange, change_id, "key change")
    locked = select(KeyChange).where(KeyChange.id == change.id).with_for_update()
    change = (await session.scalars(locked.execution_options(populate_existing=True))).one()
    if change.state == CANCELLED:
        return change
    if change.state != PLANNED:
        out = (
            f"Key change {change.id} is {change.state}: its tokens cannot be called back; plan the way back afterwards."
        )
        raise Conflict("key_change_issued", out)
    change.state, change.cancelled_at = CANCELLED, now
    await _record(session, actor, "key-change.cancel", change, await _drn(session, change), now)
    return change


async def open_for(session: AsyncSession, meter_id: int, *, lock: bool = False) -> KeyChange | None:
    """Return the change of a meter that is planned or issued."""
    found = select(KeyChange).where(KeyChange.meter_id == meter_id, KeyChange.state.in_(OPEN))
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(found)


async def explains(session: AsyncSession, meter_id: int, key_check: int) -> KeyChange | None:
    """Return the open change of a meter to the key with this check value, locked; None if nobody planned one."""
    await _lock_meter(session, meter_id)  # before the change, as a sale does
    change = await open_for(session, meter_id, lock=True)
    return change if change is not None and change.new_key_check == key_check else None


async def apply(session: AsyncSession, change: KeyChange, now: int) -> None:
    """Give the meter the new key, because its ledger shows that it has it. Identifiers begin anew after a roll-over."""
    meter = await _lock_meter(session, change.meter_id)
    meter.vending_key_id, meter.ti, meter.key_check = change.new_vending_key_id, change.new_ti, change.new_key_check
    if change.roll_over:
        meter.last_tid = change.last_tid
    change.state, change.applied_at = APPLIED, now
    await session.flush()


async def sections(
    session: AsyncSession, key_store: KeyStore, actor: Actor, change: KeyChange, now: int
) -> list[Encoded]:
    """Return the section tokens of a change, in order; the same every time, and audited every time."""
    drn = await _drn(session, change)
    old = await session.get_one(VendingKey, change.old_vending_key_id)
    new = await session.get_one(VendingKey, change.new_vending_key_id)
    use = Use(actor, f"key-change:{change.id}", now)
    return await key_store.key_change(
        session, old, MeterIdentity(drn, change.old_ti), new, MeterIdentity(drn, change.new_ti), use
    )


async def section_of(
    session: AsyncSession, key_store: KeyStore, actor: Actor, change_id: int, section: int, now: int
) -> Encoded:
    """Return one section token, numbered from 1, for its delivery."""
    change = await session.get(KeyChange, change_id)
    if change is None:
        raise NotFound("key_change_unknown", f"There is no key change {change_id}.")
    return (await sections(session, key_store, actor, change, now))[section - 1]


async def listed(session: AsyncSession, actor: Actor, state: str | None, query: PageQuery) -> Sequence[KeyChange]:
    """Return a page of the key changes that the caller may see, of one state or of all."""
    found = of_actor(select(KeyChange), actor, KeyChange.utility_id)
    if state is not None:
        found = found.where(KeyChange.state == state)
    return await rows_after(session, found, KeyChange.id, query)


async def _lock_meter(session: AsyncSession, meter_id: int) -> Meter:
    locked = select(Meter).where(Meter.id == meter_id).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(locked)).one()


async def _drn(session: AsyncSession, change: KeyChange) -> str:
    return (await session.get_one(Meter, change.meter_id)).drn


async def _record(session: AsyncSession, actor: Actor, action: str, change: KeyChange, drn: str, now: int) -> None:
    detail = {
        "drn": drn,
        "old_vending_key": change.old_vending_key_id,
        "new_vending_key": change.new_vending_key_id,
        "new_ti": change.new_ti,
        "roll_over": change.roll_over,
    }
    await audit.record(session, actor, action, f"key-change:{change.id}", detail, utility_id=change.utility_id, now=now)
