"""Tables of what changes an account: swaps of its meter, its closing, orders to pay money back, and its debts' plans.

Each that two people may have to want has `state`, who asked, and who decided.
"""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId
from cloud.decided import Decided

LISTED = "listed"
_WAITS = text("state = 'waiting'")


class Final:
    """Where a meter ended: the signed entry of its ledger that says so, or what proves it instead.

    `proof`: `ledger`, heard just now; `last_verified`, the last entry of a gateway that is silent; `return_code`, with
    the balance that the customer told. `head` is the hash of the chain there. Pots are in the unit of the account.
    """

    proof: Mapped[str] = mapped_column(String(14))
    epoch: Mapped[int | None]
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    head: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    register_ml: Mapped[int | None] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)


class MeterSwap(Decided, Final, Base):
    """A meter that replaced another at a service point. What the old one had, `balance`, is the new one's.

    `command_id` carries it to a new meter that was open already; one that was not opens with it. `month_volume_ml` is
    what the old one had counted in the month for the blocks of the tariff on the device.
    """

    __tablename__ = "meter_swap"
    __table_args__ = (
        Index("uq_meter_swap_old", "old_meter_id", unique=True, sqlite_where=text("state <> 'declined'"),
              postgresql_where=text("state <> 'declined'")),
        Index("uq_meter_swap_new", "new_meter_id", unique=True, sqlite_where=text("state <> 'declined'"),
              postgresql_where=text("state <> 'declined'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    service_point_id: Mapped[int] = mapped_column(ForeignKey("service_point.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    old_meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    new_meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
    month_volume_ml: Mapped[int | None] = mapped_column(BigInteger)


class Reissue(Base):
    """An unused token of a meter that was swapped, and the token of the new meter that stands for it; only added."""

    __tablename__ = "reissue"

    old_vend_id: Mapped[int] = mapped_column(ForeignKey("vend.id"), primary_key=True, autoincrement=False)
    new_vend_id: Mapped[int] = mapped_column(ForeignKey("vend.id"), unique=True)
    swap_id: Mapped[int] = mapped_column(ForeignKey("meter_swap.id"), index=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))


class AccountClosing(Decided, Final, Base):
    """The end of an account. `credit`: what is left on the meter stays with the `place`, or `refund` at its price.

    `value_minor` is what was paid for that credit, `debts_minor` what debts and bills took of the customer's money.
    `proven_tid` is the last token that a return code proved to be taken in; those before it were, too.
    """

    __tablename__ = "account_closing"
    __table_args__ = (
        Index(
            "uq_account_closing_account",
            "account_id",
            unique=True,
            sqlite_where=text("state <> 'declined'"),
            postgresql_where=text("state <> 'declined'"),
        ),
        CheckConstraint("credit IN ('place', 'refund')", name="credit"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    credit: Mapped[str] = mapped_column(String(6))
    bars_meter: Mapped[bool]
    currency: Mapped[str] = mapped_column(String(3))
    value_minor: Mapped[int] = mapped_column(BigInteger)
    debts_minor: Mapped[int] = mapped_column(BigInteger)
    refund_order_id: Mapped[int | None] = mapped_column(ForeignKey("refund_order.id"))
    proven_tid: Mapped[int | None]


class RefundOrder(Decided, Base):
    """Money of a customer that goes back to them: out of their account at once, then `done` when it was paid out.

    `listed` is one that may be paid: nobody else had to approve it, or somebody did. `source` is where it is paid from.
    """

    __tablename__ = "refund_order"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_minor"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str | None] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(100))
    paid_at: Mapped[int | None] = mapped_column(BigInteger)


class DebtInstalment(Base):
    """What of a debt is to be paid by a time, as it was agreed; only added."""

    __tablename__ = "debt_instalment"

    debt_id: Mapped[int] = mapped_column(ForeignKey("payment_debt.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    due_at: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class DebtSettlement(Base):
    """What was paid of a debt otherwise than by a sale's share: from the customer's account, or into an agreement.

    `month` is that of a payment whose share it is, which counts in the debt's cap.
    """

    __tablename__ = "debt_settlement"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_minor"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    debt_id: Mapped[int] = mapped_column(ForeignKey("payment_debt.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    owed_after_minor: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(60))
    month: Mapped[int | None]
    at: Mapped[int] = mapped_column(BigInteger)


class WriteOff(Decided, Base):
    """What of a debt is given up, with the end of that debt."""

    __tablename__ = "write_off"
    __table_args__ = (
        Index("uq_write_off_debt", "debt_id", unique=True, sqlite_where=_WAITS, postgresql_where=_WAITS),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    debt_id: Mapped[int] = mapped_column(ForeignKey("payment_debt.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
