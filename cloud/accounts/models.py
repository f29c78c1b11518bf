"""Customers, how to reach them, the places they are served at, and who lived where, with which meter, and when."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


def _one_open(name: str, *columns: str, end: str) -> Index:
    is_open = text(f"{end} IS NULL")
    return Index(name, *columns, unique=True, sqlite_where=is_open, postgresql_where=is_open)


class Customer(Base):
    """A person or household that a utility serves, and how to reach it.

    `contacts` are the ways to them in the order to try, each `{"kind", "address", "consent_at"}`, without a time where
    nothing may be sent; `phone` and `email` are the first of each kind. Null: there are just these two, phone first.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(16), index=True)
    email: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    contacts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[int] = mapped_column(BigInteger)


class ServicePoint(Base):
    """A place that is supplied with one commodity. Coordinates are in 1/1000000 of a degree."""

    __tablename__ = "service_point"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    place: Mapped[str] = mapped_column(String(100))
    address: Mapped[str | None] = mapped_column(String(200))
    latitude_e6: Mapped[int | None]
    longitude_e6: Mapped[int | None]
    commodity: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Account(Base):
    """A customer at a service point from `opened_at` to `closed_at`; one is open at a place at a time.

    Registers are what the meter counted, in ml; `final_balance` is its credit less its debts, in its account's unit.
    `persons` live there, by whom an allowance is chosen.
    """

    __tablename__ = "account"
    __table_args__ = (_one_open("uq_account_open", "service_point_id", end="closed_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    service_point_id: Mapped[int] = mapped_column(ForeignKey("service_point.id"))
    persons: Mapped[int | None] = mapped_column(SmallInteger)
    opened_at: Mapped[int] = mapped_column(BigInteger)
    opening_register_ml: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)
    final_register_ml: Mapped[int | None] = mapped_column(BigInteger)
    final_balance: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def state(self) -> str:
        """`active` or `closed` (DLMS Account, class 111)."""
        return "active" if self.closed_at is None else "closed"


class MeterStay(Base):
    """A meter at a service point from `from_at` to `to_at`, with what it had counted at both ends, where known."""

    __tablename__ = "meter_stay"
    __table_args__ = (
        _one_open("uq_meter_stay_meter", "meter_id", end="to_at"),
        _one_open("uq_meter_stay_point", "service_point_id", end="to_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    service_point_id: Mapped[int] = mapped_column(ForeignKey("service_point.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    from_at: Mapped[int] = mapped_column(BigInteger)
    opening_register_ml: Mapped[int | None] = mapped_column(BigInteger)
    to_at: Mapped[int | None] = mapped_column(BigInteger)
    final_register_ml: Mapped[int | None] = mapped_column(BigInteger)
