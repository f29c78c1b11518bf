"""Tables of hourly readings. Unlike the ledger's they are overwritten: what is proven by more replaces what is not."""

from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base


class HourlyReading(Base):
    """What a meter counted in one hour of UTC (hours since 1970). `proof` is a number of `cloud/readings/rules.py`."""

    __tablename__ = "hourly_reading"
    __table_args__ = {"sqlite_with_rowid": False}

    meter_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger)
    volume_ml: Mapped[int] = mapped_column(BigInteger)
    proof: Mapped[int] = mapped_column(SmallInteger)
    time_quality: Mapped[int] = mapped_column(SmallInteger)


class ReadingDay(Base):
    """A local day of a meter: what its DAY entry says of the record, and what the record was; either may come first."""

    __tablename__ = "reading_day"

    gateway_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utility_id: Mapped[int] = mapped_column(BigInteger, index=True)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    entry_check: Mapped[int | None] = mapped_column(BigInteger)
    entry_total: Mapped[int | None] = mapped_column(BigInteger)
    record_check: Mapped[int | None] = mapped_column(BigInteger)
    record_total: Mapped[int | None] = mapped_column(BigInteger)
    first_hour: Mapped[int | None] = mapped_column(BigInteger)
    hours: Mapped[int | None] = mapped_column(SmallInteger)
