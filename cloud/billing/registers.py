"""Registers of a meter from its signed ledger: what stood there when a civil day was closed. Nothing is estimated.

A gateway closes each day with a DAY entry at local midnight. One that was off then closes it when it is on again; it
counted nothing meanwhile, so that register is the day's too, and `read_day` says through which day it stands.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ledger.models import DAY_OR_MODE, LedgerEntry, LedgerHead, Verdict
from cloud.ledger.rules import CONTRADICTED, EXPLAINED
from cloud.meters.models import Meter, MeterOpening
from shared import kinds
from shared.civil import DAY_S
from shared.entries import Entry, decode

_LOOKED_AT = 400


@dataclass(frozen=True)
class Reading:
    """A register (ml, mWh) at the end of a civil day."""

    register_ml: int
    read_day: int
    gateway_id: int
    epoch: int


@dataclass(frozen=True)
class ModeEntry:
    """A MODE entry that the verifier explained: how the meter is charged from then on."""

    gateway_id: int
    epoch: int
    sequence: int
    time_s: int
    register_ml: int
    credit: bool


def _of_meter(meter: Meter, kind: int) -> "Select[Any]":
    """Its entries of a kind, oldest first, on whatever gateway it was."""
    mine = select(LedgerEntry).join(
        MeterOpening,
        (MeterOpening.gateway_id == LedgerEntry.gateway_id)
        & (MeterOpening.epoch == LedgerEntry.epoch)
        & (MeterOpening.channel == LedgerEntry.channel),
    )
    of_kind = (MeterOpening.meter_id == meter.id, LedgerEntry.kind == kind, text(f"ledger_entry.{DAY_OR_MODE}"))
    return mine.where(*of_kind).order_by(MeterOpening.opened_at, LedgerEntry.epoch, LedgerEntry.sequence)


async def at_end_of(session: AsyncSession, meter: Meter, day: int) -> Reading | None:
    """Return the register at the end of a civil day of the utility; None while the ledger has not told it."""
    rows = _of_meter(meter, kinds.DAY).where(LedgerEntry.time_s >= day * DAY_S).limit(_LOOKED_AT)
    for row in await session.scalars(rows):
        entry: Entry = decode(row.body)
        if entry.detail >= day:
            return Reading(entry.register, entry.detail, row.gateway_id, row.epoch)
    return None


async def modes(session: AsyncSession, meter: Meter) -> list[ModeEntry]:
    """Return how a meter was charged, oldest first; a mode that nothing explains changes no bill."""
    explained = select(Verdict.id).where(
        Verdict.gateway_id == LedgerEntry.gateway_id,
        Verdict.epoch == LedgerEntry.epoch,
        Verdict.sequence == LedgerEntry.sequence,
        Verdict.verdict == EXPLAINED,
    )
    found: list[ModeEntry] = []
    for row in await session.scalars(_of_meter(meter, kinds.MODE).where(explained.exists())):
        credit = bool(decode(row.body).detail & kinds.MODE_CREDIT)
        found.append(ModeEntry(row.gateway_id, row.epoch, row.sequence, row.time_s, row.register, credit))
    return found


async def objection(session: AsyncSession, meter: Meter, from_ml: int, until_ml: int) -> str:
    """Return why what flowed between two registers cannot be billed, or nothing: the ledger must prove it."""
    at_fault = (
        select(Verdict.sequence)
        .join(
            MeterOpening,
            (MeterOpening.gateway_id == Verdict.gateway_id)
            & (MeterOpening.epoch == Verdict.epoch)
            & (MeterOpening.channel == Verdict.channel),
        )
        .join(
            LedgerEntry,
            (LedgerEntry.gateway_id == Verdict.gateway_id)
            & (LedgerEntry.epoch == Verdict.epoch)
            & (LedgerEntry.sequence == Verdict.sequence),
        )
        .where(MeterOpening.meter_id == meter.id, LedgerEntry.register > from_ml, LedgerEntry.register <= until_ml)
    )
    wrong = Verdict.kind.in_((kinds.CHARGE, kinds.DAY)) & (Verdict.verdict == CONTRADICTED)
    unproven = (Verdict.kind == kinds.FACTOR) & (Verdict.verdict != EXPLAINED)
    sequence = await session.scalar(at_fault.where(wrong | unproven).limit(1))
    if sequence is not None:
        return f"entry {sequence} of its ledger is refuted or unexplained; close its case, and correct the register"
    frozen = (
        select(LedgerHead.epoch)
        .join(
            MeterOpening,
            (MeterOpening.gateway_id == LedgerHead.gateway_id) & (MeterOpening.epoch == LedgerHead.epoch),
        )
        .where(MeterOpening.meter_id == meter.id, LedgerHead.frozen, MeterOpening.gateway_id == meter.gateway_id)
    )
    epoch = await session.scalar(frozen.order_by(LedgerHead.epoch.desc()).limit(1))
    newest = select(MeterOpening.epoch).where(MeterOpening.meter_id == meter.id).order_by(MeterOpening.opened_at.desc())
    if epoch is not None and epoch == await session.scalar(newest.limit(1)):
        return f"epoch {epoch} of its gateway is frozen; enrol the gateway anew"
    return ""
