"""Table of purchases that were sold and whose tokens wait for the point of sale to confirm them."""

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, exists, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from cloud.db import Base

_OPEN = "released_at IS NULL AND cancelled_at IS NULL"


class SaleHold(Base):
    """A purchase that was sold with release on confirm: held until one of `released_at` and `cancelled_at` is set.

    It is locked behind its meter. `ended_by` is who confirmed or cancelled, `reason` why it was cancelled, and
    `kept_minor` what waits to go to the customer's account.
    """

    __tablename__ = "sale_hold"
    __table_args__ = (
        Index("ix_sale_hold_open", "expires_at", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
        Index("ix_sale_hold_meter_id", "meter_id"),
    )

    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchase.purchase_id"), primary_key=True)
    utility_id: Mapped[int] = mapped_column(ForeignKey("utility.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    kept_minor: Mapped[int] = mapped_column(BigInteger)
    held_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    released_at: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_at: Mapped[int | None] = mapped_column(BigInteger)
    ended_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(String(300))


def is_open() -> ColumnElement[bool]:
    """Tell whether a hold waits for its end."""
    return SaleHold.released_at.is_(None) & SaleHold.cancelled_at.is_(None)


def was_cancelled(purchase_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Tell whether the purchase of a column was cancelled before its tokens were released."""
    return exists().where(SaleHold.purchase_id == purchase_id, SaleHold.cancelled_at.is_not(None))
