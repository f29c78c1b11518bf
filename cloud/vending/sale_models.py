"""Tables of what sales came to, and of debts that are paid off in instalments."""

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class SaleRecord(Base):
    """What a purchase came to beyond its tokens, and the statement that its receipt shows; only added.

    `month` is the civil month of the utility, year * 12 + month - 1. `fixed_minor` is without its taxes.
    """

    __tablename__ = "sale"
    __table_args__ = (
        Index("ix_sale_meter_month", "meter_id", "month"),
        Index("ix_sale_account_month", "account_id", "month"),
    )

    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    tariff_version_id: Mapped[int] = mapped_column(ForeignKey("tariff_version.id"))
    month: Mapped[int]
    fixed_minor: Mapped[int] = mapped_column(BigInteger)
    fixed_taxed_minor: Mapped[int] = mapped_column(BigInteger)
    debt_minor: Mapped[int] = mapped_column(BigInteger)
    statement: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[int] = mapped_column(BigInteger)


class PaymentDebt(Base):
    """What a customer pays off in instalments: a share of each payment, at most the cap in a month.

    One in each currency is open at a time. The row is locked while an instalment is taken.
    """

    __tablename__ = "payment_debt"
    __table_args__ = (
        Index(
            "uq_payment_debt_open",
            "customer_id",
            "currency",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("paid_minor >= 0 AND paid_minor <= principal_minor", name="paid_minor"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(300))
    principal_minor: Mapped[int] = mapped_column(BigInteger)
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    percent: Mapped[int] = mapped_column(SmallInteger)
    month_cap_minor: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)


class DebtPayment(Base):
    """An instalment that a purchase took; only added."""

    __tablename__ = "debt_payment"
    __table_args__ = (
        Index("ix_debt_payment_month", "debt_id", "month"),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
    )

    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), primary_key=True)
    debt_id: Mapped[int] = mapped_column(ForeignKey("payment_debt.id"))
    month: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    owed_after_minor: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[int] = mapped_column(BigInteger)
