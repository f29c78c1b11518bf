"""From the ledgers to the books: what arrived of a gateway is folded, and each meter's days are posted, once.

The cursor of the ledger is locked and moves in the transaction of the entries, so a repeat and a crash post nothing
twice. What arrives late for a day is a further entry of that day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import system
from cloud.books import rules as book_rules
from cloud.books import service as books
from cloud.db import Database
from cloud.errors import Refused
from cloud.ledger.models import LedgerEntry, LedgerHead, Verdict
from cloud.ledger.rules import EXPLAINED
from cloud.meters.models import Meter, MeterOpening
from cloud.reports.consumption import CARRIED, MONEY, MOVES, TOKEN, Fold, Judged, Moved, local_day, net
from cloud.reports.entries import Holder, draft
from cloud.reports.models import LedgerCursor, MeterDay, MeterPosition
from cloud.reports.sheet import day_text
from cloud.reports.zone import zone_of
from cloud.tariffs import versions
from cloud.tariffs.models import Tariff
from cloud.tariffs.terms import Tax, from_json
from shared import kinds
from shared.civil import Zone
from shared.entries import decode
from shared.state import MeterState

ACTOR = system("reports")
_ENTRIES_AT_ONCE = 5_000
_POTS = {
    kinds.TOKEN_CREDIT: "token_credit",
    kinds.EMERGENCY_CREDIT: "emergency_credit",
    kinds.RESERVED_CREDIT: "reserved_credit",
    kinds.ACCUMULATED_DEBT: "accumulated_debt",
}


@dataclass(frozen=True)
class Ledger:
    """The ledger of one epoch."""

    utility_id: int
    gateway_id: int
    epoch: int


async def post_all(database: Database, utility_id: int, until_s: int, now: int) -> int:
    """Post all that arrived before a time, ledger by ledger; return how many entries of ledgers were folded."""
    count, after = 0, (0, 0)
    while True:
        async with database.read() as session:
            ledger = await _next_behind(session, utility_id, after)
        if ledger is None:
            return count
        after = (ledger.gateway_id, ledger.epoch)
        while True:
            async with database.begin() as session:
                posted = await post(session, ledger, until_s, now)
            count += posted
            if posted < _ENTRIES_AT_ONCE:
                break


async def _next_behind(session: AsyncSession, utility_id: int, after: tuple[int, int]) -> Ledger | None:
    same = and_(LedgerCursor.gateway_id == LedgerHead.gateway_id, LedgerCursor.epoch == LedgerHead.epoch)
    beyond = or_(LedgerHead.gateway_id > after[0], and_(LedgerHead.gateway_id == after[0], LedgerHead.epoch > after[1]))
    behind = (
        select(LedgerHead.utility_id, LedgerHead.gateway_id, LedgerHead.epoch)
        .outerjoin(LedgerCursor, same)
        .where(LedgerHead.utility_id == utility_id, beyond)
        .where(LedgerHead.sequence > func.coalesce(LedgerCursor.sequence, 0))
        .order_by(LedgerHead.gateway_id, LedgerHead.epoch)
        .limit(1)
    )
    row = (await session.execute(behind)).first()
    return None if row is None else Ledger(*row)


async def post(session: AsyncSession, ledger: Ledger, until_s: int, now: int) -> int:
    """Post what a ledger has behind its cursor and arrived before a time; return how many entries were folded."""
    cursor = await _locked_cursor(session, ledger)
    rows = await entries_after(session, ledger, cursor.sequence, until_s)
    if not rows:
        return 0
    meters = await _meters(session, ledger)
    positions = await _positions(session, [meter.id for meter in meters.values()], lock=True)
    fold = _begun(ledger, meters, positions)
    zone = await zone_of(session, ledger.utility_id)
    await fold_rows(session, ledger, fold, rows, zone)
    cursor.sequence = rows[-1].sequence
    for (channel, day, unit), moved in sorted(fold.moved.items()):
        meter = meters[channel]
        position = await _position(session, positions, ledger, meter)
        await _post_day(session, ledger, meter, position, day, unit, moved, zone, now)
        await _add_day(session, meter, day, unit, moved)
    for channel, state in fold.meters.items():
        if channel in meters and meters[channel].id in positions:
            _keep(positions[meters[channel].id], ledger, state, cursor.sequence)
    await session.flush()
    return len(rows)


async def _locked_cursor(session: AsyncSession, ledger: Ledger) -> LedgerCursor:
    key = {"gateway_id": ledger.gateway_id, "epoch": ledger.epoch}
    made = _insert(session)(LedgerCursor).values(**key, utility_id=ledger.utility_id, sequence=0)
    await session.execute(made.on_conflict_do_nothing())
    mine = select(LedgerCursor).filter_by(**key).with_for_update()
    return (await session.scalars(mine.execution_options(populate_existing=True))).one()


async def entries_after(
    session: AsyncSession, ledger: Ledger, sequence: int, until_s: int | None
) -> Sequence[LedgerEntry]:
    """Return the entries behind one, at most so many at once, that arrived before a time."""
    mine = (LedgerEntry.gateway_id == ledger.gateway_id, LedgerEntry.epoch == ledger.epoch)
    found = select(LedgerEntry).where(*mine, LedgerEntry.sequence > sequence).order_by(LedgerEntry.sequence)
    rows = (await session.scalars(found.limit(_ENTRIES_AT_ONCE))).all()
    if until_s is None:
        return rows
    late = next((index for index, row in enumerate(rows) if row.arrived_at >= until_s), len(rows))
    return rows[:late]


async def fold_rows(session: AsyncSession, ledger: Ledger, fold: Fold, rows: Sequence[LedgerEntry], zone: Zone) -> None:
    """Fold entries in, each with what the verifier found."""
    judged = await _judged(session, ledger, rows[0].sequence, rows[-1].sequence)
    for row in rows:
        entry = decode(row.body)
        fold.take(entry, local_day(entry, row.arrived_at, zone), judged.get(row.sequence))


async def _judged(session: AsyncSession, ledger: Ledger, first: int, last: int) -> dict[int, Judged]:
    mine = (Verdict.gateway_id == ledger.gateway_id, Verdict.epoch == ledger.epoch)
    found = select(Verdict).where(*mine, Verdict.sequence.between(first, last)).order_by(Verdict.id)
    judged: dict[int, Judged] = {}
    for row in await session.scalars(found):
        before = judged.get(row.sequence)
        vend_id = row.vend_id if before is None or before.vend_id is None else before.vend_id
        judged[row.sequence] = Judged(row.verdict == EXPLAINED or vend_id is not None, vend_id)
    return judged


async def _meters(session: AsyncSession, ledger: Ledger) -> dict[int, Meter]:
    """The meters of an epoch by channel, as they were enrolled with it."""
    mine = (MeterOpening.gateway_id == ledger.gateway_id, MeterOpening.epoch == ledger.epoch)
    found = select(MeterOpening.channel, Meter).join(Meter, Meter.id == MeterOpening.meter_id).where(*mine)
    return {row[0]: row[1] for row in await session.execute(found)}


async def begun(session: AsyncSession, ledger: Ledger) -> tuple[dict[int, Meter], Fold]:
    """Return the meters of a ledger by channel, and a fold that stands where their positions do; for reading."""
    meters = await _meters(session, ledger)
    positions = await _positions(session, [meter.id for meter in meters.values()], lock=False)
    return meters, _begun(ledger, meters, positions)


async def _positions(session: AsyncSession, meter_ids: Sequence[int], *, lock: bool) -> dict[int, MeterPosition]:
    found = select(MeterPosition).where(MeterPosition.meter_id.in_(meter_ids)).order_by(MeterPosition.meter_id)
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return {row.meter_id: row for row in await session.scalars(found)}


def _begun(ledger: Ledger, meters: Mapping[int, Meter], positions: Mapping[int, MeterPosition]) -> Fold:
    """A fold that goes on where the positions stand; meters of an earlier epoch bring what they hold."""
    states, carried = {}, {}
    for channel, meter in meters.items():
        row = positions.get(meter.id)
        if row is None:
            continue
        state = state_of(row)
        if (row.gateway_id, row.epoch) == (ledger.gateway_id, ledger.epoch):
            states[channel] = state
        else:
            carried[channel] = net(state) - row.handed_over
    return Fold(states, carried, {channel: book_rules.UNITS[meter.commodity] for channel, meter in meters.items()})


def state_of(row: MeterPosition) -> MeterState:
    """The pots, mode and register of a position as a meter's state; nothing else of it is known."""
    state = MeterState(row.channel)
    for pot, name in _POTS.items():
        state.pots[pot] = getattr(row, name)
    state.mode, state.register = row.mode, row.register
    return state


