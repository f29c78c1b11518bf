"""Tariffs. What one says never changes: another price is another version, or another tariff."""

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class Tariff(Base):
    """A class of customers, by its name; its versions say what they pay. `price_minor_per_m3` is the flat price that
    a class was made with, empty where it began without one."""

    __tablename__ = "tariff"
    __table_args__ = (UniqueConstraint("utility_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    name: Mapped[str] = mapped_column(String(100))
    commodity: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    price_minor_per_m3: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


class TariffVersion(Base):
    """What a class pays from a time on. A trigger refuses to change anything but who submitted and decided, and when.

    `terms` is the form of terms.to_json. An approved one is in force from `effective_from_s` until the next is.
    """

    __tablename__ = "tariff_version"
    __table_args__ = (
        UniqueConstraint("tariff_id", "version"),
        CheckConstraint("state IN ('draft', 'submitted', 'approved', 'withdrawn')", name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    version: Mapped[int]
    effective_from_s: Mapped[int] = mapped_column(BigInteger)
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    submitted_by: Mapped[str | None] = mapped_column(String(200))
    submitted_by_id: Mapped[int | None] = mapped_column(BigInteger)
    submitted_at: Mapped[int | None] = mapped_column(BigInteger)
    decided_by: Mapped[str | None] = mapped_column(String(200))
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


class DeviceTariff(Base):
    """A tariff that meters with money in their account apply themselves, as it was signed; versions rise by utility."""

    __tablename__ = "device_tariff"
    __table_args__ = (UniqueConstraint("utility_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_group: Mapped[int]
    version: Mapped[int] = mapped_column(BigInteger)
    effective_from_s: Mapped[int] = mapped_column(BigInteger)
    check_value: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[bytes] = mapped_column(LargeBinary(4096))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
