"""Tariffs. One that exists never changes; another price is another tariff."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class Tariff(Base):
    """A flat price per cubic metre, in minor units of one currency."""

    __tablename__ = "tariff"
    __table_args__ = (UniqueConstraint("utility_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    name: Mapped[str] = mapped_column(String(100))
    commodity: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    price_minor_per_m3: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


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
