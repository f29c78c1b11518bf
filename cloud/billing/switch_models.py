"""Tables of meters' ways between prepayment and bills."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided


class ModeSwitch(Decided, Base):
    """A meter's way to the other payment mode. `state`: waiting, ordered, settling, done, declined, failed.

    `value_minor` is what the credit that was left at the meter was worth; `credit_ml` that credit, below zero if owed,
    or `credit_money` of a meter that holds money, in 1/100000 of the currency.
    """

    __tablename__ = "mode_switch"
    __table_args__ = (
        Index(
            "uq_mode_switch_open",
            "meter_id",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'ordered', 'settling')"),
            postgresql_where=text("state IN ('waiting', 'ordered', 'settling')"),
        ),
        CheckConstraint("payment IN ('prepayment', 'credit')", name="payment"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    payment: Mapped[str] = mapped_column(String(10))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    cycle: Mapped[int] = mapped_column(SmallInteger)
    requested_person_id: Mapped[int] = mapped_column(BigInteger)
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
    credit_ml: Mapped[int] = mapped_column(BigInteger, default=0)
    credit_money: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    value_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    note: Mapped[str | None] = mapped_column(String(300))
    finished_at: Mapped[int | None] = mapped_column(BigInteger)


class SwitchAdjustment(Base):
    """One pot that a switch set to zero: the command, and when the meter's ledger showed it."""

    __tablename__ = "switch_adjustment"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    switch_id: Mapped[int] = mapped_column(ForeignKey("mode_switch.id"), index=True)
    pot: Mapped[int] = mapped_column(SmallInteger)
    delta: Mapped[int] = mapped_column(BigInteger)
    command_id: Mapped[int] = mapped_column(ForeignKey("command.id"))
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    applied_at: Mapped[int | None] = mapped_column(BigInteger)