async def _position(
    session: AsyncSession, positions: dict[int, MeterPosition], ledger: Ledger, meter: Meter
) -> MeterPosition:
    if meter.id not in positions:
        empty = dict.fromkeys(
            [*_POTS.values(), "register", "moved", "moved_money", "handed_over", "mode", "sequence"], 0
        )
        row = MeterPosition(
            meter_id=meter.id,
            utility_id=meter.utility_id,
            gateway_id=ledger.gateway_id,
            epoch=ledger.epoch,
            channel=meter.channel,
            **empty,
        )
        session.add(row)
        await session.flush()
        positions[meter.id] = row
    return positions[meter.id]


def _keep(row: MeterPosition, ledger: Ledger, state: MeterState, sequence: int) -> None:
    if (row.gateway_id, row.epoch) != (ledger.gateway_id, ledger.epoch):
        row.handed_over = 0
    row.gateway_id, row.epoch, row.channel = ledger.gateway_id, ledger.epoch, state.channel
    row.sequence, row.mode, row.register = sequence, state.mode, state.register
    for pot, name in _POTS.items():
        setattr(row, name, state.pots[pot])


async def _post_day(
    session: AsyncSession,
    ledger: Ledger,
    meter: Meter,
    position: MeterPosition,
    day: int,
    unit: str,
    moved: Moved,
    zone: Zone,
    now: int,
) -> None:
    place = f"{ledger.gateway_id}.{ledger.epoch}:{moved.first}-{moved.last}"
    reason = f"{day_text(day)}, ledger {place}"
    holder = await holder_of(session, meter, zone.instant(day + 1, 0) if unit == MONEY else None)
    made = draft(holder, f"{meter.id}:{day}:{place}:{unit}", reason, unit, moved, position.moved_money)
    if made is not None:
        await books.post(session, made, ACTOR, now)
    change = sum(amount for move, amount in moved.moves.items() if move != TOKEN)
    if unit == MONEY:
        position.moved_money += change
    else:
        position.moved += change


