"""Ledger tables. Entries and verdicts are only ever added; a head advances by comparing what it was."""

from sqlalchemy import BigInteger, Index, LargeBinary, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId

DAY_OR_MODE = "kind IN (19, 20)"
"""What the index of a meter's days and modes holds; a query that says so word for word uses it."""


class LedgerHead(Base):
    """How far the ledger of one epoch is held without a gap, and the state (`shared.state`) at that entry."""

    __tablename__ = "ledger_head"

    gateway_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger, index=True)
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[bytes] = mapped_column(LargeBinary)
    frozen: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class LedgerEntry(Base):
    """One entry: the 42 bytes that were signed, the hash of the chain after them, and what queries ask for."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index(
            "ix_ledger_entry_day",
            "gateway_id",
            "channel",
            "time_s",
            sqlite_where=text(DAY_OR_MODE),
            postgresql_where=text(DAY_OR_MODE),
        ),
        {"sqlite_with_rowid": False},
    )

    gateway_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[int] = mapped_column(SmallInteger)
    time_s: Mapped[int] = mapped_column(BigInteger)
    delta: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)
    register: Mapped[int] = mapped_column(BigInteger)
    arrived_at: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary(42))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Verdict(Base):
    """What was found about an entry, and why; a later row replaces an earlier one, triggers refuse edits."""

    __tablename__ = "verdict"
    __table_args__ = (
        Index("ix_verdict_entry", "gateway_id", "epoch", "sequence"),
        Index("uq_verdict_vend", "vend_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int]
    sequence: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    verdict: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(300))
    cause: Mapped[str | None] = mapped_column(String(80))
    vend_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[int] = mapped_column(BigInteger)


class Quarantine(Base):
    """A message that was not taken in, byte for byte, and why; repeats of the same bytes are counted in `times`."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("gateway_id", "sha256"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    times: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)


class Case(Base):
    """Something that a person must look at. At most one is open per gateway, kind, epoch and entry."""

    __tablename__ = "ledger_case"
    __table_args__ = (
        Index("ix_ledger_case_meter", "gateway_id", "channel"),
        Index(
            "uq_ledger_case_open",
            "gateway_id",
            "kind",
            "epoch",
            "sequence",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    epoch: Mapped[int] = mapped_column(default=0)
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    channel: Mapped[int | None] = mapped_column(SmallInteger)
    detail: Mapped[str] = mapped_column(Text)
    quarantine_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10), default="open")
    times: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)
    closed_by: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text)
