"""Swapping a meter: the old one closes with its final, the new one goes on with its balance, in one transaction.

The account stays as it is, with its debts and its counters of the month. A balance that one person may not adjust, and
one that only the last verified state of a silent gateway speaks for, are carried when a second person approves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import decided
from cloud.accounts import carrying, finals, places, reissue
from cloud.accounts.change_models import MeterSwap
from cloud.accounts.finals import Figures
from cloud.accounts.models import ServicePoint
from cloud.api.fields import PageQuery
from cloud.audit import service as audit
from cloud.auth.actor import Actor
from cloud.billing import spans
from cloud.books import rules as books
from cloud.books import service as ledger_books
from cloud.books.rules import Draft
from cloud.commands.orders import Limits
from cloud.decided import DONE
from cloud.errors import Conflict, Refused
from cloud.meters import service as meters
from cloud.meters import standing
from cloud.meters.models import Meter
from cloud.rows import insert, of_actor, owned, rows_after
from cloud.vending import holds
from cloud.vending.store import KeyStore
from shared import kinds

_HARDWARE = kinds.MODE_BYPASS


@dataclass(frozen=True)
class NewSwap:
    """Which meter another replaces, what proves where the old one ended, and why."""

    drn: str
    new_drn: str
    proof: str
    reason: str


async def ask(
    session: AsyncSession, key_store: KeyStore, actor: Actor, wanted: NewSwap, limits: Limits, now: int
) -> MeterSwap:
    """Swap a meter, or keep the swap for a second person to approve."""
    found = await meters.meter_of(session, actor, wanted.drn)
    other = await meters.meter_of(session, actor, wanted.new_drn)
    old, new = await _both(session, found.id, other.id)
    stay = await places.stay_of(session, old.id)
    if stay is None or old.closed_at is not None:
        raise Refused("no_place", f"Meter {old.drn} stays at no service point; open an account there first.")
    await _check(session, old, new)
    await holds.check_none(session, old)
    final = await finals.of(session, old, wanted.proof, now)
    row = MeterSwap(
        utility_id=old.utility_id,
        service_point_id=stay.service_point_id,
        account_id=old.account_id,
        old_meter_id=old.id,
        new_meter_id=new.id,
        command_id=None,
        **final.columns(),
        **decided.asked(actor, wanted.reason, now),
    )
    most = limits.money if old.account == "currency" else limits.volume_ml
    alone = final.proof == finals.LEDGER and abs(final.balance) <= most
    if not alone:
        actor.require_person()
    twice = Conflict("swap_there", f"A swap of meter {old.drn} or to {new.drn} is there; look at GET /meter-swaps.")
    await insert(session, row, twice)
    await _record(session, actor, row, "meter.swap-ask", old, new, now)
    if alone:
        await _carry_out(session, key_store, actor, row, now)
    return row


async def approve(session: AsyncSession, key_store: KeyStore, actor: Actor, swap_id: int, now: int) -> MeterSwap:
    """Carry a swap out that another person asked for."""
    row = await decided.waiting(session, actor, MeterSwap, swap_id, "meter swap")
    decided.by_another(actor, row)
    await _carry_out(session, key_store, actor, row, now)
    return row


async def decline(session: AsyncSession, actor: Actor, swap_id: int, now: int) -> MeterSwap:
    """End a swap that was asked for; nothing moved."""
    row = await decided.waiting(session, actor, MeterSwap, swap_id, "meter swap")
    await decided.decline(session, actor, row, "meter.swap-decline", now)
    return row


async def carry(session: AsyncSession, key_store: KeyStore, actor: Actor, swap_id: int, now: int) -> MeterSwap:
    """Do what of a swap could not be done yet: order the balance again if it was not taken in, re-issue tokens."""
    row = await owned(session, actor, MeterSwap, swap_id, "meter swap")
    await session.refresh(row, with_for_update=True)
    if row.state != DONE:
        raise Conflict("swap_state", f"Swap {row.id} is {row.state}; only one that is done is carried on.")
    old, new = await _both(session, row.old_meter_id, row.new_meter_id)
    if row.command_id is not None and not await carrying.outstanding(session, row.command_id, now):
        await _fill(session, row, new, now)
    await reissue.all_of(session, key_store, actor, row, old, new, now)
    await _record(session, actor, row, "meter.swap-carry", old, new, now)
    return row


async def _both(session: AsyncSession, old_id: int, new_id: int) -> tuple[Meter, Meter]:
    """Both meters, locked in the order of their ids, so that two swaps do not wait for each other."""
    locked = {number: await places.locked_meter(session, number) for number in sorted({old_id, new_id})}
    return locked[old_id], locked[new_id]


async def _check(session: AsyncSession, old: Meter, new: Meter) -> None:
    if old.id == new.id:
        raise Refused("same_meter", f"Meter {old.drn} cannot replace itself; name the new meter.")
    alike = (old.utility_id, old.commodity, old.account, new.bulk)
    if alike != (new.utility_id, new.commodity, new.account, False):
        said = f"Meter {new.drn} is of another utility, commodity or kind of account than {old.drn}, or a bulk meter"
        raise Refused("meters_differ", f"{said}; take one like it.")
    if new.closed_at is not None or new.account_id is not None or await places.stay_of(session, new.id) is not None:
        raise Refused("meter_taken", f"Meter {new.drn} is closed or supplies another place; take one that is free.")
    modes = [(meter.payment, meter.critical_need, meter.meter_group) for meter in (old, new)]
    if modes[0] != modes[1] and await carrying.is_open(session, new):
        said = f"Meter {new.drn} runs with another payment mode, protection or group than {old.drn}"
        raise Refused("mode_differs", f"{said}; order those first (POST /meters/{new.drn}/mode).")


async def _carry_out(session: AsyncSession, key_store: KeyStore, actor: Actor, row: MeterSwap, now: int) -> None:
    old, new = await _both(session, row.old_meter_id, row.new_meter_id)
    await _check(session, old, new)
    final = await finals.of(session, old, row.proof, now)
    for name, value in final.columns().items():
        setattr(row, name, value)
    if final.proof == finals.LEDGER:
        await carrying.recall(session, old, now)
    if old.account == "currency":
        state = await standing.latest(session, old)
        row.month_volume_ml = None if state is None else int(state.block_counter)
    decided.done(actor, row, now)
    await _record(session, actor, row, "meter.swap", old, new, now)
    opened = await carrying.is_open(session, new)
    await _books(session, actor, row, old, final, opened, now)
    await _move(session, row, old, new, final, now)
    if final.proof == finals.LEDGER and await carrying.is_open(session, old):
        await carrying.empty(session, old, final, f"swap {row.id} to meter {new.drn}", now)
    if opened:
        await _fill(session, row, new, now)
    else:
        new.opening_balance = row.balance
    await session.flush()
    await reissue.all_of(session, key_store, actor, row, old, new, now)


async def _books(
    session: AsyncSession, actor: Actor, row: MeterSwap, old: Meter, final: Figures, opened: bool, now: int
) -> None:
    unit, divisor = await carrying.measure(session, old)
    source, amount = await carrying.left(session, old, final, now)
    # What the new meter takes in is posted from its ledger: as an adjustment, or as what it opened with.
    target = books.granted(old.commodity, unit) if opened else books.carried(old.commodity, unit)
    taken = row.balance // divisor
    rest = books.carried(old.commodity, unit)
    lines = books.lines((source, amount, "swap out"), (target, -taken, "swap in"), (rest, taken - amount, "late"))
    if lines:
        draft = Draft(row.utility_id, f"swap:{row.id}", "swap", f"swap:{row.id}", row.reason, lines)
        await ledger_books.post(session, draft, actor, now)


async def _move(session: AsyncSession, row: MeterSwap, old: Meter, new: Meter, final: Figures, now: int) -> None:
    """The new meter stays at the place from now on, and the account is supplied by it."""
    stay = await places.stay_of(session, old.id)
    assert stay is not None, "the place was found when the swap was asked for"
    stay.to_at, stay.final_register_ml = now, final.register_ml
    row.account_id = old.account_id
    await spans.end(session, old, now)
    new.customer_id, new.account_id, new.tariff_id = old.customer_id, old.account_id, old.tariff_id
    old.customer_id = old.account_id = None
    old.closed_at = now
    if not await carrying.is_open(session, new):
        new.mode = old.mode & ~_HARDWARE | new.mode & _HARDWARE
        new.meter_group = old.meter_group
    await session.flush()
    point = await session.get_one(ServicePoint, row.service_point_id)
    begins = await finals.of(session, new, finals.LAST_VERIFIED, now)
    await places.install(session, point, new, begins.register_ml, now)
    if new.customer_id is not None:
        await spans.cut(session, new, new.customer_id, now)


async def _fill(session: AsyncSession, row: MeterSwap, new: Meter, now: int) -> None:
    if row.balance:
        command = await carrying.fill(session, new, row.balance, f"swap {row.id}: what the meter before had", now)
        row.command_id = command.id
        await session.flush()


async def _record(
    session: AsyncSession, actor: Actor, row: MeterSwap, action: str, old: Meter, new: Meter, now: int
) -> None:
    detail = {
        "old": old.drn,
        "new": new.drn,
        "proof": row.proof,
        "epoch": row.epoch,
        "sequence": row.sequence,
        "register_ml": row.register_ml,
        "balance": row.balance,
        "month_volume_ml": row.month_volume_ml,
        "reason": row.reason,
        "state": row.state,
    }
    await audit.record(session, actor, action, f"meter-swap:{row.id}", detail, utility_id=row.utility_id, now=now)


async def of_id(session: AsyncSession, actor: Actor, swap_id: int) -> MeterSwap:
    """One swap; NotFound if there is none or the caller may not see it."""
    return await owned(session, actor, MeterSwap, swap_id, "meter swap")


async def listed(session: AsyncSession, actor: Actor, query: PageQuery) -> Sequence[MeterSwap]:
    """A page of the swaps that the caller may see."""
    return await rows_after(session, of_actor(select(MeterSwap), actor, MeterSwap.utility_id), MeterSwap.id, query)
