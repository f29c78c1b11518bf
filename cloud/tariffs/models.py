"""Tariffs. One that exists never changes; another price is another tariff."""

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
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
