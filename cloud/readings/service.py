"""Taking readings in and comparing them with the DAY entries of the ledger; reading them for people.

Everything of one gateway happens under the lock of its ledger's head, so nothing here waits for another worker.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.auth.actor import Actor
from cloud.ledger import cases
from cloud.ledger.messages import Author
from cloud.meters.models import Meter
from cloud.meters.service import meter_of
from cloud.readings import rules
from cloud.readings.models import HourlyReading, ReadingDay
from cloud.readings.rules import VERIFIED, WHOLE, Hour, Proof
from shared.entries import Entry
from shared.readings import HOUR_S, Reading

DIFFER = "readings differ"
_ROWS_AT_ONCE = 1000

Packed = tuple[Reading, bytes]
Key = tuple[int, int]


async def take_in(session: AsyncSession, author: Author, records: Sequence[Packed], now: int) -> None:
    """Store the hours of records (and the bytes they came in); a channel without a meter is passed over."""
    placed = select(Meter.channel, Meter.id).where(Meter.gateway_id == author.gateway)
    meters = {row.channel: row.id for row in await session.execute(placed)}
    known = [one for one in records if one[0].channel in meters]
    days = await _days(session, author, {_key(reading) for reading, _ in known if rules.is_closed(reading)})
    found: list[Hour] = []
    for reading, packed in known:
        proof = rules.RUNNING
        if rules.is_closed(reading):
            proof = await _proven(session, _day(session, author, days, *_key(reading)), reading, packed, now)
        found += rules.hours(reading, meters[reading.channel], proof)
    await _store(session, author.utility, rules.newest(found))


async def note_days(session: AsyncSession, author: Author, entries: Iterable[Entry], now: int) -> None:
    """Keep what DAY entries say of records, and compare it with those that came before them."""
    said = {(entry.meter, entry.detail): entry for entry in entries}
    days = await _days(session, author, set(said))
    for key, entry in said.items():
        proof = Proof(entry.reference_a, entry.reference_b)
        if not proof.names_one:
            continue
        row = _day(session, author, days, *key)
        row.sequence, row.entry_check, row.entry_total = entry.sequence, proof.check, proof.total
        if row.record_check is None:
            continue
        if _record(row) == proof:
            await _verify(session, row)
        else:
            await _case(session, row, now)


async def hours_of(session: AsyncSession, actor: Actor, drn: str, from_s: int, to_s: int) -> Sequence[HourlyReading]:
    """The hours of a meter that begin at `from_s` or later and before `to_s` (UTC), as far as they are known."""
    meter = await meter_of(session, actor, drn)
    first, end = -(-from_s // HOUR_S), -(-to_s // HOUR_S)
    found = select(HourlyReading).where(
        HourlyReading.meter_id == meter.id, HourlyReading.hour >= first, HourlyReading.hour < end
    )
    return (await session.scalars(found.order_by(HourlyReading.hour))).all()


def _key(reading: Reading) -> Key:
    return reading.channel, reading.day


async def _days(session: AsyncSession, author: Author, keys: set[Key]) -> dict[Key, ReadingDay]:
    if not keys:
        return {}
    found = select(ReadingDay).where(
        ReadingDay.gateway_id == author.gateway,
        ReadingDay.epoch == author.epoch,
        tuple_(ReadingDay.channel, ReadingDay.day).in_(sorted(keys)),
    )
    return {(row.channel, row.day): row for row in await session.scalars(found)}


def _day(session: AsyncSession, author: Author, days: dict[Key, ReadingDay], channel: int, day: int) -> ReadingDay:
    row = days.get((channel, day))
    if row is None:
        row = ReadingDay(
            gateway_id=author.gateway, epoch=author.epoch, channel=channel, day=day, utility_id=author.utility
        )
        days[channel, day] = row
        session.add(row)
    return row


async def _proven(session: AsyncSession, row: ReadingDay, reading: Reading, packed: bytes, now: int) -> int:
    """What a closed day's record proves; its row names the record, unless that one is verified and this one is not."""
    record = rules.proof_of(reading, packed)
    said = None if row.entry_check is None or row.entry_total is None else Proof(row.entry_check, row.entry_total)
    if said is not None and said != record:
        await _case(session, row, now)
        return WHOLE
    row.record_check, row.record_total = record.check, record.total
    row.first_hour, row.hours = reading.first_hour, len(reading.pulses)
    return WHOLE if said is None else VERIFIED


def _record(row: ReadingDay) -> Proof | None:
    return None if row.record_check is None or row.record_total is None else Proof(row.record_check, row.record_total)


async def _verify(session: AsyncSession, row: ReadingDay) -> None:
    """The entry came after the record: its hours are proven now."""
    assert row.first_hour is not None and row.hours is not None, "a row with a record has its hours"
    meter = select(Meter.id).where(Meter.gateway_id == row.gateway_id, Meter.channel == row.channel)
    its_hours = HourlyReading.hour.between(row.first_hour, row.first_hour + row.hours - 1)
    mine = HourlyReading.meter_id.in_(meter.scalar_subquery())
    await session.execute(
        update(HourlyReading).where(mine, its_hours, HourlyReading.proof == WHOLE).values(proof=VERIFIED),
        execution_options={"synchronize_session": False},
    )


async def _case(session: AsyncSession, row: ReadingDay, now: int) -> None:
    await cases.open_case(
        session,
        utility_id=row.utility_id,
        gateway_id=row.gateway_id,
        kind=DIFFER,
        detail=f"the hourly readings of channel {row.channel} on day {row.day} are not those that entry "
        f"{row.sequence} names: compare both with the register",
        now=now,
        epoch=row.epoch,
        sequence=row.sequence or 0,
        channel=row.channel,
    )


def _differs(fresh: Any) -> ColumnElement[bool]:
    """The running day is sent again each hour: what is as it was is not written again."""
    return or_(HourlyReading.volume_ml != fresh.volume_ml, HourlyReading.time_quality != fresh.time_quality)


async def _store(session: AsyncSession, utility_id: int, found: list[Hour]) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for at in range(0, len(found), _ROWS_AT_ONCE):
        rows = [{**asdict(one), "utility_id": utility_id} for one in found[at : at + _ROWS_AT_ONCE]]
        statement = insert(HourlyReading).values(rows)
        fresh = statement.excluded
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["meter_id", "hour"],
                set_={"volume_ml": fresh.volume_ml, "proof": fresh.proof, "time_quality": fresh.time_quality},
                where=or_(HourlyReading.proof < fresh.proof, and_(HourlyReading.proof == fresh.proof, _differs(fresh))),
            )
        )
