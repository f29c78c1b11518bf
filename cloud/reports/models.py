"""Tables of reports: what meters hold by their ledgers, reconciliations with their differences, settlements."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class LedgerCursor(Base):
    """How far the ledger of one epoch is in the books; locked while more of it is posted."""

    __tablename__ = "ledger_cursor"

    gateway_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)


class MeterPosition(Base):
    """What a meter holds by the entries that are in the books: its pots and register after entry `sequence`.

    Pots are in the unit of the account. `moved` is the sum of all that moved but tokens, in ml or mWh, `moved_money`
    in 1/100000 of the currency, of which the books have the whole minor units, rounded down.
    `handed_over` is what of the pots was taken out of the books by a swap or a closing, and still stands on the device.
    """

    __tablename__ = "meter_position"
    __table_args__ = (
        Index("ix_meter_position_utility_id", "utility_id"),
        Index("ix_meter_position_gateway", "gateway_id", "epoch"),
    )

    meter_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    gateway_id: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int]
    channel: Mapped[int] = mapped_column(SmallInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    mode: Mapped[int]
    token_credit: Mapped[int] = mapped_column(BigInteger)
    emergency_credit: Mapped[int] = mapped_column(BigInteger)
    reserved_credit: Mapped[int] = mapped_column(BigInteger)
    accumulated_debt: Mapped[int] = mapped_column(BigInteger)
    register: Mapped[int] = mapped_column(BigInteger)
    moved: Mapped[int] = mapped_column(BigInteger)
    moved_money: Mapped[int] = mapped_column(BigInteger)
    handed_over: Mapped[int] = mapped_column(BigInteger)


class MeterDay(Base):
    """What a meter's ledger moved on a local day, in the unit of its account: `cur` for 1/100000 of the currency.

    What a meter holds is the sum of its days: token + granted + carried + unexplained - consumed - fixed - cleared.
    `volume_ml` is what flowed, `free_ml` what of it nobody paid for.
    """

    __tablename__ = "meter_day"
    __table_args__ = (Index("ix_meter_day_utility_id", "utility_id", "day"),)

    meter_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit: Mapped[str] = mapped_column(String(3), primary_key=True)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[int] = mapped_column(BigInteger)
    consumed: Mapped[int] = mapped_column(BigInteger)
    fixed: Mapped[int] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)
    cleared: Mapped[int] = mapped_column(BigInteger)
    carried: Mapped[int] = mapped_column(BigInteger)
    unexplained: Mapped[int] = mapped_column(BigInteger)
    volume_ml: Mapped[int] = mapped_column(BigInteger)
    free_ml: Mapped[int] = mapped_column(BigInteger)


class Reconciliation(Base):
    """One civil day of a utility, compared. It may be run again: `lines` are those of the last run.

    `holds`: every difference is explained or stands in a reconciliation_item.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (UniqueConstraint("utility_id", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    day: Mapped[int]
    from_s: Mapped[int] = mapped_column(BigInteger)
    until_s: Mapped[int] = mapped_column(BigInteger)
    runs: Mapped[int]
    holds: Mapped[bool]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    actor: Mapped[str] = mapped_column(String(200))
    ran_at: Mapped[int] = mapped_column(BigInteger)


class ReconciliationItem(Base):
    """A difference that is listed, from the first day that showed it to the last.

    `open`; `settled` by a person with a note, and open again when its amount changes; `ended` when it is gone.
    """

    __tablename__ = "reconciliation_item"
    __table_args__ = (
        Index("ix_reconciliation_item_utility_id", "utility_id", "first_day"),
        Index(
            "uq_reconciliation_item_standing",
            "utility_id",
            "code",
            "subject",
            "unit",
            unique=True,
            sqlite_where=text("state <> 'ended'"),
            postgresql_where=text("state <> 'ended'"),
        ),
        CheckConstraint("state IN ('open', 'settled', 'ended')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    section: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(120))
    unit: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(10))
    first_day: Mapped[int]
    last_day: Mapped[int]
    ended_day: Mapped[int | None]
    settled_by: Mapped[str | None] = mapped_column(String(200))
    settled_at: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None] = mapped_column(Text)


class Settlement(Base):
    """A statement of a payment provider as it was imported; the same file again is no second one."""

    __tablename__ = "settlement"
    __table_args__ = (UniqueConstraint("channel", "sha256"), Index("ix_settlement_utility_id", "utility_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    channel: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    lines: Mapped[int]
    covers_until: Mapped[int] = mapped_column(BigInteger)
    imported_by: Mapped[str] = mapped_column(String(200))
    imported_at: Mapped[int] = mapped_column(BigInteger)


class SettlementLine(Base):
    """What a provider says of one movement: `amount_minor` above zero for what came to it, below for what left.

    `kind`: a payment; a refund, also a reversal; a payout to the bank; a fee by itself. `fee_minor` is kept of it.
    """

    __tablename__ = "settlement_line"
    __table_args__ = (
        UniqueConstraint("channel", "kind", "reference"),
        Index("ix_settlement_line_reference", "provider", "reference"),
        CheckConstraint("kind IN ('payment', 'refund', 'payout', 'fee')", name="kind"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    channel: Mapped[str] = mapped_column(String(40))
    provider: Mapped[str] = mapped_column(String(20))
    tender_kind: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(100))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[int] = mapped_column(BigInteger)


class TenderProof(Base):
    """Why a tender that a cashier typed is believed: the provider's reference of it, or a second person."""

    __tablename__ = "tender_proof"
    __table_args__ = (UniqueConstraint("utility_id", "provider", "reference"),)

    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    provider: Mapped[str | None] = mapped_column(String(20))
    reference: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(300))
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[int] = mapped_column(BigInteger)