async def holder_of(session: AsyncSession, meter: Meter, at: int | None) -> Holder:
    """A meter as its entries name it; with a time, with the taxes of its class that were in force then."""
    tariff = await session.get_one(Tariff, meter.tariff_id)
    taxes: Sequence[Tax] = ()
    if at is not None:
        try:
            taxes = from_json((await versions.in_force(session, tariff.id, at)).terms).taxes
        except Refused:
            taxes = ()  # a class without a version in force raises no tax
    return Holder(meter.utility_id, meter.id, meter.commodity, tariff.currency, taxes)


async def _add_day(session: AsyncSession, meter: Meter, day: int, unit: str, moved: Moved) -> None:
    added = {move: moved.shown(move) for move in MOVES}
    added |= {"volume_ml": moved.volume_ml, "free_ml": moved.free_ml}
    first = _insert(session)(MeterDay).values(
        meter_id=meter.id, day=day, unit=unit, utility_id=meter.utility_id, **added
    )
    sums = {name: getattr(MeterDay, name) + getattr(first.excluded, name) for name in added}
    await session.execute(first.on_conflict_do_update(index_elements=["meter_id", "day", "unit"], set_=sums))


async def catch_up(session: AsyncSession, meter: Meter, now: int) -> None:
    """Post all that the ledgers of a meter's gateway say so far."""
    heads = select(LedgerHead.epoch).where(LedgerHead.gateway_id == meter.gateway_id).order_by(LedgerHead.epoch)
    for epoch in (await session.scalars(heads)).all():
        ledger = Ledger(meter.utility_id, meter.gateway_id, epoch)
        while await post(session, ledger, now + 1, now):
            pass


async def hand_over(session: AsyncSession, meter: Meter, now: int) -> int:
    """Take what a meter holds out of its position and return it, in the unit of its account; the caller posts it.

    First all is posted that its ledger says. A device that goes on goes on from there: what it holds is no more owed.
    """
    await catch_up(session, meter, now)
    row = (await _positions(session, [meter.id], lock=True)).get(meter.id)
    if row is None:
        return 0
    held = net(state_of(row)) - row.handed_over
    row.handed_over += held
    if row.mode & kinds.MODE_CURRENCY:
        row.moved_money -= held
    else:
        row.moved -= held
    day = (await zone_of(session, meter.utility_id)).local(now)[0]
    await _add_day(session, meter, day, unit_of(row, meter), Moved({CARRIED: -held}))
    await session.flush()
    return held


def unit_of(row: MeterPosition, meter: Meter) -> str:
    """The unit of what a meter holds: ml, mwh, or cur."""
    return MONEY if row.mode & kinds.MODE_CURRENCY else book_rules.UNITS[meter.commodity]


def _insert(session: AsyncSession):  # type: ignore[no-untyped-def]  # the two dialects have no common type
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
