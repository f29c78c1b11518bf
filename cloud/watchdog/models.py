"""Tables of the watchdog: purchases that are late, what was done about each, and how far sales were looked at."""

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db import Base, BigId


class WatchedPurchase(Base):
    """A purchase that its meter did not show in time. `next_look_at` None: it is over, at `ended_at`.

    `vend_id` is its first token; `told_again` and `commanded` count what was done. `code` and `reason` say what a
    person has to do.
    """

    __tablename__ = "watched_purchase"
    __table_args__ = (
        Index("ix_watched_purchase_next_look_at", "next_look_at"),
        Index("ix_watched_purchase_utility_id", "utility_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), unique=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    vend_id: Mapped[int] = mapped_column(ForeignKey("vend.id"))
    vended_at: Mapped[int] = mapped_column(BigInteger)
    next_look_at: Mapped[int | None] = mapped_column(BigInteger)
    told_again: Mapped[int] = mapped_column(SmallInteger, default=0)
    told_again_at: Mapped[int | None] = mapped_column(BigInteger)
    commanded: Mapped[int] = mapped_column(SmallInteger, default=0)
    commanded_at: Mapped[int | None] = mapped_column(BigInteger)
    code: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(300))
    alarmed_at: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)


class WatchCursor(Base):
    """The last vend that was looked at; one row."""

    __tablename__ = "watch_cursor"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    vend_id: Mapped[int] = mapped_column(BigInteger)
